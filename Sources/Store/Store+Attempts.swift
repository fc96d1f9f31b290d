// The scheduler's side of attempts: beginning, ending and losing them. Each of these moves attempt,
// job and run together in one transaction, or not at all.

package import Experiments
import GRDB

extension Store {
  package struct AttemptBegin: Sendable {
    package let attempt: Attempt
    package let job: Job
    package let run: Run
    package let folder: String
  }

  package struct ActiveAttempt: Sendable {
    package let attempt: Attempt
    package let job: Job
    package let folder: String
    package let cancelRequested: Bool
    /// When it last reported its progress.
    package let heartbeatAt: Timestamp?
    /// The limit that it has gone over, for which it is being ended.
    package let limit: Failure?
    /// When it last gave output, a metric or progress, as far as that was looked at.
    package let activeAt: Timestamp?
  }

  /// What is known when a worker has vanished.
  package struct LostSituation: Sendable, Equatable {
    package let policy: LostPolicy
    /// Attempts in a row, this one included, that were lost without a new checkpoint.
    package let lostWithoutProgress: Int
    package let hasCheckpoint: Bool
    /// Whether the worker had reported its start.
    package let started: Bool
    package let attempt: Attempt
  }

  package enum LostDecision: Sendable, Equatable {
    /// Queues the job again; its run goes on from the last checkpoint.
    case resumeSameRun
    /// Queues the job again with a new run; the old one is lost.
    case newRun
    case fail(Failure)
    case lost(Failure)
  }

  /// Starts an attempt of a job that is queued, and fences all attempts before it.
  /// - Parameters:
  ///   - candidate: as which it was chosen; nil: any.
  ///   - resources: what it is handed out.
  ///   - folder: of the attempt, given its id.
  /// - Returns: nil if the job is not queued (any more), or no longer such a candidate.
  package func beginAttempt(
    job id: Int64, as candidate: Candidate? = nil, resources: [String: [Int]] = [:],
    folder: @escaping @Sendable (Int64) -> String, tokenSHA256: String
  ) async throws -> AttemptBegin? {
    try await write { [clock] db, change in
      let now = clock.now()
      if let candidate, try !CandidateRows.isStill(db, candidate) { return nil }
      guard try JobRows.move(db, id, from: [.queued], to: .starting, at: now) else { return nil }
      let run = try JobRows.run(db, job: id)
      try db.run("UPDATE attempts SET fenced = 1 WHERE job_id = ?", [id])
      try db.run(
        """
        INSERT INTO attempts (job_id, run_id, number, state, token_sha256, folder, created_at)
        SELECT ?, ?, COALESCE(MAX(number), 0) + 1, 'starting', ?, '', ? FROM attempts
        WHERE job_id = ?
        """, [id, run, tokenSHA256, now.microseconds, id])
      let attempt = db.lastInsertedRowID
      let path = folder(attempt)
      try db.run(
        "UPDATE attempts SET folder = ?, resources = ? WHERE id = ?",
        [path, ResourceText.text(handedOut: resources), attempt])
      try CandidateRows.markBeside(db, run: run, attempt: attempt)
      try EventRows.add(
        db, "attempt_begun", at: now, job: id, run: run, data: ["attempt": .int(attempt)])
      change.note(.jobs, job: id)
      change.note(.runs, run: run)
      return AttemptBegin(
        attempt: try AttemptRows.one(db, attempt), job: try JobRows.one(db, id),
        run: try RunRows.one(db, run), folder: path)
    }
  }

  /// Those that have begun and not ended, oldest first.
  package func activeAttempts() async throws -> [ActiveAttempt] {
    try await read { db in
      let rows = try AttemptRows.rows(
        db, "WHERE a.state IN ('starting', 'running') ORDER BY a.id")
      let attempts = try rows.map(AttemptRows.attempt)
      let jobs = try JobRows.many(db, attempts.map(\.jobId))
      return zip(rows, zip(attempts, jobs)).map { row, pair in
        ActiveAttempt(
          attempt: pair.0, job: pair.1, folder: AttemptRows.folder(row),
          cancelRequested: pair.1.cancelRequested, heartbeatAt: AttemptRows.heartbeat(row),
          limit: AttemptRows.limit(row), activeAt: AttemptRows.active(row))
      }
    }
  }

  /// What becomes of an attempt whose worker stopped as if cancelled although nobody had asked for
  /// that: another program had told it to, such as a machine that is shut down.
  package struct UnaskedStop: Sendable {
    package let failure: Failure
    /// As that of `attemptLost`.
    package let decide: @Sendable (LostSituation) -> LostDecision

    package init(
      failure: Failure, decide: @escaping @Sendable (LostSituation) -> LostDecision
    ) {
      self.failure = failure
      self.decide = decide
    }
  }

