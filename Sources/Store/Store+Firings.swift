// Firings of schedules. That a schedule has fired, the job it put into the queue and the line in its
// history are one transaction, so each due time fires once, however often the daemon dies.

package import Experiments
import GRDB

extension Store {
  /// Why a due time does not fire.
  package enum FiringSkip: Sendable, Equatable {
    /// The schedule's terms say so.
    case skipped(reason: String)
    /// The job cannot be queued.
    case refused(reason: String)
  }

  /// Fires a schedule for a due time, unless it has fired for that or a later one, is paused or
  /// deleted. A firing in the future is one of a clock that was ahead: it counts for its own due
  /// time alone.
  /// - Parameters:
  ///   - next: when it is due after that; kept also if it does not fire.
  ///   - job: nil skips this firing, which is recorded.
  ///   - skip: why it is skipped.
  ///   - manual: it was asked for; then `next` is not looked at, and other due times stay as they
  ///     are.
  /// - Returns: the queued job; nil if nothing was.
  /// - Throws: `schedule_not_found`, and what `submit` throws.
  package func fireSchedule(
    id: Int64, due: Timestamp, next: Timestamp?, job: NewJob?, skip: FiringSkip? = nil,
    manual: Bool = false
  ) async throws -> Job? {
    try await write { [clock, makeIdentifier] db, change in
      let now = clock.now()
      guard try db.int64("SELECT 1 FROM schedules WHERE id = ?", [id]) != nil else {
        throw StoreError.scheduleNotFound(id)
      }
      let fires =
        manual
        ? try FiringRows.claimByHand(db, id, due) : try FiringRows.claim(db, id, due, next, now)
      guard fires else {
        // Otherwise it would stay due, and be tried again and again.
        if !manual, try FiringRows.pass(db, id, due, next) { change.note(.schedules) }
        return nil
      }
      change.note(.schedules)
      var data: [String: JSONValue] = ["schedule": .int(id), "due": .int(due.microseconds)]
      var firing = FiringRows.New(schedule: id, due: due, at: now, manual: manual)
      guard var job else {
        switch skip {
        case .skipped(let reason): firing.reason = reason
        case .refused(let reason):
          firing.reason = reason
          firing.outcome = .refused
        case nil: break
        }
        if let reason = firing.reason { data["reason"] = .string(reason) }
        try FiringRows.add(db, firing)
        try EventRows.add(db, "schedule_skipped", at: now, data: data)
        return nil
      }
      job.scheduleId = id
      job.dueAt = due
      let queued = try JobWriter.insert(db, job, run: makeIdentifier(now), at: now, &change)
      firing.outcome = .fired
      firing.job = queued
      try FiringRows.add(db, firing)
      try EventRows.add(db, "schedule_fired", at: now, job: queued, data: data)
      return try JobRows.one(db, queued)
    }
  }

  /// What became of a schedule's due times, newest first.
  /// - Parameter cursor: the id of the last one of the page before.
  /// - Throws: `schedule_not_found`.
  package func firings(
    ofSchedule id: Int64, limit: Int, before cursor: Int64? = nil
  ) async throws -> [FiringRecord] {
    try Bounds.page(limit)
    return try await read { db in
      try ScheduleRows.require(db, id)
      return try FiringRows.page(db, id, limit: limit, before: cursor ?? .max)
    }
  }
}

enum FiringRows {
  struct New {
    let schedule: Int64
    let due: Timestamp
    let at: Timestamp
    let manual: Bool
    var outcome = FiringOutcome.skipped
    var reason: String?
    var job: Int64?
  }

  static func claim(
    _ db: Database, _ id: Int64, _ due: Timestamp, _ next: Timestamp?, _ now: Timestamp
  ) throws -> Bool {
    try db.changed(
      """
      UPDATE schedules SET last_fired_at = ?, next_at = ?
      WHERE id = ? AND deleted_at IS NULL AND paused = 0
        AND NOT EXISTS (SELECT 1 FROM schedule_firings f WHERE f.schedule_id = schedules.id
          AND NOT f.manual AND f.due_at BETWEEN ? AND MAX(?, ?))
        AND NOT EXISTS (SELECT 1 FROM jobs WHERE schedule_id = schedules.id AND due_at = ?)
      """,
      [
        due.microseconds, next?.microseconds, id, due.microseconds, due.microseconds,
        now.microseconds, due.microseconds,
      ])
  }

  static func claimByHand(_ db: Database, _ id: Int64, _ due: Timestamp) throws -> Bool {
    try db.changed(
      """
      UPDATE schedules SET last_fired_at = ? WHERE id = ? AND deleted_at IS NULL AND paused = 0
        AND NOT EXISTS (SELECT 1 FROM jobs WHERE schedule_id = schedules.id AND due_at = ?)
      """, [due.microseconds, id, due.microseconds])
  }

  static func pass(
    _ db: Database, _ id: Int64, _ due: Timestamp, _ next: Timestamp?
  ) throws -> Bool {
    try db.changed(
      """
      UPDATE schedules SET next_at = ?
      WHERE id = ? AND deleted_at IS NULL AND paused = 0 AND next_at <= ?
      """, [next?.microseconds, id, due.microseconds])
  }

  static func add(_ db: Database, _ firing: New) throws {
    try db.run(
      """
      INSERT INTO schedule_firings (schedule_id, due_at, decided_at, outcome, manual, reason, job_id)
      VALUES (?, ?, ?, ?, ?, ?, ?)
      """,
      [
        firing.schedule, firing.due.microseconds, firing.at.microseconds, firing.outcome.rawValue,
        firing.manual, firing.reason, firing.job,
      ])
  }

  static func page(
    _ db: Database, _ schedule: Int64, limit: Int, before cursor: Int64
  ) throws -> [FiringRecord] {
    try db.rows(
      """
      SELECT f.id, f.due_at, f.decided_at, f.outcome, f.manual, f.reason, f.job_id, j.state,
        (SELECT MAX(r.id) FROM runs r WHERE r.job_id = f.job_id),
        (SELECT c.verdict FROM checks c WHERE c.job_id = f.job_id)
      FROM schedule_firings f LEFT JOIN jobs j ON j.id = f.job_id
      WHERE f.schedule_id = ? AND f.id < ? ORDER BY f.id DESC LIMIT ?
      """, [schedule, cursor, limit]
    ).map { row in
      let state: String? = row[7]
      return FiringRecord(
        id: row[0], scheduleId: schedule, dueAt: row.time(1), decidedAt: row.time(2),
        outcome: try row.name(3), manual: row[4], reason: row[5], jobId: row[6],
        jobState: state == nil ? nil : try row.name(7), runId: row[8], verdict: row[9])
    }
  }
}
