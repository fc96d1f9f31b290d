// Baselines and checks: what runs are compared with, and the verdicts that were found.

package import Experiments
import GRDB

extension Store {
  /// A job that came from a schedule which asks for a check, and is over without one.
  package struct UncheckedJob: Sendable, Equatable {
    package let jobId: Int64
    package let runId: Int64
    package let scheduleId: Int64
    package let baseline: String
    /// How it ended: only a finished one can be judged.
    package let state: JobState
  }

  /// Names a set of runs; a name in use is given the new set.
  /// - Throws: `run_not_found`, `run_deleted`, `invalid_value`, `limit_exceeded`.
  package func setBaseline(name: String, runs: [Int64]) async throws -> Baseline {
    try Self.checkBaseline(name: name)
    guard !runs.isEmpty else {
      throw StoreError.invalidValue(field: "runs", message: "must name at least one run")
    }
    try Bounds.count(runs.count, of: "runs", atMost: Limits.pageItems)
    return try await write { [clock] db, change in
      let now = clock.now()
      for run in runs { try RunRows.requireUsable(db, run) }
      try db.run(
        """
        INSERT INTO baselines (name, created_at, updated_at) VALUES (?, ?, ?)
        ON CONFLICT (name) DO UPDATE SET updated_at = excluded.updated_at
        """, [name, now.microseconds, now.microseconds])
      let id = try db.int64("SELECT id FROM baselines WHERE name = ?", [name])
      try db.run("DELETE FROM baseline_runs WHERE baseline_id = ?", [id])
      for run in Set(runs) {
        try db.run("INSERT INTO baseline_runs (baseline_id, run_id) VALUES (?, ?)", [id, run])
      }
      try EventRows.add(
        db, "baseline_set", at: now,
        data: [
          "name": .string(name), "runs": .array(Set(runs).sorted().map { .int($0) }),
        ])
      change.note(.baselines)
      return try Self.baseline(db, name)
    }
  }

  /// In order of their names.
  package func baselines() async throws -> [Baseline] {
    try await read { try Self.baselines($0, "ORDER BY b.name, m.run_id", []) }
  }

  /// - Throws: `baseline_not_found`.
  package func baseline(name: String) async throws -> Baseline {
    try await read { try Self.baseline($0, name) }
  }

  /// Its runs that are not deleted, of which there is one at least.
  /// - Throws: `baseline_not_found`, `baseline_runs_deleted`.
  package func usableRuns(baseline name: String) async throws -> [Int64] {
    try await read { try RunNames.usable($0, baseline: name) }
  }

  /// Its runs stay.
  /// - Throws: `baseline_not_found`.
  package func deleteBaseline(name: String) async throws {
    try await write { [clock] db, change in
      guard try db.changed("DELETE FROM baselines WHERE name = ?", [name]) else {
        throw StoreError.baselineNotFound(name: name)
      }
      try EventRows.add(
        db, "baseline_deleted", at: clock.now(), data: ["name": .string(name)])
      change.note(.baselines)
    }
  }

  /// Keeps a comparison. A job is judged once: for one that has been, its check is returned.
  /// - Throws: `run_not_found`, `job_not_found`, `schedule_not_found`.
  package func addCheck(
    baseline: String, scheduleId: Int64? = nil, jobId: Int64? = nil, comparison: Comparison
  ) async throws -> Check {
    let text = try RecordCoding.text(comparison)
    return try await write { [clock] db, change in
      let now = clock.now()
      if let jobId {
        _ = try JobRows.state(db, jobId)
        if let known = try db.int64("SELECT id FROM checks WHERE job_id = ?", [jobId]) {
          return try Self.check(db, known)
        }
      }
      if let scheduleId {
        // One that has been deleted meanwhile still gets the verdict of its last job.
        let known = try db.int64("SELECT 1 FROM schedules WHERE id = ?", [scheduleId])
        guard known != nil else { throw StoreError.scheduleNotFound(scheduleId) }
      }
      try db.run(
        """
        INSERT INTO checks (baseline, schedule_id, job_id, verdict, comparison, created_at)
        VALUES (?, ?, ?, ?, ?, ?)
        """,
        [baseline, scheduleId, jobId, comparison.verdict.rawValue, text, now.microseconds])
      let id = db.lastInsertedRowID
      for (side, runs) in [
        ("reference", comparison.referenceRunIds), ("candidate", comparison.candidateRunIds),
      ] {
        for run in Set(runs) {
          try RunRows.require(db, run)
          try db.run(
            "INSERT INTO check_runs (check_id, side, run_id) VALUES (?, ?, ?)", [id, side, run])
        }
      }
      try EventRows.add(
        db, "check_made", at: now, job: jobId,
        data: [
          "check": .int(id), "baseline": .string(baseline),
          "verdict": .string(comparison.verdict.rawValue),
        ])
      if comparison.verdict == .worse {
        try EventRows.add(
          db, "check_failed", at: now, job: jobId, run: comparison.candidateRunIds.first,
          data: ["check": .int(id), "baseline": .string(baseline)])
      }
      change.note(.checks, job: jobId)
      return try Self.check(db, id)
    }
  }

