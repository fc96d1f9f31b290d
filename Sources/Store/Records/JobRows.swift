// Jobs between their table and their records, and the moves of their state. Every move is one
// conditional update that names the states it may come from.

import Checkpoints
import Experiments
import GRDB

enum JobRows {
  private static let select = """
    SELECT j.id, j.uid, j.kind, j.name, e.name, j.state, j.priority, r.id,
      (SELECT COUNT(*) FROM attempts a WHERE a.job_id = j.id), j.schedule_id, j.created_at,
      j.started_at, j.ended_at, j.failure_code, j.failure_message, j.cancel_requested, r.progress,
      j.spec, j.queue, j.retries, j.not_before, j.held_by, j.retry_of,
      CASE WHEN j.waits_for > 0 AND j.state IN ('held', 'queued') THEN
        (SELECT json_group_array(after_id) FROM
          (SELECT d.after_id FROM job_dependencies d WHERE d.job_id = j.id ORDER BY 1 LIMIT 4))
      END
    FROM jobs j JOIN experiments e ON e.id = j.experiment_id
      LEFT JOIN runs r ON r.id = (SELECT MAX(n.id) FROM runs n WHERE n.job_id = j.id)

    """

  static func one(_ db: Database, _ id: Int64) throws -> Job {
    guard let job = try fetch(db, "WHERE j.id = ?", [id]).first else {
      throw StoreError.jobNotFound(id)
    }
    return job
  }

  /// In the order of `ids`.
  static func many(_ db: Database, _ ids: [Int64]) throws -> [Job] {
    let jobs = try fetch(db, "WHERE j.id IN (SELECT value FROM json_each(?))", [ids.jsonList])
    let byId = Dictionary(uniqueKeysWithValues: jobs.map { ($0.id, $0) })
    return try ids.map { id in
      guard let job = byId[id] else { throw StoreError.jobNotFound(id) }
      return job
    }
  }

  /// - Parameter rest: what follows the FROM clause, of a few fixed forms.
  static func fetch(_ db: Database, _ rest: String, _ arguments: StatementArguments) throws -> [Job]
  {
    try db.rows(select + rest, arguments).map(job)
  }

  private static func job(_ row: Row) throws -> Job {
    Job(
      id: row[0], uid: try row.identifier(1), kind: try row.name(2), name: row[3],
      experiment: row[4], state: try row.name(5), priority: row[6], runId: row[7],
      attempts: row[8], scheduleId: row[9], createdAt: row.time(10),
      startedAt: row.optionalTime(11), endedAt: row.optionalTime(12),
      failure: row.failure(code: 13, message: 14), cancelRequested: row[15],
      progress: try RecordCoding.optional(row[16]), spec: try JSONText.parse(row[17]),
      queue: row[18], retries: row[19],
      notBefore: row.optionalTime(20), heldBy: row[21],
      waitsFor: try RecordCoding.optional(row[23]), retryOf: row[22])
  }

  static func state(_ db: Database, _ id: Int64) throws -> JobState {
    guard let row = try db.row("SELECT state FROM jobs WHERE id = ?", [id]) else {
      throw StoreError.jobNotFound(id)
    }
    return try row.name(0)
  }

  /// The run that the job's newest attempt writes to, or its next one will.
  static func run(_ db: Database, job: Int64) throws -> Int64 {
    guard let run = try db.int64("SELECT MAX(id) FROM runs WHERE job_id = ?", [job]) else {
      throw StoreError.databaseDamaged("job \(job) has no run")
    }
    return run
  }

  /// Moves the job, if it is in a state of `from` that may be followed by `state`.
  /// - Returns: whether it was.
  static func move(
    _ db: Database, _ id: Int64, from: some Sequence<JobState> = JobState.allCases,
    to state: JobState, at now: Timestamp, failure: Failure? = nil
  ) throws -> Bool {
    let previous = from.filter { $0.next.contains(state) }.map { "'\($0.rawValue)'" }.sorted()
    return try db.changed(
      """
      UPDATE jobs SET state = ?,
        started_at = CASE WHEN ? THEN COALESCE(started_at, ?) ELSE started_at END,
        ended_at = CASE WHEN ? THEN ? END, failure_code = ?, failure_message = ?
      WHERE id = ? AND state IN (\(previous.joined(separator: ", ")))
      """,
      [
        state.rawValue, state == .running, now.microseconds, state.isFinal, now.microseconds,
        failure?.code, failure?.message, id,
      ])
  }
}
