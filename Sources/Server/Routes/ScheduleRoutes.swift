// Schedules: jobs that are submitted at times of a cron expression.

import Experiments
import HTTPTypes
import Store
import Wire

enum ScheduleRoutes {
  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      Endpoint(.get, "/schedules") { _ in
        try Reply.json(Page(items: try await core.store.schedules()))
      },
      Endpoint(.get, "/schedules/{schedule}") { request in
        try Reply.json(try await core.store.schedule(try request.id("schedule")))
      },
      Endpoint(.post, "/schedules", bodyLimit: Limits.requestBytes) { request in
        let body = try await request.json(ScheduleRequest.self, hasSpec: true)
        return try Reply.json(try await core.scheduler.add(body, Submission(core)))
      },
      Endpoint(.patch, "/schedules/{schedule}", bodyLimit: Limits.specBytes) { request in
        let change = try await request.json(ScheduleChange.self)
        return try Reply.json(
          try await core.scheduler.setPaused(try request.id("schedule"), change.paused))
      },
      Endpoint(.delete, "/schedules/{schedule}") { request in
        try await core.store.deleteSchedule(try request.id("schedule"))
        return try Reply.acknowledged
      },
      Endpoint(.get, "/schedules/{schedule}/times", query: ["limit"]) { request in
        let count = try request.integer("limit", in: 1...Limits.scheduleTimes) ?? 5
        return try Reply.json(
          Page(items: try await core.scheduler.times(try request.id("schedule"), count: count)))
      },
      Endpoint(.get, "/schedules/{schedule}/history", query: ["limit", "cursor"]) { request in
        let limit = try request.limit()
        let firings = try await core.store.firings(
          ofSchedule: try request.id("schedule"), limit: limit,
          before: try request.integer("cursor", in: 1...Int64.max))
        return try Reply.json(
          Page(items: firings, next: Cursor.next(firings, limit: limit, id: \.id)))
      },
      Endpoint(.post, "/schedules/{schedule}/run") { request in
        try Reply.json(try await core.scheduler.fireNow(try request.id("schedule")))
      },
    ]
  }
}