  /// Newest first.
  /// - Parameter cursor: the id of the last check of the page before.
  package func checks(limit: Int, before cursor: Int64? = nil) async throws -> [Check] {
    try Bounds.page(limit)
    return try await read { db in
      try Self.checks(db, "WHERE id < ? ORDER BY id DESC LIMIT ?", [cursor ?? .max, limit])
    }
  }

  /// - Throws: `check_not_found`.
  package func check(_ id: Int64) async throws -> Check {
    try await read { try Self.check($0, id) }
  }

  /// Jobs that are to be judged, oldest first. One leaves the list when it is given its check.
  package func uncheckedScheduledJobs() async throws -> [UncheckedJob] {
    let final = JobState.allCases.filter(\.isFinal).map { "'\($0.rawValue)'" }
    return try await read { db in
      // CROSS JOIN: from the schedules to their jobs. This is asked after each change, and there may
      // be a hundred thousand jobs of no schedule.
      try db.rows(
        """
        SELECT j.id, (SELECT MAX(r.id) FROM runs r WHERE r.job_id = j.id), s.id, s.check_baseline,
          j.state
        FROM schedules s CROSS JOIN jobs j ON j.schedule_id = s.id
        WHERE s.check_baseline IS NOT NULL AND j.state IN (\(final.joined(separator: ", ")))
          AND NOT EXISTS (SELECT 1 FROM checks c WHERE c.job_id = j.id)
        ORDER BY j.id
        """
      ).map {
        UncheckedJob(
          jobId: $0[0], runId: $0[1], scheduleId: $0[2], baseline: $0[3], state: try $0.name(4))
      }
    }
  }
}

extension Store {
  /// Letters, digits, `.`, `_` and `-`, so that `@NAME` can be typed; `latest` means something else.
  private static func checkBaseline(name: String) throws {
    try Bounds.name(name, of: "name")
    let isPlain = name.unicodeScalars.allSatisfy {
      $0.properties.isAlphabetic || ("0"..."9").contains($0) || [".", "_", "-"].contains($0)
    }
    guard isPlain, name != RunNames.latest else {
      throw StoreError.invalidValue(
        field: "name",
        message: "\"\(name)\" cannot name a baseline: use letters, digits, \".\", \"_\" and \"-\", "
          + "and not \"\(RunNames.latest)\"")
    }
  }

  private static func baseline(_ db: Database, _ name: String) throws -> Baseline {
    let found = try baselines(db, "WHERE b.name = ? ORDER BY m.run_id", [name])
    guard let baseline = found.first else { throw StoreError.baselineNotFound(name: name) }
    return baseline
  }

  private static func baselines(
    _ db: Database, _ rest: String, _ arguments: StatementArguments
  ) throws -> [Baseline] {
    let rows = try db.rows(
      """
      SELECT b.id, b.name, b.created_at, b.updated_at, m.run_id
      FROM baselines b JOIN baseline_runs m ON m.baseline_id = b.id \(rest)
      """, arguments)
    var result: [Baseline] = []
    for row in rows {
      if result.last?.id == row[0] {
        result[result.count - 1].runIds.append(row[4])
      } else {
        result.append(
          Baseline(
            id: row[0], name: row[1], runIds: [row[4]], createdAt: row.time(2),
            updatedAt: row.time(3)))
      }
    }
    return result
  }

  private static func check(_ db: Database, _ id: Int64) throws -> Check {
    guard let check = try checks(db, "WHERE id = ?", [id]).first else {
      throw StoreError.checkNotFound(id)
    }
    return check
  }

  private static func checks(
    _ db: Database, _ rest: String, _ arguments: StatementArguments
  ) throws -> [Check] {
    try db.rows(
      "SELECT id, baseline, schedule_id, job_id, created_at, comparison FROM checks \(rest)",
      arguments
    ).map {
      Check(
        id: $0[0], baseline: $0[1], scheduleId: $0[2], jobId: $0[3], createdAt: $0.time(4),
        comparison: try RecordCoding.value($0[5] as String))
    }
  }
}
