// Submitting, listing, following and ending jobs.

import Experiments
import HTTPTypes
import Store
import Wire

enum JobsRoutes {
  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      Endpoint(.post, "/jobs", bodyLimit: Limits.requestBytes) { request in
        let submission = try await request.json(SubmitRequest.self, hasSpec: true)
        let jobs = try await Submission(core).newJobs(submission)
        return try await Reply.json(
          large: SubmitReply(jobs: try await core.store.submit(jobs)), in: core.workshop)
      },
      Endpoint(.get, "/jobs", query: ["state", "limit", "cursor"]) { request in
        let states = try request.list("state", of: JobState.self)
        let limit = try request.limit()
        let jobs = try await core.store.jobs(
          states: states.isEmpty ? nil : states, limit: limit,
          before: try request.integer("cursor", in: 1...Int64.max))
        return try await Reply.json(
          large: Page(
            items: try await core.supervisor.explained(jobs),
            next: Cursor.next(jobs, limit: limit, id: \.id)),
          in: core.workshop)
      },
      Endpoint(.get, "/jobs/{job}") { request in
        let job = try await core.store.job(try request.id("job"))
        return try Reply.json(try await core.supervisor.explained(job))
      },
      Endpoint(.post, "/jobs/{job}/cancel") { request in
        let job = try await core.store.requestCancel(job: try request.id("job"))
        await core.supervisor.cancel(job: job.id)
        return try Reply.json(job)
      },
      Endpoint(.get, "/jobs/{job}/follow", query: ["after"]) { request in
        let follower = JobFollower(
          job: try request.id("job"), store: core.store,
          after: try JobFollower.Position(
            request.header(.lastEventID) ?? request.query("after")))
        return try await EventStream.response(core.changes) { try await follower.turn() }
      },
    ]
  }
}

/// Cursors of lists in order of falling ids.
enum Cursor {
  /// A full page may have a next one, which then begins below its last item.
  static func next<Item>(_ items: [Item], limit: Int, id: (Item) -> Int64) -> String? {
    items.count < limit ? nil : items.last.map { String(id($0)) }
  }
}
