// The HTTP server on the daemon's Unix socket or on TCP, with its limits: whose connections it takes,
// how long a connection may be idle or unread and a request on its way, how large headers may be.

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

  /// How one gets in.
  enum Door: Sendable {
    /// For the daemon's own user and root.
    case socket(SocketFile)
    /// For those who have the token.
    case address(ListenAddress, token: String)
  }

  let door: Door
  let router: APIRouter
  let meter: RequestMeter
  let store: Store
  let clock: WallClock
  let changes: ChangeHub
  let logger: Logger
  /// Called once connections are taken.
  let onReady: @Sendable () async -> Void

  /// Serves until a graceful shutdown: then no new connections, and running requests finish.
  func run() async throws {
    let door = door
    let logger = logger
    let store = store
    let clock = clock
    let meter = meter
    let builder = HTTPServerBuilder.http1(
      configuration: HTTP1Channel.Configuration(
        additionalChannelHandlers: [
          Self.gate(door, logger), StalledPeer(patience: Self.unread),
          SlowRequest(patience: Self.arrival),
          // Before the short way, so that it sees all requests; the server's own then has no limit.
          HTTPConnectionStateHandler(idleTimeout: Self.idle, logger: logger),
          MetricsIntake(store: store, clock: clock, meter: meter, logger: logger),
        ],
        idleTimeout: nil,
        httpDecoderConfiguration: .init(
          maxHeaderFieldSize: Self.headerBytes, maxHeaderListSize: Self.headerBytes,
          maxHeaderFieldCount: Self.headerFields)))
    let onReady = onReady
    let responder = router.responder()
    // What Hummingbird's `Application` does, but for its clock for the header `Date`, which wakes up
    // every second and needs ICU.
    let server = try builder.buildServer(
      configuration: ServerConfiguration(
        address: Self.address(door), backlog: 1024),
      eventLoopGroup: EventLoopGroupProvider.singleton.eventLoopGroup, logger: logger,
      responder: { request, writer, channel in
        try await Self.answer(request, by: responder, to: writer, on: channel, logger)
      },
      onServerRunning: { channel in
        Self.opened(door, channel, logger)
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
      throw Self.failure(door, error.description)
    } catch let error as SocketAddressError {
      throw Self.failure(door, "\(error)")
    }
  }

  private static func gate(_ door: Door, _ logger: Logger) -> any RemovableChannelHandler {
    switch door {
    case .socket: PeerCheck(owner: geteuid(), logger: logger)
    case .address(_, let token): TokenGate(token: token, logger: logger)
    }
  }

  private static func address(_ door: Door) -> BindAddress {
    switch door {
    case .socket(let socket): .unixDomainSocket(path: socket.path)
    case .address(let address, _): .hostname(address.host, port: address.port)
    }
  }

  private static func failure(_ door: Door, _ reason: String) -> ServerError {
    switch door {
    case .socket(let socket): .socket(path: socket.path, reason: reason)
    case .address(let address, _): .listen(address: address.text, reason: reason)
    }
  }

  private static func opened(_ door: Door, _ channel: any Channel, _ logger: Logger) {
    switch door {
    case .socket(let socket):
      socket.isBound()
      // The umask has seen to it already; this holds where someone changed that.
      if chmod(socket.path, 0o600) != 0 {
        logger.warning("\(socket.path) keeps its permissions: \(String(cString: strerror(errno)))")
      }
    case .address(let address, _):
      logger.info("listening", metadata: ["address": "\(channel.localAddress?.description ?? "?")"])
      if !address.isLoopback {
        logger.warning("what goes over this address is not encrypted; see docs/security.md")
      }
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
