// Garbage collection: deleted runs whose time to be brought back is over, uploads that were never
// named, and pages of the file that are free. All of it happens in small transactions between those
// of others, and may be broken off after any of them.

package import Experiments
import GRDB

extension Store {
  /// How thoroughly a garbage collection works.
  package struct Collection: Sendable {
    /// Runs that were deleted before this, or then, are removed for good.
    package var deletedBefore: Timestamp
    /// After so long the rest is left for another time.
    package var atMost: Duration
    /// Whether others get at least as much of the writer's time, and some free pages stay in the
    /// file for what is to come.
    package var isGentle: Bool

    package init(deletedBefore: Timestamp, atMost: Duration, isGentle: Bool) {
      self.deletedBefore = deletedBefore
      self.atMost = atMost
      self.isGentle = isGentle
    }
  }

  /// How long one transaction works at most, about: others wait that much longer.
  private static let usualStep = Duration.milliseconds(2)
  /// The same on a full disk, where only deletions are written, and each transaction takes some of the
  /// little space that they have.
  private static let spareStep = Duration.milliseconds(50)
  private static let runsAtOnce = 200
  private static let pagesAtOnce = 16
  /// What is moved has to be written and synced: so much in one transaction.
  private static let pagesPerStep: Int64 = 128
  private static let sparePagesPerStep: Int64 = 4096
  /// Of a full disk that moving pages leaves to deletions.
  private static let keptBytes: Int64 = 1 << 20
  /// Free pages that a gentle collection leaves: so many, or a share of all.
  private static let keptPages: Int64 = 4096
  private static let keptShare: Int64 = 10

  /// - Returns: what went; `done` is false if the time was over before.
  package func collectGarbage(_ collection: Collection) async throws -> GarbageReport {
    var report = GarbageReport()
    let end = ContinuousClock.now + collection.atMost
    let abandoned = clock.now().adding(seconds: -ChunkRows.unreferencedSeconds)
    let phases: [@Sendable (Store) async throws -> (GarbageReport, Bool)] = [
      { try await $0.markStep(deletedBefore: collection.deletedBefore) },
      { try await $0.removalStep() },
      { try await $0.chunkStep(before: abandoned) },
      { try await $0.sparingVacuumStep(isGentle: collection.isGentle) },
    ]
    for phase in phases {
      var isOver = false
      while !isOver {
        try Task.checkCancellation()
        guard ContinuousClock.now < end else {
          report.done = false
          return report
        }
        let begun = ContinuousClock.now
        let part: GarbageReport
        (part, isOver) = try await phase(self)
        report.add(part)
        if !isOver {
          let took = ContinuousClock.now - begun
          try await Task.sleep(for: collection.isGentle ? took : took / 4)
        }
      }
    }
    // The file becomes smaller only when the write-ahead log is moved into it.
    if report.fileBytes > 0 { await checkpointLog() }
    report.keptRunIds = try await keptRuns(deletedBefore: collection.deletedBefore)
    return report
  }

  /// What a collection would take away, without doing it.
  package func garbage(deletedBefore time: Timestamp) async throws -> GarbageReport {
    try await readAndWork { db in
      let runs = """
        SELECT r.id FROM runs r WHERE r.id IN (SELECT run_id FROM purges) OR \(Self.isDue)
        """
      let before = time.microseconds
      var report = GarbageReport()
      func count(_ sql: String) throws -> Int64 { try db.int64(sql, [before]) ?? 0 }
      report.runs = Int(try count("SELECT COUNT(*) FROM (\(runs))"))
      report.points = try count(
        "SELECT COALESCE(SUM(count), 0) FROM metrics WHERE run_id IN (\(runs))")
      report.checkpoints = Int(
        try count("SELECT COUNT(*) FROM checkpoints WHERE run_id IN (\(runs))"))
      report.artifacts = Int(try count("SELECT COUNT(*) FROM artifacts WHERE run_id IN (\(runs))"))
      // Chunks that nothing else names.
      let row = try db.row(
        """
        WITH due AS (\(runs)), names (chunk) AS (
          SELECT n.chunk_id FROM checkpoints c JOIN checkpoint_chunks n ON n.checkpoint_id = c.id
          WHERE c.run_id IN due
          UNION ALL
          SELECT n.chunk_id FROM artifacts a JOIN artifact_chunks n ON n.artifact_id = a.id
          WHERE a.run_id IN due)
        SELECT COUNT(*), COALESCE(SUM(length(k.data)), 0)
        FROM (SELECT chunk, COUNT(*) AS names FROM names GROUP BY chunk) n
          JOIN chunks k ON k.id = n.chunk AND k.reference_count = n.names
        """, [before])
      report.chunks = row?[0] ?? 0
      report.contentBytes = row?[1] ?? 0
      report.contentBytes += try count(
        """
        SELECT COALESCE(SUM(MIN(log_bytes, \(Limits.logBytesPerAttempt))), 0) FROM attempts
        WHERE run_id IN (\(runs))
        """)
      report.fileBytes = try FileSizes(db).freeBytes
      report.keptRunIds = try Self.kept(db, deletedBefore: time)
      return report
    }
  }

