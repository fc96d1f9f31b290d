// Job specs and submissions for tests.

import Client
import Experiments
import Foundation
import Testing
import Wire

enum Specs {
  static let context = SubmitContext(directory: "/somewhere", user: "tester")

  /// A training on synthetic data.
  static func train(
    _ name: String = "net", seed: Int64 = 1, extra: [String: JSONValue] = [:]
  ) -> JSONValue {
    let layer: JSONValue = .object([
      "type": .string("dense"), "units": .int(1), "activation": .string("sigmoid"),
    ])
    let spec: [String: JSONValue] = [
      "kind": .string("train"), "name": .string(name), "experiment": .string("tests"),
      "seed": .int(seed),
      "dataset": .object(["type": .string("synthetic"), "rows": .int(100)]),
      "model": .array([layer]), "loss": .string("binary_crossentropy"), "epochs": .int(3),
    ]
    return .object(spec.merging(extra) { _, new in new })
  }

  static func request(
    _ specs: [JSONValue], uids: [Identifier]? = nil
  ) -> SubmitRequest {
    SubmitRequest(
      jobs: specs.enumerated().map { index, spec in
        SubmittedJob(uid: uids?[index] ?? uid(), spec: spec)
      }, context: context)
  }

  static func uid() -> Identifier {
    Identifier(at: Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1e6)))
  }
}

extension AssayClient {
  func submit(_ specs: JSONValue...) async throws -> [Job] {
    try await submit(Specs.request(specs)).jobs
  }

  /// The code and status of the error that `body` ends with; nil if it does not.
  func failure(_ body: (AssayClient) async throws -> Void) async -> ErrorBody? {
    do {
      try await body(self)
      return nil
    } catch let error as ClientError {
      return error.body
    } catch {
      return ErrorBody(code: "unexpected", message: "\(error)")
    }
  }
}

extension AssayClient {
  /// `body` must end with an error of this code.
  func expectFailure(
    _ code: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: (AssayClient) async throws -> Void
  ) async {
    let error = await failure(body)
    #expect(error?.code == code, sourceLocation: sourceLocation)
  }
}
