// Leases of runs without a job. Every write renews its run's lease in the same transaction; one that
// comes after the lease has lapsed brings the run back. A run's end takes its lease away, so a row
// with a time of expiry means a run that is running, and one without it a run that is lost.

import Experiments
import GRDB

enum LeaseRows {
  /// What a lapsed lease leaves as its run's failure.
  static let lapsedCode = "lease_lapsed"

  /// - Throws: `invalid_value`.
  static func check(seconds: Int) throws {
    guard Limits.leaseSeconds.contains(seconds) else {
      throw StoreError.invalidValue(
        field: "lease_seconds",
        message: "is \(seconds); it must be from \(Limits.leaseSeconds.lowerBound) to "
          + "\(Limits.leaseSeconds.upperBound)")
    }
  }

  /// Gives a running run without a job a lease, or its lease another length.
  static func grant(_ db: Database, run: Int64, _ seconds: Int, at now: Timestamp) throws {
    try db.run(
      """
      INSERT INTO leases (run_id, seconds, last_write_at, expires_at)
      SELECT id, ?, ?, ? FROM runs WHERE id = ? AND status = 'running' AND job_id IS NULL
      ON CONFLICT (run_id) DO UPDATE SET seconds = excluded.seconds,
        last_write_at = excluded.last_write_at, expires_at = excluded.expires_at
      """,
      [seconds, now.microseconds, expiry(now, seconds).microseconds, run])
  }

  /// The run's creation, and whether it has a lease: one look for what every batch of points needs.
  /// - Throws: `run_not_found`, `run_deleted`.
  static func requireUsable(
    _ db: Database, run: Int64
  ) throws -> (origin: Int64, hasLease: Bool) {
    let row = try DirectStatement(
      db,
      """
      SELECT r.created_at, r.deleted_at, l.run_id
      FROM runs r LEFT JOIN leases l ON l.run_id = r.id WHERE r.id = ?
      """)
    defer { row.reset() }
    row.bind(1, run)
    guard try row.step() else { throw StoreError.runNotFound(name: "\(run)") }
    if row.optionalInt64(1) != nil { throw StoreError.runDeleted(run) }
    return (row.int64(0), row.optionalInt64(2) != nil)
  }

  /// Something was heard of the run.
  /// - Returns: whether it has a lease; then it is running now.
  @discardableResult
  static func renew(
    _ db: Database, run: Int64, at now: Timestamp, _ change: inout StoreChange
  ) throws -> Bool {
    guard let lease = try lease(db, run: run) else { return false }
    // Nothing changes at the same instant, and a clock that was set back makes no lease shorter.
    let heard = max(now, lease.lastWriteAt)
    if lease.expiresAt != nil, heard == lease.lastWriteAt { return true }
    try db.run(
      "UPDATE leases SET last_write_at = ?, expires_at = ? WHERE run_id = ?",
      [heard.microseconds, expiry(heard, lease.seconds).microseconds, run])
    if lease.expiresAt == nil { try revive(db, lease, at: now, &change) }
    return true
  }

  private static func revive(
    _ db: Database, _ lease: Lease, at now: Timestamp, _ change: inout StoreChange
  ) throws {
    try db.run(
      """
      UPDATE runs SET status = 'running', ended_at = NULL, failure_code = NULL,
        failure_message = NULL
      WHERE id = ? AND status = 'lost'
      """, [lease.runId])
    try EventRows.add(
      db, "run_revived", at: now, run: lease.runId,
      data: ["last_write_at": .int(lease.lastWriteAt.microseconds)])
    change.note(.runs, run: lease.runId)
  }

  /// Nothing was heard of the run for too long: it ended with its last write.
  static func lapse(
    _ db: Database, _ lease: Lease, at now: Timestamp, _ change: inout StoreChange
  ) throws {
    let failure = Failure(
      code: lapsedCode,
      message: "nothing was heard of the run for \(lease.seconds) seconds; "
        + "a late write brings it back")
    try RunWriter.move(db, lease.runId, to: .lost, at: lease.lastWriteAt, failure: failure)
    try db.run("UPDATE leases SET expires_at = NULL WHERE run_id = ?", [lease.runId])
    try EventRows.add(
      db, "run_lost", at: now, run: lease.runId,
      data: [
        "code": .string(failure.code), "message": .string(failure.message),
        "ended_at": .int(lease.lastWriteAt.microseconds),
      ])
    change.note(.runs, run: lease.runId)
  }

  /// The run has ended.
  static func end(_ db: Database, run: Int64) throws {
    try db.run("DELETE FROM leases WHERE run_id = ?", [run])
  }

  static func lease(_ db: Database, run: Int64) throws -> Lease? {
    try db.row(select + "WHERE run_id = ?", [run]).map(lease)
  }

  /// Those that expired before `now` and are not longer than `seconds`, the first first.
  static func due(
    _ db: Database, at now: Timestamp, upTo seconds: Double, limit: Int
  ) throws -> [Lease] {
    try db.rows(
      select + "WHERE expires_at <= ? AND seconds <= ? ORDER BY expires_at LIMIT ?",
      [now.microseconds, seconds, limit]
    ).map(lease)
  }

  private static let select = "SELECT run_id, seconds, last_write_at, expires_at FROM leases "

  private static func lease(_ row: Row) -> Lease {
    Lease(
      runId: row[0], seconds: row[1], lastWriteAt: row.time(2), expiresAt: row.optionalTime(3))
  }

  private static func expiry(_ now: Timestamp, _ seconds: Int) -> Timestamp {
    now.adding(seconds: Double(seconds))
  }
}
