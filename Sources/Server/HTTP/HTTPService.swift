// The HTTP server on the daemon's Unix socket, with its limits: whose connections it takes, how long
// a connection may be idle or unread, how large headers may be.

import Experiments
import Glibc
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle
import Store

struct HTTPService: Service {
  private static let idle = Duration.seconds(90)
  private static let unread = TimeAmount.seconds(30)
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
    let server = HTTPServerBuilder.http1(
      configuration: HTTP1Channel.Configuration(
        additionalChannelHandlers: [
          PeerCheck(owner: owner, logger: logger), StalledPeer(patience: Self.unread),
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
    let application = Application(
      responder: router.responder(), server: server,
      configuration: ApplicationConfiguration(
        address: .unixDomainSocket(path: socketPath), serverName: "assayd", backlog: 1024),
      onServerRunning: { _ in
        socket.isBound()
        // The umask has seen to it already; this holds where someone changed that.
        if chmod(socketPath, 0o600) != 0 {
          logger.warning("\(socketPath) keeps its permissions: \(String(cString: strerror(errno)))")
        }
        await onReady()
      },
      logger: logger)
    do {
      try await withGracefulShutdownHandler {
        try await application.run()
      } onGracefulShutdown: {
        // Wakes the live views, which then see that it is time to end.
        Task { await changes.signal() }
      }
    } catch let error as IOError {
      throw ServerError.socket(path: socketPath, reason: error.description)
    }
  }
}
