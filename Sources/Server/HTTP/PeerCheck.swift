// Closes connections of other users: the socket's permissions keep them out already, this holds
// even where someone has loosened those. Root may come in, since it can do everything anyway.

import CLinux
import Glibc
import Logging
import NIOCore

final class PeerCheck: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = NIOAny

  private let owner: uid_t
  private let logger: Logger

  init(owner: uid_t, logger: Logger) {
    self.owner = owner
    self.logger = logger
  }

  func handlerAdded(context: ChannelHandlerContext) {
    if context.channel.isActive { check(context) }
  }

  func channelActive(context: ChannelHandlerContext) {
    check(context)
    context.fireChannelActive()
  }

  private func check(_ context: ChannelHandlerContext) {
    guard let provider = context.channel as? any SocketOptionProvider else {
      return refuse(context, reason: "its socket tells nothing about the peer")
    }
    let channel = context.channel
    let logger = logger
    let owner = owner
    // Answers at once, since this runs on the channel's own event loop.
    provider.unsafeGetSocketOption(level: .socket, name: .init(rawValue: SO_PEERCRED))
      .whenComplete { (result: Result<clinux_peer, any Error>) in
        switch result {
        case .success(let peer) where peer.uid == owner || peer.uid == 0: break
        case .success(let peer):
          logger.warning("connection of user \(peer.uid) refused", metadata: ["pid": "\(peer.pid)"])
          channel.close(promise: nil)
        case .failure(let error):
          logger.warning("connection refused: \(error)")
          channel.close(promise: nil)
        }
      }
  }

  private func refuse(_ context: ChannelHandlerContext, reason: String) {
    logger.warning("connection refused: \(reason)")
    context.close(promise: nil)
  }
}