  /// The true end of an attempt, and with it of its job and run. A second end changes nothing.
  /// - Parameters:
  ///   - state: a final one.
  ///   - unasked: makes an attempt that is `cancelled`, while its job's cancelling was not requested,
  ///     a lost one; nil: it is cancelled.
  /// - Throws: `attempt_not_found`.
  package func endAttempt(
    _ id: Int64, state: AttemptState, failure: Failure? = nil, exitCode: Int? = nil,
    cost: Cost? = nil, endedAt: Timestamp, unasked: UnaskedStop? = nil
  ) async throws -> Job {
    guard state.isFinal, let jobState = JobState(rawValue: state.rawValue),
      let runStatus = RunStatus(rawValue: state.rawValue)
    else {
      throw StoreError.invalidValue(
        field: "state", message: "is \(state.rawValue), which is no end")
    }
    return try await write { [clock, makeIdentifier] db, change in
      let attempt = try AttemptRows.one(db, id)
      let limit = try AttemptRows.limit(db, id)
      if let limit, state != .finished || endedAt >= limit.at {
        if let cost, !attempt.state.isFinal {
          try AttemptRows.setCost(db, attempt: id, run: attempt.runId, cost)
        }
        let ending = Ending(
          failure: limit.failure, exitCode: exitCode, at: endedAt, now: clock.now(),
          makeIdentifier: makeIdentifier)
        return try Self.timeOut(db, attempt, ending, &change)
      }
      if state == .cancelled, let unasked, !attempt.state.isFinal,
        try !JobRows.one(db, attempt.jobId).cancelRequested
      {
        if let cost { try AttemptRows.setCost(db, attempt: id, run: attempt.runId, cost) }
        let loss = Loss(
          failure: unasked.failure, endedAt: endedAt, now: clock.now(), counts: true,
          decide: unasked.decide, makeIdentifier: makeIdentifier)
        return try Self.lose(db, attempt, loss, &change)
      }
      let isNew = try AttemptRows.end(
        db, id, state: state, failure: failure, exitCode: exitCode, at: endedAt)
      if isNew {
        if let cost { try AttemptRows.setCost(db, attempt: id, run: attempt.runId, cost) }
        let ending = Ending(
          failure: failure, exitCode: exitCode, at: endedAt, now: clock.now(),
          makeIdentifier: makeIdentifier)
        try Self.end(
          db, attempt, jobState: jobState, runStatus: runStatus, ending, &change)
      }
      return try JobRows.one(db, attempt.jobId)
    }
  }

  /// The attempt's worker has vanished without a result. The attempt is fenced and lost, and the
  /// job goes where `decide` says; one whose cancelling was requested is cancelled without asking.
  /// An attempt that is over already stays as it is.
  /// - Parameters:
  ///   - counts: whether it is one more that came no further. Not so if it was never given a
  ///     worker, for want of something that the job cannot help.
  ///   - decide: may be called twice; depends on nothing but what it is given.
  /// - Throws: `attempt_not_found`.
  package func attemptLost(
    _ id: Int64, failure: Failure, counts: Bool = true,
    decide: @escaping @Sendable (LostSituation) -> LostDecision
  ) async throws -> Job {
    try await write { [clock, makeIdentifier] db, change in
      let now = clock.now()
      let loss = Loss(
        failure: failure, endedAt: now, now: now, counts: counts, decide: decide,
        makeIdentifier: makeIdentifier)
      return try Self.lose(db, try AttemptRows.one(db, id), loss, &change)
    }
  }

  private struct Loss {
    let failure: Failure
    let endedAt: Timestamp
    let now: Timestamp
    let counts: Bool
    let decide: @Sendable (LostSituation) -> LostDecision
    let makeIdentifier: @Sendable (Timestamp) -> Identifier
  }

