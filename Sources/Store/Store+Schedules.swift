// Schedules: jobs that start by the clock, and the terms they do it on. Firing is in
// Store+Firings.swift.

package import Experiments
import GRDB

extension Store {
  /// What a schedule fires with, beside what its record tells.
  package struct ScheduleTerms: Sendable, Equatable {
    package let context: SubmitContext?
    /// A job of an earlier firing that is not over.
    package let activeJob: Int64?
  }

  /// - Parameter spec: of the job, defaults filled in.
  /// - Throws: `name_taken`, `invalid_value`, `limit_exceeded`.
  package func addSchedule(
    name: String, cron: String, timeZone: String, spec: JobSpec, checkBaseline: String?,
    context: SubmitContext?, nextAt: Timestamp?, catchUp: ScheduleCatchUp = .one,
    overlap: ScheduleOverlap = .skip, jitterSeconds: Int = 0
  ) async throws -> Schedule {
    try Bounds.name(name, of: "name")
    guard jitterSeconds >= 0 else {
      throw StoreError.invalidValue(
        field: "jitter_seconds", message: "is \(jitterSeconds); it must not be negative")
    }
    try Bounds.count(jitterSeconds, of: "jitter_seconds", atMost: Limits.jitterSeconds)
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
          context, created_at, next_at, jitter_seconds)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
          name, cron, timeZone, specText, checkBaseline, catchUp.rawValue, overlap.rawValue,
          contextText, now.microseconds, nextAt?.microseconds, jitterSeconds,
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
        SELECT context, (SELECT MAX(j.id) FROM jobs j
          WHERE j.schedule_id = s.id AND j.state IN ('held', 'queued', 'starting', 'running'))
        FROM schedules s WHERE s.id = ? AND s.deleted_at IS NULL
        """, [id])
      guard let row else { throw StoreError.scheduleNotFound(id) }
      return ScheduleTerms(
        context: try RecordCoding.optional(row[0]), activeJob: row[1])
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

  /// Keeps why a schedule cannot fire, or that it can again (nil). What is new is an event:
  /// `schedule_broken` with the reason, `schedule_mended`.
  /// - Returns: whether it is new.
  /// - Throws: `schedule_not_found`.
  package func noteProblem(_ problem: String?, ofSchedule id: Int64) async throws -> Bool {
    try await write { [clock] db, change in
      try ScheduleRows.require(db, id)
      let isNew = try db.changed(
        "UPDATE schedules SET problem = ? WHERE id = ? AND problem IS NOT ?",
        [problem, id, problem])
      guard isNew else { return false }
      var data: [String: JSONValue] = ["schedule": .int(id)]
      if let problem { data["reason"] = .string(problem) }
      try EventRows.add(
        db, problem == nil ? "schedule_mended" : "schedule_broken", at: clock.now(), data: data)
      change.note(.schedules)
      return true
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
        next_at, catch_up, overlap, jitter_seconds, COALESCE(problem,
          (SELECT CASE WHEN f.outcome = 'refused' THEN f.reason END FROM schedule_firings f
            WHERE f.schedule_id = schedules.id ORDER BY f.id DESC LIMIT 1))
      FROM schedules WHERE \(condition)
      """, arguments
    ).map {
      let spec = spec($0[4])
      return Schedule(
        id: $0[0], name: $0[1], cron: $0[2], timeZone: $0[3], spec: spec ?? .null,
        checkBaseline: $0[5], paused: $0[6], createdAt: $0.time(7),
        lastFiredAt: $0.optionalTime(8), nextAt: $0.optionalTime(9), catchUp: try $0.name(10),
        overlap: try $0.name(11), jitterSeconds: $0[12],
        problem: $0[13] ?? (spec == nil ? "its job spec is damaged" : nil))
    }
  }

  /// Nil for one that is damaged, which must not keep the other schedules from firing.
  private static func spec(_ text: String) -> JSONValue? {
    do { return try JSONText.parse(text) } catch { return nil }
  }

  static func event(_ db: Database, _ kind: String, _ id: Int64, at now: Timestamp) throws {
    try EventRows.add(db, kind, at: now, data: ["schedule": .int(id)])
  }
}
