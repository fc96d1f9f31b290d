// What the scheduler has to know and to write about attempts that may only take so long.

package import Experiments
import GRDB

extension Store {
  /// How much an attempt has given so far; a later one that differs means that it was active.
  package struct Activity: Sendable, Equatable {
    package let logBytes: Int64
    package let points: Int64
    /// Without the rates in it, which vary by themselves.
    package let progress: String?
  }

  /// Metrics of the machine come whether or not the program does anything.
  package static let machineMetrics = "system"

  /// - Throws: `attempt_not_found`.
  package func activity(attempt id: Int64) async throws -> Activity {
    try await read { db in
      let row = try db.row(
        """
        SELECT a.log_bytes, json_remove(r.progress, '$.samples_per_second'),
          (SELECT COALESCE(SUM(m.count), 0) FROM metrics m JOIN metric_keys k ON k.id = m.key_id
           WHERE m.run_id = a.run_id AND substr(k.name, 1, 6) <> '\(Self.machineMetrics)')
        FROM attempts a JOIN runs r ON r.id = a.run_id WHERE a.id = ?
        """, [id])
      guard let row else { throw StoreError.attemptNotFound(id) }
      return Activity(logBytes: row[0], points: row[2], progress: row[1])
    }
  }

  /// Keeps when an attempt was last active, for a daemon that takes it over.
  package func noteActive(attempt id: Int64, at time: Timestamp) async throws {
    try await write { db, _ in
      try db.run(
        "UPDATE attempts SET active_at = ? WHERE id = ? AND state IN ('starting', 'running')",
        [time.microseconds, id])
    }
  }

  /// The attempt has gone over a limit: it ends `timed_out` from now on, whatever its worker says.
  /// - Returns: false if it is over already, or is being cancelled.
  package func noteLimit(attempt id: Int64, _ failure: Failure) async throws -> Bool {
    try await write { [clock] db, change in
      let now = clock.now()
      let isNew = try db.changed(
        """
        UPDATE attempts SET limit_code = ?, limit_message = ?, limit_at = ?
        WHERE id = ? AND state IN ('starting', 'running') AND limit_code IS NULL
          AND NOT (SELECT cancel_requested FROM jobs j WHERE j.id = attempts.job_id)
        """, [failure.code, failure.message, now.microseconds, id])
      let attempt = try AttemptRows.one(db, id)
      if isNew {
        try EventRows.add(
          db, "time_limit", at: now, job: attempt.jobId, run: attempt.runId,
          data: [
            "attempt": .int(id), "code": .string(failure.code),
            "message": .string(failure.message),
          ])
        change.note(.jobs, job: attempt.jobId)
      }
      return try !attempt.state.isFinal && AttemptRows.limit(db, id) != nil
    }
  }
}
