// The short way of metric points from the socket to the store: `POST /api/v1/runs/{number}/metrics`
// with a small body is decoded on the connection's event loop, handed to the store's writer, and
// answered when it is on disk. Requests that are sent before the answers to those before have come thus
// share a commit, and none of them wakes another thread than the writer's. Everything else, and such a
// request behind one of another kind, goes the way of all routes and means the same there.
//
// Answers keep the order of their requests. While answers are due, a request of another kind waits;
// while too many are due, nothing more is read from the connection.

import Experiments
import Foundation
import HTTPTypes
import Logging
import NIOCore
import NIOHTTPTypes
import Store
import Wire

final class MetricsIntake: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  /// A larger body takes long enough to decode to hold up the loop's other connections.
  private static let mostBytes = 64 << 10
  /// Requests of one connection that are not answered yet, and their bytes.
  private static let mostDue = 64
  private static let mostBytesDue = 2 << 20

  private let store: Store
  private let clock: WallClock
  private let meter: RequestMeter
  private let logger: Logger

  /// The request whose body is arriving.
  private var current: Arriving?
  /// Requests that wait for their answer, oldest first; the first has the number `firstDue`.
  private var due: [Due] = []
  private var firstDue = 0
  private var bytesDue = 0
  /// Requests that went on to the routes and are not answered yet.
  private var elsewhere = 0
  /// What must wait until all answers that are due have been written.
  private var held: [Held] = []
  private var wantsRead = false
  private var context: ChannelHandlerContext?

  private struct Arriving {
    let run: Int64
    let isBinary: Bool
    let start = ContinuousClock.now
    /// As the client calls it.
    let id: String?
    var body = ByteBuffer()
  }

  private struct Due {
    let bytes: Int
    let start: ContinuousClock.Instant
    let id: String?
    var answer: Answer?
  }

  private struct Answer {
    var status: HTTPResponse.Status
    var body: [UInt8]
    var id: String?
  }

  private enum Held {
    case part(HTTPRequestPart)
    /// The client sends no more.
    case inputClosed
  }

  init(store: Store, clock: WallClock, meter: RequestMeter, logger: Logger) {
    self.store = store
    self.clock = clock
    self.meter = meter
    self.logger = logger
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  // MARK: Requests

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let part = unwrapInboundIn(data)
    guard held.isEmpty else { return held.append(.part(part)) }
    take(part, context)
  }

  private func take(_ part: HTTPRequestPart, _ context: ChannelHandlerContext) {
    switch part {
    case .head(let head):
      if elsewhere == 0, let request = Self.arriving(head) {
        current = request
      } else if due.isEmpty {
        elsewhere += 1
        context.fireChannelRead(wrapInboundOut(part))
      } else {
        held.append(.part(part))
      }
    case .body(let piece):
      // Its length was told before and is within the limit.
      if current?.body.writeImmutableBuffer(piece) == nil {
        context.fireChannelRead(wrapInboundOut(part))
      }
    case .end:
      if let request = current {
        current = nil
        submit(request, context)
      } else {
        context.fireChannelRead(wrapInboundOut(part))
      }
    }
  }

  /// The request, if it is one of those that take the short way.
  private static func arriving(_ head: HTTPRequest) -> Arriving? {
    guard head.method == .post, let run = run(of: head.path ?? ""),
      let length = head.headerFields[.contentLength].flatMap({ Int($0) }),
      (0...mostBytes).contains(length), head.headerFields[.connection] == nil,
      head.headerFields[.expect] == nil, head.headerFields[.authorization] == nil
    else { return nil }
    let type = head.headerFields[.contentType]
    let id = head.headerFields[.xRequestID] == nil ? nil : RequestID.of(head.headerFields)
    return Arriving(
      run: run, isBinary: type?.contains(PointsBody.contentType) ?? false, id: id)
  }

  private static let prefix = "/api/v1/runs/"
  private static let suffix = "/metrics"

  private static func run(of path: String) -> Int64? {
    guard path.hasPrefix(prefix), path.hasSuffix(suffix) else { return nil }
    let name = path.utf8.dropFirst(prefix.utf8.count).dropLast(suffix.utf8.count)
    guard (1...18).contains(name.count) else { return nil }
    var run: Int64 = 0
    for digit in name {
      guard (0x30...0x39).contains(digit) else { return nil }
      run = run * 10 + Int64(digit - 0x30)
    }
    return run
  }

  private func submit(_ request: Arriving, _ context: ChannelHandlerContext) {
    let bytes = request.body.readableBytes
    let number = firstDue + due.count
    due.append(Due(bytes: bytes, start: request.start, id: request.id))
    bytesDue += bytes
    do {
      let series = try MetricsBody.decode(
        Array(request.body.readableBytesView), isBinary: request.isBinary, now: clock.now())
      let loop = context.eventLoop
      let this = NIOLoopBound(self, eventLoop: loop)
      try store.appendMetrics(run: request.run, series) { result in
        loop.execute { this.value.finish(number, result) }
      }
    } catch {
      finish(number, .failure(error))
    }
  }

  // MARK: Answers

  private func finish(_ number: Int, _ result: Result<Int, any Error>) {
    // The connection may have gone meanwhile; what was written stays written.
    guard let context, due.indices.contains(number - firstDue) else { return }
    due[number - firstDue].answer = answer(result, to: due[number - firstDue])
    var count = 0
    while count < due.count, let answer = due[count].answer {
      write(answer, context)
      meter.add(
        Self.route, status: answer.status.code, took: ContinuousClock.now - due[count].start)
      bytesDue -= due[count].bytes
      count += 1
    }
    guard count > 0 else { return }
    due.removeFirst(count)
    firstDue += count
    context.flush()
    if due.isEmpty { release(context) }
    if wantsRead, !isFull {
      wantsRead = false
      context.read()
    }
  }

  private static let route = RequestMeter.Route(
    method: "POST", path: "/api/v1/runs/{run}/metrics")

  private func answer(_ result: Result<Int, any Error>, to due: Due) -> Answer {
    switch result {
    case .success(let points):
      return Answer(status: .ok, body: MetricsBody.answer(points), id: due.id)
    case .failure(let error):
      // One that went well is named only if the client has named it.
      let id = due.id ?? RequestID.of([:])
      var reply = ErrorReply(error)
      reply.body.requestId = id
      if reply.status.code >= 500 {
        logger.error("metrics failed", metadata: ["error": "\(error)", "request": "\(id)"])
      }
      return Answer(status: reply.status, body: reply.bytes(), id: id)
    }
  }

  private func write(_ answer: Answer, _ context: ChannelHandlerContext) {
    var head = HTTPResponse(
      status: answer.status,
      headerFields: [
        .contentType: "application/json", .contentLength: String(answer.body.count),
        .date: HTTPDate.now, .server: "assayd",
      ])
    if let id = answer.id { head.headerFields[.xRequestID] = id }
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    let body = context.channel.allocator.buffer(bytes: answer.body)
    context.write(wrapOutboundOut(.body(body)), promise: nil)
    context.write(wrapOutboundOut(.end(nil)), promise: nil)
  }

  /// Lets go of what waited; a metrics request among it makes the rest wait again.
  private func release(_ context: ChannelHandlerContext) {
    let waiting = held
    held = []
    for (index, one) in waiting.enumerated() {
      switch one {
      case .part(let part): take(part, context)
      case .inputClosed where due.isEmpty:
        context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
      case .inputClosed: held.append(one)
      }
      if !held.isEmpty {
        held += waiting[(index + 1)...]
        return
      }
    }
    context.fireChannelReadComplete()
  }

  // MARK: The rest of the channel

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if case .end = unwrapOutboundIn(data) { elsewhere -= 1 }
    context.write(data, promise: promise)
  }

  private var isFull: Bool {
    due.count >= Self.mostDue || bytesDue >= Self.mostBytesDue || !held.isEmpty
  }

  func read(context: ChannelHandlerContext) {
    if isFull { wantsRead = true } else { context.read() }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case ChannelEvent.inputClosed = event, !due.isEmpty || !held.isEmpty {
      held.append(.inputClosed)
    } else {
      context.fireUserInboundEventTriggered(event)
    }
  }
}
