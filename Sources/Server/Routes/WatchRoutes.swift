// One run watched live: every point once, in order, and its state whenever that changes. Where a
// client stands is the id of the last `points` event, so one that comes back goes on without a gap.

import Experiments
import HTTPTypes
import Store
import Wire

enum WatchRoutes {
  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      Endpoint(.get, "/runs/{run}/follow", query: ["after", "metrics", "points"]) { request in
        let after = request.header(.lastEventID) ?? request.query("after") ?? ""
        guard let cursor = WatchCursor(after) else {
          throw ServerError.badParameter(
            name: "after", value: after, expected: "the id of a points event")
        }
        let keys = request.items("metrics")
        let follower = RunFollower(
          run: try await core.oneRun(try request.text("run")), store: core.store, after: cursor,
          keys: keys.isEmpty ? nil : keys,
          most: try request.integer("points", in: 10...Limits.plotPoints))
        return try await EventStream.response(core.changes) { try await follower.turn() }
      }
    ]
  }
}

actor RunFollower {
  private static let piece = 5_000
  private let id: Int64
  private let store: Store
  private let keys: [String]?
  private let most: Int?
  private var cursor: WatchCursor
  private var told: RunState?

  init(run id: Int64, store: Store, after cursor: WatchCursor, keys: [String]?, most: Int?) {
    self.id = id
    self.store = store
    self.cursor = cursor
    self.keys = keys
    self.most = most
  }

  func turn() async throws -> EventStream.Turn {
    let page = try await store.watch(
      run: id, after: cursor, keys: keys, most: most, limit: Self.piece)
    let state = RunState(page.run)
    var events: [ServerSentEvent] = []
    if !page.points.isEmpty {
      let series = page.points.map { WatchedSeries(restarts: $0.restarts, series: $0.series) }
      events.append(
        try JSONEvent.make(
          "points", id: page.cursor.text, PointsEvent(runId: id, series: series)))
    }
    cursor = page.cursor
    let isLast = state.status.isFinal && !page.hasMore
    if isLast {
      events.append(try JSONEvent.make("end", state))
    } else if state != told, !state.status.isFinal {
      events.append(try JSONEvent.make("state", state))
      told = state
    }
    return EventStream.Turn(events: events, isLast: isLast, hasMore: page.hasMore)
  }
}
