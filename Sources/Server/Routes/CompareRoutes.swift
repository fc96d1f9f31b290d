// Two sides of runs, compared.

import Experiments
import HTTPTypes
import Store
import Wire

enum CompareRoutes {
  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      Endpoint(.post, "/compare", bodyLimit: Limits.specBytes) { request in
        let sides = try await request.json(CompareRequest.self)
        let reference = try await core.side(sides.reference, field: "reference")
        let candidate = try await core.side(sides.candidate, field: "candidate")
        return try Reply.json(
          try await core.judge.compare(
            reference: reference, candidate: candidate, metrics: sides.metrics))
      }
    ]
  }
}

extension Core {
  /// The runs that names mean, of which there must be one at least; deleted ones are refused.
  func side(_ names: [String], field: String) async throws -> [Int64] {
    guard !names.isEmpty else {
      throw ServerError.badJSON(field: field, reason: "it names no run")
    }
    return try await store.resolveUsableRuns(names)
  }
}
