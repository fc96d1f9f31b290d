// Alerts of runs: what there is to judge them by, and that each is raised once.

package import Experiments
import GRDB

extension Store {
  /// A job under way whose spec has alerts.
  package struct AlertedJob: Sendable {
    package let jobId: Int64
    package let runId: Int64
    package let isRunning: Bool
    /// The list as the spec has it.
    package let alerts: JSONValue
    /// Places of those that its run has raised already.
    package let raised: Set<Int>
  }

  package func alertedJobs() async throws -> [AlertedJob] {
    try await pool.read { db in
      try Damage.watching {
        try db.rows(
          """
          SELECT j.id, (SELECT MAX(r.id) FROM runs r WHERE r.job_id = j.id), j.state,
            json_extract(j.spec, '$.alerts')
          FROM jobs j
          WHERE j.state IN ('starting', 'running')
            AND json_extract(j.spec, '$.alerts') IS NOT NULL
          """
        ).compactMap { row in
          guard let run: Int64 = row[1] else { return nil }
          let raised = try db.int64s("SELECT alert FROM run_alerts WHERE run_id = ?", [run])
          return AlertedJob(
            jobId: row[0], runId: run, isRunning: row[2] == "running",
            alerts: try JSONText.parse(row[3]), raised: Set(raised.map { Int($0) }))
        }
      }
    }
  }

  /// A metric of the run that has, or had, a value that is no finite number.
  /// - Parameter key: only this one.
  package func divergedMetric(run id: Int64, key: String?) async throws -> MetricPoint? {
    try await read { db in
      let row = try db.row(
        """
        SELECT k.name, m.last_step, m.last_epoch, r.created_at + m.last_time, m.last
        FROM metrics m JOIN metric_keys k ON k.id = m.key_id JOIN runs r ON r.id = m.run_id
        WHERE m.run_id = ? AND (? IS NULL OR k.name = ?)
          AND (m.numbers < m.count OR m.min = -9e999 OR m.max = 9e999) LIMIT 1
        """, [id, key, key])
      return try row.map {
        MetricPoint(
          key: $0[0], step: $0[1], epoch: $0[2], time: $0.time(3),
          value: try MetricColumn.double($0[4]))
      }
    }
  }

  /// Something that changes whenever the run gets on: its step and how many points it has.
  package func progressMark(run id: Int64) async throws -> String {
    try await read { db in
      try db.string(
        """
        SELECT COALESCE(json_extract(r.progress, '$.step'), 0) || '.' ||
          (SELECT COALESCE(SUM(m.count), 0) FROM metrics m WHERE m.run_id = r.id)
        FROM runs r WHERE r.id = ?
        """, [id]) ?? ""
    }
  }

  /// Raises an alert of a run, unless it was raised before.
  /// - Parameter stop: why the job is to be cancelled; nil if it goes on.
  /// - Returns: whether it was raised now.
  package func raiseAlert(
    _ alert: Int, run: Int64, job: Int64, data: [String: JSONValue], stop: Failure?
  ) async throws -> Bool {
    try await write { [clock] db, change in
      let now = clock.now()
      let isNew = try db.changed(
        "INSERT OR IGNORE INTO run_alerts (run_id, alert, raised_at) VALUES (?, ?, ?)",
        [run, alert, now.microseconds])
      guard isNew else { return false }
      try EventRows.add(db, "alert_raised", at: now, job: job, run: run, data: data)
      change.note(.runs, run: run)
      guard let stop else { return true }
      let isAsked = try db.changed(
        """
        UPDATE jobs SET cancel_requested = 1
        WHERE id = ? AND state IN ('starting', 'running') AND cancel_requested = 0
        """, [job])
      guard isAsked else { return true }
      try db.run(
        "INSERT OR REPLACE INTO job_stops (job_id, code, message) VALUES (?, ?, ?)",
        [job, stop.code, stop.message])
      try EventRows.add(
        db, "cancel_requested", at: now, job: job,
        data: ["code": .string(stop.code), "message": .string(stop.message)])
      change.note(.jobs, job: job)
      return true
    }
  }

  /// Why a job is being cancelled, if nobody asked for it by hand.
  static func stopReason(_ db: Database, job: Int64) throws -> Failure? {
    try db.row("SELECT code, message FROM job_stops WHERE job_id = ?", [job])?
      .failure(code: 0, message: 1)
  }
}
