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
        try await keepSecrets(of: submission, jobs, core)
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
        if job.state.isFinal { try await secretFiles(core).removeOld(core.store) }
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

extension JobsRoutes {
  private static func secretFiles(_ core: Core) -> SecretFiles {
    SecretFiles(dataFolder: core.facts.dataFolder)
  }

  /// Before the jobs are queued, so that none can start without them.
  private static func keepSecrets(
    of submission: SubmitRequest, _ jobs: [Store.NewJob], _ core: Core
  ) async throws {
    for (index, (submitted, job)) in zip(submission.jobs, jobs).enumerated() {
      var names: [String] = []
      if case .command(let command) = job.spec.work { names = command.secretEnv }
      let values = submitted.secrets ?? [:]
      guard Set(names) == Set(values.keys) else {
        throw ServerError.secretsInvalid(
          job: index,
          reason:
            "there are values for \(values.keys.sorted()), and secret_env is \(names.sorted())")
      }
      guard values.values.allSatisfy({ $0.utf8.count <= Limits.wordBytes && !$0.contains("\0") })
      else { throw ServerError.secretsInvalid(job: index, reason: "a value is too long") }
      guard !values.isEmpty else { continue }
      let files = secretFiles(core)
      try await core.workshop.run { try files.keep(values, of: submitted.uid) }
    }
  }
}

/// Cursors of lists in order of falling ids.
enum Cursor {
  /// A full page may have a next one, which then begins below its last item.
  static func next<Item>(_ items: [Item], limit: Int, id: (Item) -> Int64) -> String? {
    items.count < limit ? nil : items.last.map { String(id($0)) }
  }
}
