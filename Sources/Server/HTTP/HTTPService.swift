// The HTTP server on the daemon's Unix socket, with its limits: whose connections it takes, how long
// a connection may be idle or unread and a request on its way, how large headers may be.

import Experiments
import Glibc
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle
import Store

struct HTTPService: Service {
  private static let name = "assayd"
  /// More than the client keeps an idle connection for its next request.
  private static let idle = Duration.seconds(25)
  private static let unread = TimeAmount.seconds(20)
  private static let arrival = TimeAmount.seconds(20)
  /// The longest expression, all of it percent-encoded, and room for the rest.
  private static let headerBytes = 3 * Limits.queryBytes + (16 << 10)
  private static let headerFields = 100

  let socket: SocketFile
  let router: APIRouter
  let store: Store
  let clock: WallClock
  let changes: ChangeHub
  let logger: Logger
  /// Called once connections are taken.
  let onReady: @Sendable () async -> Void

  /// Serves until a graceful shutdown: then no new connections, and running requests finish.
  func run() async throws {
    let owner = geteuid()
    let logger = logger
    let store = store
    let clock = clock
    let builder = HTTPServerBuilder.http1(
      configuration: HTTP1Channel.Configuration(
        additionalChannelHandlers: [
          PeerCheck(owner: owner, logger: logger), StalledPeer(patience: Self.unread),
          SlowRequest(patience: Self.arrival),
          // Before the short way, so that it sees all requests; the server's own then has no limit.
          HTTPConnectionStateHandler(idleTimeout: Self.idle, logger: logger),
          MetricsIntake(store: store, clock: clock, logger: logger),
        ],
        idleTimeout: nil,
        httpDecoderConfiguration: .init(
          maxHeaderFieldSize: Self.headerBytes, maxHeaderListSize: Self.headerBytes,
          maxHeaderFieldCount: Self.headerFields)))
    let socket = socket
    let socketPath = socket.path
    let onReady = onReady
    let responder = router.responder()
    // What Hummingbird's `Application` does, but for its clock for the header `Date`, which wakes up
    // every second and needs ICU.
    let server = try builder.buildServer(
      configuration: ServerConfiguration(
        address: .unixDomainSocket(path: socketPath), backlog: 1024),
      eventLoopGroup: EventLoopGroupProvider.singleton.eventLoopGroup, logger: logger,
      responder: { request, writer, channel in
        try await Self.answer(request, by: responder, to: writer, on: channel, logger)
      },
      onServerRunning: { _ in
        socket.isBound()
        // The umask has seen to it already; this holds where someone changed that.
        if chmod(socketPath, 0o600) != 0 {
          logger.warning("\(socketPath) keeps its permissions: \(String(cString: strerror(errno)))")
        }
        await onReady()
      })
    do {
      try await withGracefulShutdownHandler {
        try await server.run()
      } onGracefulShutdown: {
        // Wakes the live views, which then see that it is time to end.
        Task { await changes.signal() }
      }
    } catch let error as IOError {
      throw ServerError.socket(path: socketPath, reason: error.description)
    }
  }

  @concurrent private static func answer(
    _ request: Request, by responder: some HTTPResponder<BasicRequestContext>,
    to writer: consuming ResponseWriter, on channel: any Channel, _ logger: Logger
  ) async throws {
    let context = BasicRequestContext(
      source: ApplicationRequestContextSource(channel: channel, logger: logger))
    var response = try await responder.respond(to: request, context: context)
    response.headers[.date] = HTTPDate.now
    response.headers[.server] = name
    try await writer.write(response: response.head, body: response.body)
  }
}
