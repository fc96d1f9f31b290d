// Makes a responder of the table of endpoints. Every answer that is not a success, also those for
// paths and methods that do not exist, has the error envelope as its body.

import HTTPTypes
import Hummingbird
import Logging
import Wire

struct APIRouter: Sendable {
  let endpoints: [Endpoint]
  let workshop: Workshop
  let meter: RequestMeter

  func responder() -> some HTTPResponder<BasicRequestContext> {
    let router = Router(context: BasicRequestContext.self)
    router.add(middleware: ErrorEnvelopes(endpoints: endpoints, meter: meter))
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

/// Gives every request its id, turns every error into its envelope, and counts.
private struct ErrorEnvelopes: RouterMiddleware {
  typealias Context = BasicRequestContext
  let endpoints: [Endpoint]
  let meter: RequestMeter

  @concurrent func handle(
    _ request: Request, context: BasicRequestContext,
    next: @concurrent (Request, BasicRequestContext) async throws -> Response
  ) async throws -> Response {
    let start = ContinuousClock.now
    let id = RequestID.of(request.headers)
    var response = try await RequestID.$current.withValue(id) {
      try await answer(request, context, id, next)
    }
    response.headers[.xRequestID] = id
    let took = ContinuousClock.now - start
    let path = context.endpointPath
    let route =
      path == nil || path == "NotFound"
      ? RequestMeter.Route.unknown
      : RequestMeter.Route(method: request.method.rawValue, path: path ?? "")
    meter.add(route, status: response.status.code, took: took)
    if context.logger.logLevel <= .debug {
      context.logger.debug(
        "answered",
        metadata: [
          "method": "\(request.method)", "path": "\(request.uri.path)",
          "status": "\(response.status.code)", "took": "\(took)", "request": "\(id)",
        ])
    }
    return response
  }

  @concurrent private func answer(
    _ request: Request, _ context: BasicRequestContext, _ id: String,
    _ next: @concurrent (Request, BasicRequestContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch {
      let error = error is HTTPError ? missing(request) : error
      var reply = ErrorReply(error)
      reply.body.requestId = id
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
