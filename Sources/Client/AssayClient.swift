// The typed client of the daemon's API over its Unix socket, or over TCP. One method per route stands in the
// extensions beside this file; here are the requests themselves. All writes of the API are
// idempotent, so a request whose connection broke off is sent once more.

import AsyncHTTPClient
import Experiments
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import Wire

package final class AssayClient: Sendable {
  /// Of a client over TCP its address.
  package let socketPath: String
  /// `http://HOST:PORT`, over TCP.
  private let url: String?
  let token: String?
  let timeout: Duration
  let http: HTTPClient

  /// `token` is a worker's, and names its attempt. `timeout` is for a whole request and its answer;
  /// followed streams have none. Close with `shutdown()`.
  package convenience init(
    socketPath: String, token: String? = nil, timeout: Duration = .seconds(60)
  ) {
    self.init(socketPath: socketPath, url: nil, token: token, timeout: timeout)
  }

  /// Over TCP: `url` is `http://HOST:PORT`, `token` the one in the daemon's data folder.
  package convenience init(url: String, token: String, timeout: Duration = .seconds(60)) {
    var url = url
    while url.hasSuffix("/") { url.removeLast() }
    self.init(socketPath: url, url: url, token: token, timeout: timeout)
  }

  private init(socketPath: String, url: String?, token: String?, timeout: Duration) {
    self.socketPath = socketPath
    self.url = url
    self.token = token
    self.timeout = timeout
    var configuration = HTTPClient.Configuration()
    configuration.connectionPool.retryConnectionEstablishment = false
    configuration.timeout.connect = .seconds(10)
    // Less than the daemon's own patience, so that it never closes one that is about to be used.
    configuration.connectionPool.idleTimeout = .seconds(15)
    configuration.decompression = .disabled
    http = HTTPClient(
      eventLoopGroupProvider: .shared(HTTPClient.defaultEventLoopGroup),
      configuration: configuration)
  }

  /// Closes all connections; a client that was shut down is of no more use.
  package func shutdown() async {
    // It fails only where it was shut down before, which leaves nothing to do.
    try? await http.shutdown()
  }

  /// `body` with a client that is closed afterwards.
  package static func with<Result: Sendable>(
    socketPath: String, token: String? = nil, timeout: Duration = .seconds(60),
    _ body: (AssayClient) async throws -> Result
  ) async throws -> Result {
    try await with(
      AssayClient(socketPath: socketPath, token: token, timeout: timeout), body)
  }

  /// `body` with this client, which is closed afterwards.
  package static func with<Result: Sendable>(
    _ client: AssayClient, _ body: (AssayClient) async throws -> Result
  ) async throws -> Result {
    do {
      let result = try await body(client)
      await client.shutdown()
      return result
    } catch {
      await client.shutdown()
      throw error
    }
  }
}

// MARK: - Typed requests

extension AssayClient {
  package func get<Answer: Decodable>(_ path: APIPath) async throws -> Answer {
    try await decoded(path, bytes(.GET, path))
  }

  package func delete<Answer: Decodable>(_ path: APIPath) async throws -> Answer {
    try await decoded(path, bytes(.DELETE, path))
  }

  package func post<Answer: Decodable>(_ path: APIPath) async throws -> Answer {
    try await decoded(path, bytes(.POST, path))
  }

  package func post<Answer: Decodable>(
    _ path: APIPath, _ body: some Encodable
  ) async throws -> Answer {
    try await decoded(path, bytes(.POST, path, json: body))
  }

  package func put<Answer: Decodable>(
    _ path: APIPath, _ body: some Encodable
  ) async throws -> Answer {
    try await decoded(path, bytes(.PUT, path, json: body))
  }

  package func patch<Answer: Decodable>(
    _ path: APIPath, _ body: some Encodable
  ) async throws -> Answer {
    try await decoded(path, bytes(.PATCH, path, json: body))
  }

  /// The body of the answer as it is.
  package func getBytes(_ path: APIPath) async throws -> [UInt8] {
    Array(buffer: try await bytes(.GET, path))
  }

  private func bytes(
    _ method: HTTPMethod, _ path: APIPath, json body: some Encodable
  ) async throws -> ByteBuffer {
    let data = try WireCoding.encoder().encode(body)
    return try await bytes(
      method, path, body: ByteBuffer(data: data), contentType: "application/json")
  }

