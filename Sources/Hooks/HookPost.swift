// Calls a hook's URL: a POST with the event as JSON, signed if the hook has a secret. Redirects are not
// followed, certificates are checked, and no URL is ever part of a message, since it may hold a secret.

import AsyncHTTPClient
package import Experiments
import Foundation
import NIOCore
import NIOHTTP1
import Synchronization

package final class HookPost: Sendable {
  /// Made when the first URL is called: most daemons call none, and its threads and what they need of
  /// the library would stay in memory.
  private let http = Mutex<HTTPClient?>(nil)

  /// Close it with `shutdown`.
  package init() {}

  private static func client() -> HTTPClient {
    var configuration = HTTPClient.Configuration()
    configuration.redirectConfiguration = .disallow
    configuration.timeout.connect = .seconds(10)
    configuration.connectionPool.idleTimeout = .seconds(10)
    configuration.connectionPool.retryConnectionEstablishment = false
    configuration.decompression = .disabled
    return HTTPClient(
      eventLoopGroupProvider: .shared(HTTPClient.defaultEventLoopGroup),
      configuration: configuration)
  }

  package func shutdown() async {
    // It fails only where it was shut down before.
    try? await http.withLock({ $0 })?.shutdown()
  }

  /// Never throws: an error is an outcome.
  package func call(
    _ url: String, _ payload: HookPayload, secretFile: String?, now: Timestamp, timeout: Duration
  ) async -> HookOutcome {
    do {
      let body = try payload.json()
      var request = HTTPClientRequest(url: url)
      request.method = .POST
      request.headers = [
        "Content-Type": "application/json", "User-Agent": "assayd",
        "X-Assay-Event": payload.event.kind, "X-Assay-Delivery": payload.deliveryId.text,
      ]
      if let secretFile {
        let timestamp = String(now.microseconds / 1_000_000)
        request.headers.add(name: "X-Assay-Timestamp", value: timestamp)
        request.headers.add(
          name: "X-Assay-Signature",
          value: HookSignature.text(
            secret: try SecretFile.read(secretFile), timestamp: timestamp, body: body))
      }
      request.body = .bytes(ByteBuffer(bytes: body))
      let http = http.withLock { http in
        let client = http ?? Self.client()
        http = client
        return client
      }
      let response = try await http.execute(
        request, deadline: .now() + .seconds(timeout.components.seconds))
      return Self.outcome(response.status)
    } catch {
      return HookOutcome(answer: nil, error: Self.words(error))
    }
  }

  /// What the body of the answer says is not looked at.
  private static func outcome(_ status: HTTPResponseStatus) -> HookOutcome {
    let answer = "status \(status.code)"
    switch status.code {
    case 200..<300: return HookOutcome(answer: answer)
    case 300..<400: return HookOutcome(answer: answer, error: "redirects are not followed")
    default: return HookOutcome(answer: answer, error: "refused with \(status)")
    }
  }

  private static func words(_ error: any Error) -> String {
    switch error {
    case let error as SecretFileError: error.description
    case let error as HTTPClientError: error.shortDescription
    case let error as IOError: "the host cannot be reached: \(error.description)"
    case is CancellationError: "the daemon stopped meanwhile"
    case let error where "\(type(of: error))".hasPrefix("NIOSSL"):
      "no secure connection: the certificate is not trusted, or the host speaks no TLS"
    default: "the call failed: \(type(of: error))"
    }
  }
}
