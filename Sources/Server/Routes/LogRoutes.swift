// The log of a run: what its attempts wrote, one after another, by byte offset.

import Experiments
import HTTPTypes
import Store
import Wire

enum LogRoutes {
  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      Endpoint(.get, "/runs/{run}/log", query: ["offset", "limit"]) { request in
        let id = try await core.oneRun(try request.text("run"))
        let reader = LogReader(run: id, store: core.store)
        return try Reply.json(
          try await reader.page(
            from: try request.integer("offset", in: 0...Int64.max) ?? 0,
            limit: try request.integer("limit", in: 1...Limits.logPieceBytes) ?? 64 << 10))
      },
      Endpoint(.get, "/runs/{run}/log/follow", query: ["offset"]) { request in
        let id = try await core.oneRun(try request.text("run"))
        var offset = try request.integer("offset", in: 0...Int64.max) ?? 0
        if let last = request.header(.lastEventID) {
          guard let value = Int64(last), value >= 0 else {
            throw ServerError.badParameter(
              name: "Last-Event-ID", value: last, expected: "the id of a log event")
          }
          offset = value
        }
        let follower = LogFollower(
          reader: LogReader(run: id, store: core.store), offset: offset)
        return try await EventStream.response(core.changes) { try await follower.turn() }
      },
    ]
  }
}

/// Reads text out of a log of bytes without cutting characters in two.
struct LogReader: Sendable {
  let run: Int64
  let store: Store

  func page(from offset: Int64, limit: Int) async throws -> LogPage {
    // Room for one character at least, however small the limit.
    let (bytes, next, end) = try await store.log(run: run, from: offset, limit: max(limit, 4))
    var kept = bytes[...]
    if !end { kept = kept.dropLast(Self.unfinished(bytes)) }
    return LogPage(
      runId: run, offset: offset, next: next - Int64(bytes.count - kept.count), end: end,
      text: String(decoding: kept, as: UTF8.self))
  }

  /// How many bytes at the end begin a character whose rest is not there yet.
  static func unfinished(_ bytes: [UInt8]) -> Int {
    for back in 1...4 where back <= bytes.count {
      let byte = bytes[bytes.count - back]
      if byte & 0b1100_0000 == 0b1000_0000 { continue }
      let length =
        switch byte {
        case 0b1100_0000..<0b1110_0000: 2
        case 0b1110_0000..<0b1111_0000: 3
        case 0b1111_0000..<0b1111_1000: 4
        default: 1
        }
      return back < length ? back : 0
    }
    return 0
  }
}

actor LogFollower {
  private static let piece = 64 << 10
  private let reader: LogReader
  private var offset: Int64

  init(reader: LogReader, offset: Int64) {
    self.reader = reader
    self.offset = offset
  }

  func turn() async throws -> EventStream.Turn {
    let page = try await reader.page(from: offset, limit: Self.piece)
    var events: [ServerSentEvent] = []
    if page.next > offset {
      events.append(
        try JSONEvent.make(
          "log", id: String(page.next), LogEvent(offset: page.next, text: page.text)))
    }
    let hasMore = page.next > offset && !page.end
    offset = page.next
    if page.end { events.append(ServerSentEvent(name: "end", data: "{}")) }
    return EventStream.Turn(events: events, isLast: page.end, hasMore: hasMore)
  }
}
