// What happened, as a list and live.

import Experiments
import HTTPTypes
import Hummingbird
import Store
import Wire

enum EventsRoutes {
  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      Endpoint(.get, "/events", query: ["after", "limit"]) { request in
        if request.header(.accept)?.contains("text/event-stream") ?? false {
          return try await follow(request, core)
        }
        let limit = try request.limit()
        let events = try await core.store.events(
          after: try request.integer("after", in: 0...Int64.max) ?? 0, limit: limit)
        return try Reply.json(
          Page(items: events, next: Cursor.next(events, limit: limit, id: \.id)))
      },
      Endpoint(.get, "/events/follow", query: ["after"]) { request in
        try await follow(request, core)
      },
    ]
  }

  private static func follow(_ request: APIRequest, _ core: Core) async throws -> Response {
    var after = try request.integer("after", in: 0...Int64.max) ?? 0
    if let last = request.header(.lastEventID) {
      guard let value = Int64(last), value >= 0 else {
        throw ServerError.badParameter(
          name: "Last-Event-ID", value: last, expected: "the id of an event")
      }
      after = value
    }
    let follower = EventFollower(store: core.store, after: after)
    return try await EventStream.response(core.changes) { try await follower.turn() }
  }
}

actor EventFollower {
  private static let piece = 500
  private let store: Store
  private var after: Int64

  init(store: Store, after: Int64) {
    self.store = store
    self.after = after
  }

  func turn() async throws -> EventStream.Turn {
    let events = try await store.events(after: after, limit: Self.piece)
    after = events.last?.id ?? after
    return EventStream.Turn(
      events: try events.map { try JSONEvent.make("event", id: String($0.id), $0) },
      hasMore: events.count == Self.piece)
  }
}