  private static func lose(
    _ db: Database, _ attempt: Attempt, _ loss: Loss, _ change: inout StoreChange
  ) throws -> Job {
    let (failure, now) = (loss.failure, loss.now)
    func ending(_ failure: Failure?) -> Ending {
      Ending(
        failure: failure, exitCode: nil, at: now, now: now, makeIdentifier: loss.makeIdentifier)
    }
    if let limit = try AttemptRows.limit(db, attempt.id) {
      return try timeOut(db, attempt, ending(limit.failure), &change)
    }
    guard
      try AttemptRows.end(
        db, attempt.id, state: .lost, failure: failure, exitCode: nil, at: loss.endedAt)
    else { return try JobRows.one(db, attempt.jobId) }
    try EventRows.add(
      db, "attempt_lost", at: now, job: attempt.jobId, run: attempt.runId,
      data: [
        "attempt": .int(attempt.id), "code": .string(failure.code),
        "message": .string(failure.message),
      ])
    let job = try JobRows.one(db, attempt.jobId)
    let situation = try situation(db, attempt, counts: loss.counts)
    if job.cancelRequested {
      try end(
        db, attempt, jobState: .cancelled, runStatus: .cancelled, ending(nil), &change)
      return try JobRows.one(db, attempt.jobId)
    }
    switch loss.decide(situation) {
    case .resumeSameRun:
      try RunWriter.move(db, attempt.runId, to: .queued, at: now)
      try requeue(db, attempt, at: now, &change)
    case .newRun:
      try RunWriter.move(db, attempt.runId, to: .lost, at: now, failure: failure)
      let run = try RunWriter.copy(db, of: attempt.runId, uid: loss.makeIdentifier(now), at: now)
      try EventRows.add(
        db, "run_lost", at: now, job: attempt.jobId, run: attempt.runId,
        data: ["code": .string(failure.code), "message": .string(failure.message)])
      try EventRows.add(db, "run_opened", at: now, job: attempt.jobId, run: run)
      change.note(.runs, run: run)
      try requeue(db, attempt, at: now, &change)
    case .fail(let reason):
      try end(
        db, attempt, jobState: .failed, runStatus: .failed, ending(reason), &change)
    case .lost(let reason):
      try end(db, attempt, jobState: .lost, runStatus: .lost, ending(reason), &change)
    }
    return try JobRows.one(db, attempt.jobId)
  }

  private static func situation(
    _ db: Database, _ attempt: Attempt, counts: Bool
  ) throws -> LostSituation {
    let newest = try db.int64(
      """
      SELECT attempt FROM checkpoints WHERE run_id = ? AND kind = 'checkpoint'
      ORDER BY epoch DESC LIMIT 1
      """, [attempt.runId])
    let row = try db.row(
      """
      UPDATE jobs SET lost_without_progress = CASE WHEN ? THEN 0 ELSE lost_without_progress + ? END
      WHERE id = ? RETURNING on_lost, lost_without_progress
      """, [newest == Int64(attempt.number), counts ? 1 : 0, attempt.jobId])
    guard let row else { throw StoreError.jobNotFound(attempt.jobId) }
    return LostSituation(
      policy: try row.name(0), lostWithoutProgress: row[1], hasCheckpoint: newest != nil,
      started: attempt.startedAt != nil, attempt: attempt)
  }

  private static func requeue(
    _ db: Database, _ attempt: Attempt, at now: Timestamp, _ change: inout StoreChange
  ) throws {
    _ = try JobRows.move(
      db, attempt.jobId, from: [.starting, .running], to: .queued, at: now)
    try EventRows.add(db, "job_requeued", at: now, job: attempt.jobId)
    change.note(.jobs, job: attempt.jobId)
    change.note(.runs, run: attempt.runId)
  }

  /// An attempt's end, as far as its job and run are concerned.
  struct Ending {
    let failure: Failure?
    /// Of the program, where there was one.
    let exitCode: Int?
    /// When the work ended, as its worker says; `now` is the store's own time.
    let at: Timestamp
    let now: Timestamp
    let makeIdentifier: @Sendable (Timestamp) -> Identifier
  }

  /// The end of an attempt that went over a limit, whatever its worker says.
  private static func timeOut(
    _ db: Database, _ attempt: Attempt, _ ending: Ending, _ change: inout StoreChange
  ) throws -> Job {
    let isNew = try AttemptRows.end(
      db, attempt.id, state: .timedOut, failure: ending.failure, exitCode: ending.exitCode,
      at: ending.at)
    if isNew {
      try end(db, attempt, jobState: .timedOut, runStatus: .timedOut, ending, &change)
    }
    return try JobRows.one(db, attempt.jobId)
  }

  private static func end(
    _ db: Database, _ attempt: Attempt, jobState: JobState, runStatus: RunStatus,
    _ ending: Ending, _ change: inout StoreChange
  ) throws {
    if try RetryRows.retry(db, attempt, jobState, runStatus, ending, &change) { return }
    let reason = jobState == .cancelled ? try stopReason(db, job: attempt.jobId) : nil
    let (failure, time) = (ending.failure ?? reason, ending.at)
    let moved = try JobRows.move(
      db, attempt.jobId, from: [.starting, .running], to: jobState, at: time, failure: failure)
    guard moved else { return }
    try RunWriter.move(db, attempt.runId, to: runStatus, at: time, failure: failure)
    try EventRows.add(
      db, "run_\(runStatus.rawValue)", at: time, job: attempt.jobId, run: attempt.runId,
      data: failure.map { ["code": .string($0.code), "message": .string($0.message)] } ?? [:])
    change.note(.jobs, job: attempt.jobId)
    change.note(.runs, run: attempt.runId)
    try DependencyRows.ended(db, attempt.jobId, at: ending.now, &change)
  }
}
