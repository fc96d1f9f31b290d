// Server-sent events as a response: a producer is asked for more whenever something changed, and a
// silent stream gets a comment now and then so that a dead connection is noticed. It ends when the
// producer says so, when the peer goes away or when the daemon stops.

import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle
import Wire

enum EventStream {
  /// What a producer has to say when it is asked.
  struct Turn: Sendable {
    var events: [ServerSentEvent]
    /// Whether these are the last ones.
    var isLast = false
    /// Whether there is more at once, without waiting for a change.
    var hasMore = false
  }

  /// Between two turns, so that a busy store does not keep every follower busy.
  private static let pause: Duration = .milliseconds(100)
  private static let keepAlive: Duration = .seconds(10)

  /// `next` is asked once for the state as it is and then after each change. An error of the first
  /// turn is the request's answer; a later one ends the stream with an `error` event.
  static func response(
    _ hub: ChangeHub, next: @escaping @Sendable () async throws -> Turn
  ) async throws -> Response {
    let seen = await hub.version
    let first = try await next()
    let headers: HTTPFields = [.contentType: "text/event-stream", .cacheControl: "no-cache"]
    return Response(
      status: .ok, headers: headers,
      body: ResponseBody { writer in
        try await write(hub, first: first, seen: seen, next: next, to: &writer)
        try await writer.finish(nil)
      })
  }

  @concurrent private static func write(
    _ hub: ChangeHub, first: Turn, seen: UInt64, next: @Sendable () async throws -> Turn,
    to writer: inout any ResponseBodyWriter
  ) async throws {
    var turn = first
    var seen = seen
    // Tells the client at once that it is connected, even if there is nothing to say.
    try await writer.write(ByteBuffer(string: ": hello\n\n"))
    while true {
      let text = turn.events.map(\.text).joined()
      if !text.isEmpty { try await writer.write(ByteBuffer(string: text)) }
      if turn.isLast || Task.isShuttingDownGracefully { return }
      if !turn.hasMore {
        // Wakes at least once a second to see whether the daemon stops.
        var silent: Duration = .zero
        while await hub.version == seen {
          await hub.wait(after: seen, timeout: .seconds(1))
          try Task.checkCancellation()
          if Task.isShuttingDownGracefully { return }
          silent += .seconds(1)
          if silent >= keepAlive {
            silent = .zero
            try await writer.write(ByteBuffer(string: ServerSentEvent.keepAlive))
          }
        }
        try await Task.sleep(for: pause)
      }
      seen = await hub.version
      do {
        turn = try await next()
      } catch {
        let body = ErrorReply(error).body
        let event = try JSONEvent.make("error", body)
        try await writer.write(ByteBuffer(string: event.text))
        return
      }
    }
  }
}

enum JSONEvent {
  static func make(
    _ name: String, id: String? = nil, _ value: some Encodable
  ) throws -> ServerSentEvent {
    let data = try WireCoding.encoder().encode(value)
    return ServerSentEvent(name: name, id: id, data: String(decoding: data, as: UTF8.self))
  }
}
