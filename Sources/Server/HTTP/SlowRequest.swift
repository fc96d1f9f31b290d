// Ends requests that do not come to an end, and connections on which nothing sensible can follow: a
// header or body that drips in, bytes that are no HTTP, and what is left of a request whose answer
// says `Connection: close`. Whoever is sent away is told why, with the error envelope.
//
// A request that arrives in one piece, as nearly all do, costs no timer.

import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTPTypes
import Wire

final class SlowRequest: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  /// For how long what a client still sends is thrown away after the last answer, so that it has time
  /// to read that before the connection breaks.
  private static let farewell = TimeAmount.seconds(2)

  private let patience: TimeAmount
  /// Requests whose answer has not been written.
  private var unanswered = 0
  /// Whether the newest request's body is still to come.
  private var isArriving = false
  /// Whether an answer has been begun and not ended.
  private var isAnswering = false
  private var sawPart = false
  private var closesAfterAnswer = false
  /// What is wrong with a request behind ones that are still being answered.
  private var failure: ServerError?
  /// Nothing is read or written any more.
  private var isOver = false
  /// When the request that is arriving must be there.
  private var deadline: NIODeadline?
  private var timer: Scheduled<Void>?

  init(patience: TimeAmount) { self.patience = patience }

  func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    context.fireChannelInactive()
  }

  // MARK: Requests

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isOver else { return }
    sawPart = true
    switch unwrapInboundIn(data) {
    case .head:
      unanswered += 1
      isArriving = true
    case .body: break
    case .end:
      isArriving = false
      deadline = nil
    }
    context.fireChannelRead(data)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    // Bytes that made no part are the beginning of a header.
    if !isOver, deadline == nil, isArriving || !sawPart {
      deadline = .now() + patience
      if timer == nil { schedule(context) }
    }
    sawPart = false
    context.fireChannelReadComplete()
  }

  private func schedule(_ context: ChannelHandlerContext) {
    guard let deadline else { return }
    let loop = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleTask(deadline: deadline) {
      let (handler, context) = loop.value
      handler.timer = nil
      handler.look(context)
    }
  }

  private func look(_ context: ChannelHandlerContext) {
    guard !isOver, let deadline else { return }
    // Behind a request that is being answered nothing more may be read now, which is no fault of the
    // client.
    if hasEarlier { self.deadline = .now() + patience }
    guard self.deadline == deadline, deadline <= .now() else { return schedule(context) }
    let seconds = Int(patience.nanoseconds / 1_000_000_000)
    if isAnswering || isArriving && unanswered == 0 {
      end(context)
    } else {
      refuse(ServerError.requestTooSlow(seconds: seconds), context)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard !isOver else { return }
    if error is IOError || error is ChannelError { return context.fireErrorCaught(error) }
    let failure = self.failure ?? ServerError.badRequest(reason: "\(error)")
    if isAnswering || hasEarlier { self.failure = failure } else { refuse(failure, context) }
  }

  /// Whether requests before the one that is arriving are not answered.
  private var hasEarlier: Bool { unanswered > (isArriving ? 1 : 0) }

  // MARK: Answers

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard !isOver else {
      promise?.fail(ChannelError.ioOnClosedChannel)
      return
    }
    switch unwrapOutboundIn(data) {
    case .head(let head):
      // 100 (Continue) is followed by the answer.
      isAnswering = head.status.kind != .informational
      if head.headerFields[.connection] == "close" { closesAfterAnswer = true }
    case .body: break
    case .end:
      isAnswering = false
      unanswered -= 1
      if closesAfterAnswer {
        context.writeAndFlush(data, promise: promise)
        return sayFarewell(context)
      }
      if let failure, !hasEarlier {
        context.write(data, promise: promise)
        return refuse(failure, context)
      }
    }
    context.write(data, promise: promise)
  }

  private func refuse(_ error: ServerError, _ context: ChannelHandlerContext) {
    let reply = ErrorReply(error)
    let body = reply.bytes()
    let head = HTTPResponse(
      status: reply.status,
      headerFields: [
        .contentType: "application/json", .contentLength: String(body.count),
        .connection: "close", .date: HTTPDate.now, .server: "assayd",
      ])
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    let buffer = context.channel.allocator.buffer(bytes: body)
    context.write(wrapOutboundOut(.body(buffer)), promise: nil)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    sayFarewell(context, error)
  }

  /// The client sees the end of the answers at once. Closing at once instead could take away from it
  /// what it has not read yet.
  /// - Parameter error: for whoever waits for the rest of the request.
  private func sayFarewell(_ context: ChannelHandlerContext, _ error: ServerError? = nil) {
    isOver = true
    timer?.cancel()
    context.close(mode: .output, promise: nil)
    let channel = context.channel
    timer = context.eventLoop.scheduleTask(in: Self.farewell) { channel.close(promise: nil) }
    if let error, isArriving {
      context.fireErrorCaught(error)
    } else {
      context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    }
  }

  private func end(_ context: ChannelHandlerContext) {
    isOver = true
    context.close(promise: nil)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if isOver, case ChannelEvent.inputClosed = event { return context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }
}
