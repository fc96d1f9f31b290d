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
      Endpoint(.post, "/schedules/{schedule}/run") { request in
        try Reply.json(try await core.scheduler.fireNow(try request.id("schedule")))
      },
    ]
  }
}
