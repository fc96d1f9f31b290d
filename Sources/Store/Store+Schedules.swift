// Schedules: jobs that start by the clock. That a schedule has fired and the job it put into the
// queue are one transaction, so each due time fires once, however often the daemon dies.

package import Experiments
import GRDB

extension Store {
  package enum CatchUp: String, Sendable, CaseIterable {
    /// Due times that were missed fire once, for the last of them.
    case one
    case none
  }

  package enum Overlap: String, Sendable, CaseIterable {
    /// Nothing is queued while the job of an earlier firing is not over.
    case skip
    case allow
  }

  /// What a schedule fires with, beside what its record tells.
  package struct ScheduleTerms: Sendable, Equatable {
    package let catchUp: CatchUp
    package let overlap: Overlap
    package let context: SubmitContext?
    /// A job of an earlier firing that is not over.
    package let activeJob: Int64?
  }

  /// - Parameter spec: of the job, defaults filled in.
  /// - Throws: `name_taken`, `invalid_value`, `limit_exceeded`.
  package func addSchedule(
    name: String, cron: String, timeZone: String, spec: JobSpec, checkBaseline: String?,
    context: SubmitContext?, nextAt: Timestamp?, catchUp: CatchUp = .one, overlap: Overlap = .skip
  ) async throws -> Schedule {
    try Bounds.name(name, of: "name")
    let contextText = try context.map { try RecordCoding.text($0) }
    let specText = spec.json.canonicalText
    return try await write { [clock] db, change in
      let now = clock.now()
      let isTaken = try db.int64(
        "SELECT 1 FROM schedules WHERE name = ? AND deleted_at IS NULL", [name])
      guard isTaken == nil else { throw StoreError.nameTaken(kind: "schedule", name: name) }
      try db.run(
        """
        INSERT INTO schedules (name, cron, time_zone, spec, check_baseline, catch_up, overlap,
          context, created_at, next_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
          name, cron, timeZone, specText, checkBaseline, catchUp.rawValue, overlap.rawValue,
          contextText, now.microseconds, nextAt?.microseconds,
        ])
      let id = db.lastInsertedRowID
      try ScheduleRows.event(db, "schedule_added", id, at: now)
      change.note(.schedules)
      return try ScheduleRows.one(db, id)
    }
  }

  /// In order of their making.
  package func schedules() async throws -> [Schedule] {
    try await read { try ScheduleRows.fetch($0, "deleted_at IS NULL ORDER BY id", []) }
  }

  /// - Throws: `schedule_not_found`.
  package func schedule(_ id: Int64) async throws -> Schedule {
    try await read { try ScheduleRows.one($0, id) }
  }

  /// - Throws: `schedule_not_found`.
  package func scheduleTerms(_ id: Int64) async throws -> ScheduleTerms {
    try await read { db in
      let row = try db.row(
        """
        SELECT catch_up, overlap, context, (SELECT MAX(j.id) FROM jobs j
          WHERE j.schedule_id = s.id AND j.state IN ('held', 'queued', 'starting', 'running'))
        FROM schedules s WHERE s.id = ? AND s.deleted_at IS NULL
        """, [id])
      guard let row else { throw StoreError.scheduleNotFound(id) }
      return ScheduleTerms(
        catchUp: try row.name(0), overlap: try row.name(1),
        context: try RecordCoding.optional(row[2]), activeJob: row[3])
    }
  }

  /// - Parameter nextAt: when it is due next; nil leaves that as it is.
  /// - Throws: `schedule_not_found`.
  package func setPaused(
    _ id: Int64, _ paused: Bool, nextAt: Timestamp? = nil
  ) async throws -> Schedule {
    try await write { [clock] db, change in
      try ScheduleRows.require(db, id)
      try db.run(
        "UPDATE schedules SET paused = ?, next_at = COALESCE(?, next_at) WHERE id = ?",
        [paused, nextAt?.microseconds, id])
      try ScheduleRows.event(
        db, paused ? "schedule_paused" : "schedule_resumed", id, at: clock.now())
      change.note(.schedules)
      return try ScheduleRows.one(db, id)
    }
  }

  /// Sets when the schedule is due next, without a firing: due times that are not caught up.
  /// - Throws: `schedule_not_found`.
  package func setNextFiring(_ id: Int64, _ nextAt: Timestamp?) async throws {
    try await write { db, change in
      try ScheduleRows.require(db, id)
      try db.run("UPDATE schedules SET next_at = ? WHERE id = ?", [nextAt?.microseconds, id])
      change.note(.schedules)
    }
  }

  /// Its jobs, runs and checks stay.
  /// - Throws: `schedule_not_found`.
  package func deleteSchedule(_ id: Int64) async throws {
    try await write { [clock] db, change in
      let now = clock.now()
      try ScheduleRows.require(db, id)
      try db.run("UPDATE schedules SET deleted_at = ? WHERE id = ?", [now.microseconds, id])
      try ScheduleRows.event(db, "schedule_deleted", id, at: now)
      change.note(.schedules)
    }
  }

  /// Fires a schedule for a due time, unless it has fired for that or a later one, is paused or
  /// deleted. A last firing in the future is one of a clock that was ahead: it counts for its own
  /// due time alone.
  /// - Parameters:
  ///   - next: when it is due after that; kept also if it does not fire.
  ///   - job: nil skips this firing, which is recorded.
  ///   - reason: why it is skipped.
  /// - Returns: the queued job; nil if nothing was.
  /// - Throws: `schedule_not_found`, and what `submit` throws.
  package func fireSchedule(
    id: Int64, due: Timestamp, next: Timestamp?, job: NewJob?, reason: String? = nil
  ) async throws -> Job? {
    try await write { [clock, makeIdentifier] db, change in
      let now = clock.now()
      guard try db.int64("SELECT 1 FROM schedules WHERE id = ?", [id]) != nil else {
        throw StoreError.scheduleNotFound(id)
      }
      let fires = try db.changed(
        """
        UPDATE schedules SET last_fired_at = ?, next_at = ?
        WHERE id = ? AND deleted_at IS NULL AND paused = 0
          AND (last_fired_at IS NULL OR last_fired_at < ?
            OR last_fired_at > MAX(?, ?))
          AND NOT EXISTS (SELECT 1 FROM jobs WHERE schedule_id = schedules.id AND due_at = ?)
        """,
        [
          due.microseconds, next?.microseconds, id, due.microseconds, due.microseconds,
          now.microseconds, due.microseconds,
        ])
      guard fires else {
        // Otherwise it would stay due, and be tried again and again.
        let isMoved = try db.changed(
          """
          UPDATE schedules SET next_at = ?
          WHERE id = ? AND deleted_at IS NULL AND paused = 0 AND next_at <= ?
          """, [next?.microseconds, id, due.microseconds])
        if isMoved { change.note(.schedules) }
        return nil
      }
      change.note(.schedules)
      var data: [String: JSONValue] = ["schedule": .int(id), "due": .int(due.microseconds)]
      guard var job else {
        if let reason { data["reason"] = .string(reason) }
        try EventRows.add(db, "schedule_skipped", at: now, data: data)
        return nil
      }
      job.scheduleId = id
      job.dueAt = due
      let queued = try JobWriter.insert(db, job, run: makeIdentifier(now), at: now, &change)
      try EventRows.add(db, "schedule_fired", at: now, job: queued, data: data)
      return try JobRows.one(db, queued)
    }
  }
}

enum ScheduleRows {
  /// - Throws: `schedule_not_found`, also if it has been deleted.
  static func require(_ db: Database, _ id: Int64) throws { _ = try one(db, id) }

  static func one(_ db: Database, _ id: Int64) throws -> Schedule {
    guard let schedule = try fetch(db, "id = ? AND deleted_at IS NULL", [id]).first else {
      throw StoreError.scheduleNotFound(id)
    }
    return schedule
  }

  /// - Parameter condition: of a few fixed forms.
  static func fetch(
    _ db: Database, _ condition: String, _ arguments: StatementArguments
  ) throws -> [Schedule] {
    try db.rows(
      """
      SELECT id, name, cron, time_zone, spec, check_baseline, paused, created_at, last_fired_at,
        next_at
      FROM schedules WHERE \(condition)
      """, arguments
    ).map {
      Schedule(
        id: $0[0], name: $0[1], cron: $0[2], timeZone: $0[3], spec: try JSONText.parse($0[4]),
        checkBaseline: $0[5], paused: $0[6], createdAt: $0.time(7),
        lastFiredAt: $0.optionalTime(8), nextAt: $0.optionalTime(9))
    }
  }

  static func event(_ db: Database, _ kind: String, _ id: Int64, at now: Timestamp) throws {
    try EventRows.add(db, kind, at: now, data: ["schedule": .int(id)])
  }
}
