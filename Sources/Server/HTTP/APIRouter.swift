// Makes a responder of the table of endpoints. Every answer that is not a success, also those for
// paths and methods that do not exist, has the error envelope as its body.

import HTTPTypes
import Hummingbird
import Logging
import Wire

struct APIRouter: Sendable {
  let endpoints: [Endpoint]
  let workshop: Workshop

  func responder() -> some HTTPResponder<BasicRequestContext> {
    let router = Router(context: BasicRequestContext.self)
    router.add(middleware: ErrorEnvelopes(endpoints: endpoints))
    for endpoint in endpoints {
      router.on(RouterPath(Self.pattern(endpoint)), method: endpoint.method) {
        [workshop] request, context in
        try await endpoint.handle(
          APIRequest(
            request, parameters: context.parameters, endpoint: endpoint, workshop: workshop))
      }
    }
    return router.buildResponder()
  }

  private static func pattern(_ endpoint: Endpoint) -> String {
    endpoint.segments.map { $0.hasSuffix("...}") ? "**" : String($0) }.joined(separator: "/")
  }
}

/// Turns every error into its envelope.
private struct ErrorEnvelopes: RouterMiddleware {
  typealias Context = BasicRequestContext
  let endpoints: [Endpoint]

  @concurrent func handle(
    _ request: Request, context: BasicRequestContext,
    next: @concurrent (Request, BasicRequestContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch {
      let error = error is HTTPError ? missing(request) : error
      let reply = ErrorReply(error)
      if reply.status.code >= 500 {
        context.logger.error(
          "request failed",
          metadata: [
            "method": "\(request.method)", "path": "\(request.uri.path)",
            "code": "\(reply.body.code)", "error": "\(error)",
          ])
      }
      var response = try reply.response()
      if case ServerError.methodNotAllowed(_, _, let allowed) = error {
        response.headers[.allow] = allowed.joined(separator: ", ")
      }
      // What is left of a body that is too large is not read.
      if case ServerError.bodyTooLarge = error { response.headers[.connection] = "close" }
      return response
    }
  }

  /// The router only says that nothing matched.
  private func missing(_ request: Request) -> ServerError {
    let path = String(request.uri.path.prefix(200))
    let parts = request.uri.path.split(separator: "/")
    let allowed = endpoints.filter { $0.matches(parts) }.map(\.method.rawValue)
    if allowed.isEmpty { return .routeNotFound(method: request.method.rawValue, path: path) }
    return .methodNotAllowed(
      method: request.method.rawValue, path: path, allowed: Array(Set(allowed)).sorted())
  }
}
