// Attempts between their table and their records, and the fence: only the newest attempt of a job,
// and only while it is active, may write.

import Experiments
import GRDB

/// An attempt that may write (see `live`).
struct LiveAttempt {
  let id: Int64
  let jobId: Int64
  let runId: Int64
  let number: Int64
  let state: AttemptState
}

enum AttemptRows {
  private static let select = """
    SELECT a.id, a.job_id, a.run_id, a.number, a.state, a.resumed_from_epoch, a.created_at,
      a.started_at, a.ended_at, a.failure_code, a.failure_message, a.cost, n.info, a.folder,
      a.heartbeat_at, a.resources, a.limit_code, a.limit_message, a.active_at, a.exit_code
    FROM attempts a LEFT JOIN environments n ON n.id = a.environment_id

    """

  static func one(_ db: Database, _ id: Int64) throws -> Attempt {
    guard let row = try db.row(select + "WHERE a.id = ?", [id]) else {
      throw StoreError.attemptNotFound(id)
    }
    return try attempt(row)
  }

  /// - Parameter rest: what follows the FROM clause, of a few fixed forms.
  static func rows(_ db: Database, _ rest: String, _ arguments: StatementArguments = []) throws
    -> [Row]
  {
    try db.rows(select + rest, arguments)
  }

  static func attempt(_ row: Row) throws -> Attempt {
    Attempt(
      id: row[0], jobId: row[1], runId: row[2], number: row[3], state: try row.name(4),
      resumedFromEpoch: row[5], createdAt: row.time(6), startedAt: row.optionalTime(7),
      endedAt: row.optionalTime(8), failure: row.failure(code: 9, message: 10),
      exitCode: row[19],
      cost: try RecordCoding.optional(row[11]),
      environment: try RecordCoding.optional(row[12]),
      resources: try (row[15] as String?).map { try ResourceText.handedOut($0) })
  }

  static func folder(_ row: Row) -> String { row[13] }
  static func heartbeat(_ row: Row) -> Timestamp? { row.optionalTime(14) }
  static func limit(_ row: Row) -> Failure? { row.failure(code: 16, message: 17) }
  static func active(_ row: Row) -> Timestamp? { row.optionalTime(18) }

  /// The limit that the attempt has gone over, and when that was seen.
  static func limit(_ db: Database, _ id: Int64) throws -> (failure: Failure, at: Timestamp)? {
    let row = try db.row(
      "SELECT limit_code, limit_message, limit_at FROM attempts WHERE id = ?", [id])
    guard let row, let failure = row.failure(code: 0, message: 1) else { return nil }
    return (failure, row.optionalTime(2) ?? Timestamp(microseconds: 0))
  }

  /// - Parameter evenEnded: takes one that may not write any more as well.
  /// - Throws: `attempt_not_found`, or `attempt_fenced` if it may not write any more.
  static func live(
    _ db: Database, _ id: Int64, evenEnded: Bool = false
  ) throws -> LiveAttempt {
    let row = try db.row(
      "SELECT job_id, run_id, number, state, fenced FROM attempts WHERE id = ?", [id])
    guard let row else { throw StoreError.attemptNotFound(id) }
    let state: AttemptState = try row.name(3)
    guard evenEnded || !state.isFinal && !(row[4] as Bool) else {
      throw StoreError.attemptFenced(id)
    }
    return LiveAttempt(id: id, jobId: row[0], runId: row[1], number: row[2], state: state)
  }

  /// Ends an attempt that is active, and fences it.
  /// - Returns: whether it was active.
  static func end(
    _ db: Database, _ id: Int64, state: AttemptState, failure: Failure?, exitCode: Int?,
    at time: Timestamp
  ) throws -> Bool {
    try db.changed(
      """
      UPDATE attempts SET state = ?, failure_code = ?, failure_message = ?, exit_code = ?,
        ended_at = ?, fenced = 1
      WHERE id = ? AND state IN ('starting', 'running')
      """,
      [state.rawValue, failure?.code, failure?.message, exitCode, time.microseconds, id])
  }

  /// Keeps what the attempt has used so far; its run's cost is that of all its attempts.
  static func setCost(_ db: Database, attempt id: Int64, run: Int64, _ cost: Cost) throws {
    try db.run("UPDATE attempts SET cost = ? WHERE id = ?", [try RecordCoding.text(cost), id])
    let others = try db.strings(
      "SELECT cost FROM attempts WHERE run_id = ? AND id <> ? AND cost IS NOT NULL", [run, id])
    let total = try others.map { try RecordCoding.value($0, as: Cost.self) }
      .reduce(cost) { $0.including($1) }
    try db.run("UPDATE runs SET cost = ? WHERE id = ?", [try RecordCoding.text(total), run])
  }
}

extension Cost {
  /// Both together: amounts add up, the peak is the higher one, rates stay those of `self`.
  func including(_ other: Cost) -> Cost {
    var result = self
    result.wallSeconds += other.wallSeconds
    result.cpuUserSeconds += other.cpuUserSeconds
    result.cpuSystemSeconds += other.cpuSystemSeconds
    result.peakRssBytes = max(peakRssBytes, other.peakRssBytes)
    result.readBytes &+= other.readBytes
    result.writtenBytes &+= other.writtenBytes
    if let seconds = other.trainingSeconds {
      result.trainingSeconds = (trainingSeconds ?? 0) + seconds
    }
    return result
  }
}
