// A request with the token of an attempt may do what concerns the attempt's own run and the runs below
// it, and nothing else. One without a token may do all: between processes of one user there is no
// boundary, the token only keeps a program from writing into another run by mistake.

import Experiments
import HTTPTypes
import Hummingbird
import Store

enum TokenGuard {
  /// Open to everybody, with or without a token.
  private static let harmless = ["/api/v1/health", "/api/v1/status", "/api/v1/schemas"]

  /// The endpoint behind the guard. Those of attempts look at the token themselves.
  static func guarded(_ endpoint: Endpoint, _ core: Core) -> Endpoint {
    if endpoint.path.hasPrefix("/api/v1/attempts/") { return endpoint }
    return endpoint.handling { request in
      guard request.hasToken else { return try await endpoint.handle(request) }
      var request = request
      request.scope = try await scope(of: request, at: endpoint.path, core)
      return try await endpoint.handle(request)
    }
  }

  private static func scope(
    of request: APIRequest, at path: String, _ core: Core
  ) async throws -> Store.TokenScope {
    let sha256 = AttemptToken.hash(try request.token())
    guard let scope = try await core.store.tokenScope(sha256: sha256) else {
      throw ServerError.tokenUnknown
    }
    if path.hasPrefix("/api/v1/runs/{run}") {
      let run = try await core.givenRun(try request.text("run"))
      try await check(run, in: scope, core)
    } else if path != "/api/v1/runs" || request.method != .post,
      !harmless.contains(where: path.hasPrefix)
    {
      throw ServerError.tokenRestricted(run: scope.run)
    }
    return scope
  }

  /// - Throws: `token_restricted`.
  static func check(_ run: Int64, in scope: Store.TokenScope, _ core: Core) async throws {
    guard try await core.store.isRun(run, within: scope.run) else {
      throw ServerError.tokenRestricted(run: scope.run)
    }
  }
}
