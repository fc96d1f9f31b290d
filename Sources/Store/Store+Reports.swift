// The worker's side of an attempt: who it is, where it runs, what data it saw, how far it is. An
// attempt that is over or replaced is refused (`attempt_fenced`), so nothing late can slip in.

import Checkpoints
package import Experiments
import GRDB

extension Store {
  package struct StartedAttempt: Sendable, Equatable {
    /// Epoch of the checkpoint to go on from; nil: begin at the beginning.
    package let resumeEpoch: Int?
    /// Hash of the dataset that the run has seen before.
    package let datasetSha256: String?
    package let cancelled: Bool
  }

  /// Whether the token is that of an attempt that may write.
  /// - Parameters:
  ///   - tokenSHA256: in lower-case hexadecimal digits.
  ///   - allowEnded: also accept an attempt that has ended and has not been replaced, so that a
  ///     worker whose answer got lost may send its end again.
  /// - Throws: `attempt_not_found`, `attempt_fenced`.
  package func authenticate(
    attempt id: Int64, tokenSHA256: String, allowEnded: Bool = false
  ) async throws {
    try await read { db in
      let row = try db.row(
        """
        SELECT token_sha256, fenced, state, number,
          (SELECT MAX(n.number) FROM attempts n WHERE n.job_id = a.job_id)
        FROM attempts a WHERE id = ?
        """, [id])
      guard let row else { throw StoreError.attemptNotFound(id) }
      let state: AttemptState = try row.name(2)
      let isNewest = row[3] as Int64 == row[4] as Int64
      let mayWrite =
        !state.isFinal ? !(row[1] as Bool) : allowEnded && isNewest && state != .lost
      guard row[0] == tokenSHA256, mayWrite else { throw StoreError.attemptFenced(id) }
    }
  }

  /// The worker has its claim and begins. Sent again, it gets the same answer.
  /// - Throws: `attempt_not_found`, `attempt_fenced`.
  package func attemptStarted(
    _ id: Int64, environment: Environment
  ) async throws -> StartedAttempt {
    try await write { [clock] db, change in
      let now = clock.now()
      let attempt = try AttemptRows.live(db, id)
      if attempt.state == .starting {
        try Self.start(db, attempt, environment, at: now)
        change.note(.jobs, job: attempt.jobId)
        change.note(.runs, run: attempt.runId)
      }
      let row = try db.row(
        """
        SELECT a.resumed_from_epoch, d.sha256, j.cancel_requested
        FROM attempts a JOIN jobs j ON j.id = a.job_id JOIN runs r ON r.id = a.run_id
          LEFT JOIN datasets d ON d.id = r.dataset_id
        WHERE a.id = ?
        """, [id])
      guard let row else { throw StoreError.attemptNotFound(id) }
      return StartedAttempt(resumeEpoch: row[0], datasetSha256: row[1], cancelled: row[2])
    }
  }

  private static func start(
    _ db: Database, _ attempt: LiveAttempt, _ environment: Environment, at now: Timestamp
  ) throws {
    let environmentId = try Self.environment(db, environment)
    try db.run(
      """
      UPDATE attempts SET state = 'running', started_at = ?, heartbeat_at = ?, environment_id = ?,
        resumed_from_epoch = (SELECT MAX(epoch) FROM checkpoints
          WHERE run_id = attempts.run_id AND kind = 'checkpoint')
      WHERE id = ? AND state = 'starting'
      """, [now.microseconds, now.microseconds, environmentId, attempt.id])
    _ = try JobRows.move(db, attempt.jobId, from: [.starting], to: .running, at: now)
    try RunWriter.move(db, attempt.runId, to: .running, at: now)
    try db.run(
      "UPDATE runs SET environment_id = ? WHERE id = ?", [environmentId, attempt.runId])
    try RunWriter.updateComparability(db, run: attempt.runId)
    try EventRows.add(
      db, "job_started", at: now, job: attempt.jobId, run: attempt.runId,
      data: ["attempt": .int(attempt.id)])
  }

  static func environment(_ db: Database, _ environment: Environment) throws -> Int64 {
    let info = try RecordCoding.text(environment)
    let sha256 = ContentHash.sha256Hex(info)
    if let id = try db.int64("SELECT id FROM environments WHERE sha256 = ?", [sha256]) { return id }
    try db.run(
      "INSERT INTO environments (sha256, host_class, info) VALUES (?, ?, ?)",
      [sha256, environment.hostClass, info])
    return db.lastInsertedRowID
  }

  /// The data that the worker has read.
  /// - Throws: `dataset_changed` if the run has seen other data; `attempt_not_found`,
  ///   `attempt_fenced`.
  package func attemptDataset(_ id: Int64, _ info: DatasetInfo) async throws {
    try await write { [clock] db, change in
      let attempt = try AttemptRows.live(db, id)
      let known = try db.string(
        "SELECT d.sha256 FROM runs r JOIN datasets d ON d.id = r.dataset_id WHERE r.id = ?",
        [attempt.runId])
      if let known {
        guard known == info.sha256 else {
          throw StoreError.datasetChanged(
            run: attempt.runId, expected: known, found: info.sha256)
        }
        return
      }
      let dataset = try Self.dataset(db, info, at: clock.now())
      try db.run("UPDATE runs SET dataset_id = ? WHERE id = ?", [dataset, attempt.runId])
      try RunWriter.updateComparability(db, run: attempt.runId)
      change.note(.runs, run: attempt.runId)
    }
  }

  static func dataset(_ db: Database, _ info: DatasetInfo, at now: Timestamp) throws -> Int64 {
    let text = try RecordCoding.text(info)
    let id = "SELECT id FROM datasets WHERE sha256 = ? AND info = ?"
    if let known = try db.int64(id, [info.sha256, text]) { return known }
    try db.run(
      "INSERT INTO datasets (name, sha256, info, first_seen_at) VALUES (?, ?, ?, ?)",
      [info.name, info.sha256, text, now.microseconds])
    return db.lastInsertedRowID
  }

  /// How far the attempt is and what it has used; also its sign of life.
  /// - Throws: `attempt_not_found`, `attempt_fenced`.
  package func attemptProgress(_ id: Int64, progress: Progress, cost: Cost) async throws {
    let text = try RecordCoding.text(progress)
    try await write { [clock] db, change in
      let attempt = try AttemptRows.live(db, id)
      try db.run(
        "UPDATE attempts SET heartbeat_at = ? WHERE id = ?", [clock.now().microseconds, id])
      try db.run("UPDATE runs SET progress = ? WHERE id = ?", [text, attempt.runId])
      try AttemptRows.setCost(db, attempt: id, run: attempt.runId, cost)
      change.note(.progress, run: attempt.runId, job: attempt.jobId)
    }
  }

  /// Oldest first.
  /// - Throws: `run_not_found`.
  package func attempts(run id: Int64) async throws -> [Attempt] {
    try await read { db in
      try RunRows.require(db, id)
      return try AttemptRows.rows(db, "WHERE a.run_id = ? ORDER BY a.id", [id])
        .map(AttemptRows.attempt)
    }
  }

  /// Oldest first.
  /// - Throws: `job_not_found`.
  package func attempts(job id: Int64) async throws -> [Attempt] {
    try await read { db in
      _ = try JobRows.state(db, id)
      return try AttemptRows.rows(db, "WHERE a.job_id = ? ORDER BY a.id", [id])
        .map(AttemptRows.attempt)
    }
  }
}
