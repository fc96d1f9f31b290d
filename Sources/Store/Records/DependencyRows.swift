// Which jobs wait for which, and what follows for them when one is over. A job that very many wait
// for tells them in several transactions, so that none of them holds up other writers: the first few
// in the transaction of its own end, which also notes that there are more.

import Experiments
import GRDB

enum DependencyRows {
  /// Jobs that are told within one transaction.
  static let atOnce = 200

  /// Makes a new job wait for those that it names, or does at once what follows from their ends.
  /// - Throws: `invalid_value` if one is not there.
  static func insert(
    _ db: Database, job id: Int64, _ policy: JobPolicy, at now: Timestamp,
    _ change: inout StoreChange
  ) throws {
    var waits = 0
    var failed: (id: Int64, state: JobState)?
    for other in policy.after {
      guard other != id, let text = try db.string("SELECT state FROM jobs WHERE id = ?", [other])
      else {
        throw StoreError.invalidValue(
          field: "after",
          message: other == id
            ? "names the job itself, \(id)"
            : "names job \(other), "
              + "and there is no such job")
      }
      let state = JobState(rawValue: text) ?? .lost
      if !state.isFinal {
        try db.run(
          "INSERT INTO job_dependencies (after_id, job_id) VALUES (?, ?)", [other, id])
        waits += 1
      } else if state != .finished, failed == nil {
        failed = (other, state)
      }
    }
    if waits > 0 { try db.run("UPDATE jobs SET waits_for = ? WHERE id = ?", [waits, id]) }
    if let failed, policy.afterFailed != .run {
      try settle(
        db, id, policy.afterFailed, failed: failed.id, failed.state, at: now, &change)
    }
  }

  /// To be called when a job has come to its end: in the same transaction.
  static func ended(
    _ db: Database, _ job: Int64, at now: Timestamp, _ change: inout StoreChange
  ) throws {
    try note(db, job)
    try settle(db, limit: atOnce, at: now, &change)
  }

  private static func note(_ db: Database, _ job: Int64) throws {
    try db.run(
      """
      INSERT INTO job_settlements (job_id)
      SELECT ? WHERE EXISTS (SELECT 1 FROM job_dependencies WHERE after_id = ?)
      ON CONFLICT DO NOTHING
      """, [job, job])
  }

  /// Tells up to `limit` jobs that one they wait for is over.
  /// - Returns: whether there may be more to tell.
  @discardableResult
  static func settle(
    _ db: Database, limit: Int, at now: Timestamp, _ change: inout StoreChange
  ) throws -> Bool {
    var left = limit
    while left > 0 {
      let ended = try db.row(
        """
        SELECT j.id, j.state FROM job_settlements s JOIN jobs j ON j.id = s.job_id
        ORDER BY s.job_id LIMIT 1
        """)
      guard let ended else { return false }
      let job: Int64 = ended[0]
      let state: JobState = try ended.name(1)
      let rows = try db.rows(
        """
        SELECT d.job_id, j.after_failed FROM job_dependencies d JOIN jobs j ON j.id = d.job_id
        WHERE d.after_id = ? LIMIT ?
        """, [job, left])
      for row in rows {
        let id: Int64 = row[0]
        try db.run(
          "DELETE FROM job_dependencies WHERE after_id = ? AND job_id = ?", [job, id])
        try db.run("UPDATE jobs SET waits_for = waits_for - 1 WHERE id = ?", [id])
        change.note(.jobs, job: id)
        guard state != .finished else { continue }
        try settle(db, id, try row.name(1), failed: job, state, at: now, &change)
      }
      if rows.count < left { try db.run("DELETE FROM job_settlements WHERE job_id = ?", [job]) }
      left -= max(rows.count, 1)
    }
    return try db.int64("SELECT 1 FROM job_settlements LIMIT 1") != nil
  }

  /// What a job does of which one that it waits for has not finished.
  private static func settle(
    _ db: Database, _ id: Int64, _ policy: AfterFailed, failed job: Int64, _ state: JobState,
    at now: Timestamp, _ change: inout StoreChange
  ) throws {
    let reason = "job \(job) ended \(state.rawValue.replacing("_", with: " "))"
    switch policy {
    case .run: return
    case .hold:
      guard try JobRows.move(db, id, from: [.queued], to: .held, at: now) else { return }
      try db.run(
        "UPDATE jobs SET held_by = ?, hold_reason = ? WHERE id = ?",
        ["job \(job)", reason, id])
      try EventRows.add(
        db, "job_held", at: now, job: id,
        data: ["by": .string("job \(job)"), "reason": .string(reason)])
    case .cancel:
      let failure = Failure(
        code: "dependency_failed", message: "\(reason), and this job was to run after it")
      guard
        try JobRows.move(
          db, id, from: [.queued, .held], to: .cancelled, at: now, failure: failure)
      else { return }
      let run = try JobRows.run(db, job: id)
      try RunWriter.move(db, run, to: .cancelled, at: now, failure: failure)
      try EventRows.add(
        db, "job_cancelled", at: now, job: id, run: run,
        data: ["code": .string(failure.code), "message": .string(failure.message)])
      change.note(.runs, run: run)
      try release(db, id)
      try note(db, id)
    }
    change.note(.jobs, job: id)
  }

  /// The job waits for nobody any more.
  static func release(_ db: Database, _ job: Int64) throws {
    try db.run("DELETE FROM job_dependencies WHERE job_id = ?", [job])
    try db.run("UPDATE jobs SET waits_for = 0 WHERE id = ? AND waits_for <> 0", [job])
  }
}
