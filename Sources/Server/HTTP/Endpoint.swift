// One route of the API: what it answers to, what it takes, and what it does. The table of all
// endpoints makes the router, the answers 404 and 405, and the check against openapi.json.

import HTTPTypes
import Hummingbird

struct Endpoint: Sendable {
  let method: HTTPRequest.Method
  /// With parameters in braces: `/api/v1/runs/{run}/log`. A last part `{path...}` takes all the
  /// rest.
  let path: String
  /// The query parameters it takes; any other is refused.
  let query: [String]
  /// The largest body in bytes; 0 for none.
  let bodyLimit: Int
  let handle: @Sendable (APIRequest) async throws -> Response

  init(
    _ method: HTTPRequest.Method, _ path: String, query: [String] = [], bodyLimit: Int = 0,
    handle: @escaping @Sendable (APIRequest) async throws -> Response
  ) {
    self.method = method
    self.path = "/api/v1" + path
    self.query = query
    self.bodyLimit = bodyLimit
    self.handle = handle
  }

  /// The same with another way of handling it.
  func handling(_ handle: @escaping @Sendable (APIRequest) async throws -> Response) -> Endpoint {
    Endpoint(copying: self, handle: handle)
  }

  private init(
    copying other: Endpoint, handle: @escaping @Sendable (APIRequest) async throws -> Response
  ) {
    (method, path, query, bodyLimit) = (other.method, other.path, other.query, other.bodyLimit)
    self.handle = handle
  }

  /// One outside of the API.
  init(
    _ method: HTTPRequest.Method, root path: String,
    handle: @escaping @Sendable (APIRequest) async throws -> Response
  ) {
    self.method = method
    self.path = path
    query = []
    bodyLimit = 0
    self.handle = handle
  }

  var segments: [Substring] { path.split(separator: "/") }

  /// Whether a path with these segments is one of this endpoint's, whatever the method.
  func matches(_ parts: [Substring]) -> Bool {
    let own = segments
    let takesRest = own.last?.hasSuffix("...}") ?? false
    guard takesRest ? parts.count >= own.count : parts.count == own.count else { return false }
    return zip(own, parts).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
  }
}
