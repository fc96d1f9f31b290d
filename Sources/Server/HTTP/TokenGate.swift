// Lets requests over TCP pass that bring the daemon's token, and no others: they are answered 401 and
// their connection is closed. The token goes no further, since routes read others from that header.

import HTTPTypes
import Logging
import NIOCore
import NIOHTTPTypes
import Wire

final class TokenGate: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private let token: [UInt8]
  private let logger: Logger
  private var isRefused = false
  /// Requests that were let in and are not answered yet.
  private var pending = 0

  init(token: String, logger: Logger) {
    self.token = Array(token.utf8)
    self.logger = logger
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isRefused else { return }
    guard case .head(var head) = unwrapInboundIn(data) else {
      return context.fireChannelRead(data)
    }
    guard isRight(head.headerFields[.authorization]) else { return refuse(context, head) }
    head.headerFields[.authorization] = nil
    pending += 1
    context.fireChannelRead(wrapInboundOut(.head(head)))
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if case .end = unwrapOutboundIn(data) { pending -= 1 }
    context.write(data, promise: promise)
  }

  /// Takes as long for one wrong token as for another.
  private func isRight(_ value: String?) -> Bool {
    guard let value, value.hasPrefix("Bearer ") else { return false }
    let given = Array(value.utf8.dropFirst(7))
    guard given.count == token.count else { return false }
    var difference: UInt8 = 0
    for index in token.indices { difference |= given[index] ^ token[index] }
    return difference == 0
  }

  private func refuse(_ context: ChannelHandlerContext, _ head: HTTPRequest) {
    isRefused = true
    logger.warning(
      "request without the token refused",
      metadata: ["peer": "\(context.remoteAddress.map { "\($0)" } ?? "?")"])
    // An answer now would be taken for that of an earlier request.
    guard pending == 0 else { return context.close(promise: nil) }
    var reply = ErrorReply(ServerError.accessDenied)
    reply.body.requestId = RequestID.of(head.headerFields)
    let body = reply.bytes()
    let response = HTTPResponse(
      status: reply.status,
      headerFields: [
        .contentType: "application/json", .contentLength: String(body.count),
        .connection: "close", .wwwAuthenticate: "Bearer", .date: HTTPDate.now, .server: "assayd",
      ])
    context.write(wrapOutboundOut(.head(response)), promise: nil)
    context.write(
      wrapOutboundOut(.body(context.channel.allocator.buffer(bytes: body))), promise: nil)
    let channel = context.channel
    let end = context.eventLoop.makePromise(of: Void.self)
    end.futureResult.whenComplete { _ in channel.close(promise: nil) }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: end)
  }
}
