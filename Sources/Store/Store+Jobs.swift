// Jobs as people see them: submitting, listing, holding, cancelling.

package import Experiments
import Checkpoints
import GRDB

extension Store {
  package struct NewJob: Sendable {
    /// Made by the client: the same one again is the same job.
    package var uid: Identifier
    package var spec: JobSpec
    package var context: SubmitContext
    package var scheduleId: Int64?
    /// The firing of the schedule that it comes from.
    package var dueAt: Timestamp?
    /// The job that it is another try of.
    package var retryOf: Int64?

    package init(
      uid: Identifier, spec: JobSpec, context: SubmitContext, scheduleId: Int64? = nil,
      dueAt: Timestamp? = nil, retryOf: Int64? = nil
    ) {
      self.uid = uid
      self.spec = spec
      self.context = context
      self.scheduleId = scheduleId
      self.dueAt = dueAt
      self.retryOf = retryOf
    }
  }

  /// Queues all of them or none, each with its run. A job that is there already is returned as it
  /// is.
  /// - Throws: `limit_exceeded`, `run_not_found` (the run to evaluate), `schedule_not_found`,
  ///   `conflict` (a known uid with another spec).
  package func submit(_ jobs: [NewJob]) async throws -> [Job] {
    try Bounds.count(jobs.count, of: "jobs", atMost: Limits.jobsPerSubmission)
    return try await write { [clock, makeIdentifier] db, change in
      let now = clock.now()
      let ids = try jobs.map { job in
        try JobWriter.insert(db, job, run: makeIdentifier(now), at: now, &change)
      }
      return try JobRows.many(db, ids)
    }
  }

  /// - Throws: `job_not_found`.
  package func job(_ id: Int64) async throws -> Job {
    try await read { try JobRows.one($0, id) }
  }

  /// Newest first.
  /// - Parameters:
  ///   - states: nil: all.
  ///   - cursor: the id of the last job of the page before.
  package func jobs(
    states: [JobState]? = nil, limit: Int, before cursor: Int64? = nil
  ) async throws -> [Job] {
    try Bounds.page(limit)
    let known = states ?? JobState.allCases
    let list = JSONValue.array(known.map { .string($0.rawValue) }).canonicalText
    return try await read { db in
      try JobRows.fetch(
        db,
        """
        WHERE j.id < ? AND j.state IN (SELECT value FROM json_each(?)) ORDER BY j.id DESC LIMIT ?
        """, [cursor ?? .max, list, limit])
    }
  }

  /// A waiting job is cancelled at once; an active one is marked, for its worker to be told.
  /// - Throws: `job_not_found`, `job_final`.
  package func requestCancel(job id: Int64) async throws -> Job {
    try await write { [clock] db, change in
      let now = clock.now()
      if try JobRows.move(db, id, from: [.queued, .held], to: .cancelled, at: now) {
        let run = try JobRows.run(db, job: id)
        try RunWriter.move(db, run, to: .cancelled, at: now)
        try EventRows.add(db, "job_cancelled", at: now, job: id, run: run)
        try DependencyRows.release(db, id)
        try DependencyRows.ended(db, id, at: now, &change)
        try EventRows.add(db, "run_cancelled", at: now, job: id, run: run)
        change.note(.jobs, job: id)
        change.note(.runs, run: run)
        return try JobRows.one(db, id)
      }
      let isNew = try db.changed(
        """
        UPDATE jobs SET cancel_requested = 1
        WHERE id = ? AND state IN ('starting', 'running') AND cancel_requested = 0
        """, [id])
      if isNew {
        // What an earlier attempt of the job was stopped for.
        try db.run("DELETE FROM job_stops WHERE job_id = ?", [id])
        try EventRows.add(db, "cancel_requested", at: now, job: id)
        change.note(.jobs, job: id)
      }
      let job = try JobRows.one(db, id)
      if job.state.isFinal, job.state != .cancelled {
        throw StoreError.jobFinal(id, state: job.state)
      }
      return job
    }
  }

  /// Those that wait for a slot, in the order in which they are to be started.
  package func nextQueued(limit: Int) async throws -> [Job] {
    try await read { db in
      try JobRows.fetch(
        db, "WHERE j.state = 'queued' ORDER BY j.priority DESC, j.id LIMIT ?", [limit])
    }
  }
}