  // MARK: Steps

  private static func step(_ reserve: Reserve?) -> Duration {
    reserve?.isSpent == true ? spareStep : usualStep
  }

  /// Of a run `r`: whether it is to be removed, its time (the one argument) being over.
  private static let isDue = """
    (r.deleted_at <= ?
      AND NOT EXISTS (SELECT 1 FROM baseline_runs b WHERE b.run_id = r.id)
      AND NOT EXISTS (SELECT 1 FROM attempts a
        WHERE a.run_id = r.id AND a.state IN ('starting', 'running')))
    """

  private func markStep(deletedBefore time: Timestamp) async throws -> (GarbageReport, Bool) {
    try await freeingWrite { [clock] db, _ in
      try db.run(
        """
        INSERT INTO purges (run_id, asked_at) SELECT r.id, ? FROM runs r
        WHERE \(Self.isDue) AND NOT EXISTS (SELECT 1 FROM purges p WHERE p.run_id = r.id)
        LIMIT \(Self.runsAtOnce)
        """, [clock.now().microseconds, time.microseconds])
      return (GarbageReport(), db.changesCount < Self.runsAtOnce)
    }
  }

  private func removalStep() async throws -> (GarbageReport, Bool) {
    try await freeingWrite { [clock, reserve] db, change in
      var report = GarbageReport()
      let end = ContinuousClock.now + Self.step(reserve)
      while true {
        let outcome = try RunRemoval.step(db, at: clock.now(), into: &report) {
          ContinuousClock.now >= end
        }
        switch outcome {
        case .nothingLeft: return (report, true)
        case .more: return (report, false)
        case .removed(let run):
          change.note(.runs, run: run)
          if ContinuousClock.now >= end { return (report, false) }
        }
      }
    }
  }

  private func chunkStep(before time: Timestamp) async throws -> (GarbageReport, Bool) {
    try await freeingWrite { [reserve] db, _ in
      var report = GarbageReport()
      let end = ContinuousClock.now + Self.step(reserve)
      repeat {
        let isOver = try ContentRemoval.removeAbandoned(db, before: time, into: &report)
        if isOver { return (report, true) }
      } while ContinuousClock.now < end
      return (report, false)
    }
  }

  /// Where there is no room to move pages, the file becomes smaller another time: its free pages serve
  /// who writes next as they are.
  private func sparingVacuumStep(isGentle: Bool) async throws -> (GarbageReport, Bool) {
    do {
      return try await vacuumStep(isGentle: isGentle)
    } catch StoreError.diskFull {
      return (GarbageReport(), true)
    }
  }

  private func vacuumStep(isGentle: Bool) async throws -> (GarbageReport, Bool) {
    // On a full disk others need the space more than this file.
    let leavesSome = isGentle && !(reserve?.isSpent ?? false)
    return try await freeingWrite { [reserve] db, _ in
      var report = GarbageReport()
      let isSpent = reserve?.isSpent == true
      // What is moved is written to the log first, and takes of what deletions have left until the
      // log fits into the smaller file.
      let isTight = try isSpent && !LogKeeper.fits(db)
      if isTight, try LogKeeper.freeBytes(db) < Self.keptBytes { return (report, true) }
      let end = ContinuousClock.now + Self.step(reserve)
      let first = try FileSizes(db)
      let kept = leavesSome ? max(Self.keptPages, first.pages / Self.keptShare) : 0
      var free = first.freePages
      var isStuck = false
      // Some at least, however slow the machine is.
      let most = isSpent && !isTight ? Self.sparePagesPerStep : Self.pagesPerStep
      while free > kept, first.freePages - free < most,
        free == first.freePages || ContinuousClock.now < end
      {
        try db.run("PRAGMA incremental_vacuum(\(Self.pagesAtOnce))")
        let left = try db.int64("PRAGMA freelist_count") ?? 0
        isStuck = left >= free
        guard !isStuck else { break }
        free = left
      }
      report.fileBytes = first.fileBytes - (try FileSizes(db).fileBytes)
      return (report, free <= kept || isStuck)
    }
  }

  private func keptRuns(deletedBefore time: Timestamp) async throws -> [Int64] {
    try await read { try Self.kept($0, deletedBefore: time) }
  }

  private static func kept(_ db: Database, deletedBefore time: Timestamp) throws -> [Int64] {
    try db.int64s(
      """
      SELECT r.id FROM runs r WHERE r.deleted_at <= ?
        AND EXISTS (SELECT 1 FROM baseline_runs b WHERE b.run_id = r.id) ORDER BY r.id
      """, [time.microseconds])
  }
}