  func decoded<Answer: Decodable>(_ path: APIPath, _ buffer: ByteBuffer) throws -> Answer {
    do {
      return try WireCoding.decoder().decode(Answer.self, from: Data(buffer: buffer))
    } catch {
      throw ClientError.badAnswer("\(path.text): \(error)")
    }
  }

  /// Sends a request and takes its whole answer.
  func bytes(
    _ method: HTTPMethod, _ path: APIPath, body: ByteBuffer? = nil, contentType: String? = nil,
    accept: String? = nil
  ) async throws -> ByteBuffer {
    try await retryingOnce(path) {
      var request = self.request(method, path)
      if let body { request.body = .bytes(body) }
      if let contentType { request.headers.add(name: "Content-Type", value: contentType) }
      if let accept { request.headers.add(name: "Accept", value: accept) }
      let response = try await self.http.execute(request, deadline: .now() + self.timeAmount)
      return try await self.collected(response, path)
    }
  }
}

// MARK: - Under the typed requests

extension AssayClient {
  var timeAmount: TimeAmount {
    let (seconds, attoseconds) = timeout.components
    return .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
  }

  func request(_ method: HTTPMethod, _ path: APIPath) -> HTTPClientRequest {
    var unreserved = CharacterSet.urlHostAllowed
    unreserved.remove(charactersIn: "%:@[]")
    let host = socketPath.addingPercentEncoding(withAllowedCharacters: unreserved) ?? socketPath
    var request = HTTPClientRequest(url: (url ?? "http+unix://\(host)") + path.text)
    request.method = method
    // Without it the encoded socket path would be the host's name.
    if url == nil { request.headers.replaceOrAdd(name: "Host", value: "assay") }
    if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
    return request
  }

  /// The whole body, or the error that the daemon sent instead.
  private func collected(_ response: HTTPClientResponse, _ path: APIPath) async throws -> ByteBuffer
  {
    let body = try await response.body.collect(upTo: 1 << 31)
    guard (200..<300).contains(response.status.code) else {
      throw Self.error(body, status: Int(response.status.code), path)
    }
    return body
  }

  static func error(_ body: ByteBuffer, status: Int, _ path: APIPath) -> ClientError {
    do {
      let envelope = try WireCoding.decoder().decode(ErrorEnvelope.self, from: Data(buffer: body))
      return .api(envelope.error, status: status)
    } catch {
      let text = String(buffer: body).prefix(200)
      return .badAnswer("\(path.text) answered status \(status): \(text)")
    }
  }

  /// Runs `send`, and once more if the connection broke off (a daemon that restarts, or an idle
  /// connection that it closed at that moment).
  func retryingOnce<Result>(
    _ path: APIPath, _ send: () async throws -> Result
  ) async throws -> Result {
    try checkNames(of: path)
    do {
      return try await send()
    } catch {
      let first = clientError(error, path)
      guard case ClientError.connectionLost = first else { throw first }
    }
    do {
      return try await send()
    } catch {
      throw clientError(error, path)
    }
  }

  /// - Throws: `ClientError.badName`
  func checkNames(of path: APIPath) throws {
    if let part = path.badPart { throw ClientError.badName(part) }
  }

  /// What a failed request means.
  func clientError(_ error: any Error, _ path: APIPath) -> any Error {
    switch error {
    case is ClientError, is CancellationError:
      return error
    case let error as IOError:
      switch error.errnoCode {
      case ECONNREFUSED, ENOENT, ENOTDIR, EACCES:
        return ClientError.daemonUnreachable(socket: socketPath)
      default: return ClientError.connectionLost(error.description)
      }
    case let error as HTTPClientError:
      switch error {
      case .deadlineExceeded, .readTimeout, .connectTimeout, .writeTimeout,
        .getConnectionFromPoolTimeout:
        return ClientError.timedOut(path.text)
      case .cancelled:
        return CancellationError()
      default:
        return ClientError.connectionLost(error.shortDescription)
      }
    case is ChannelError, is HTTPParserError:
      return ClientError.connectionLost("\(error)")
    default:
      // Of an address: no such host, nobody there.
      return url == nil ? error : ClientError.daemonUnreachable(socket: socketPath)
    }
  }
}
