import Checkpoints
import Experiments
import Foundation
import GRDB
import Store
import Testing

/// What was deleted long enough ago goes for good, with all that it owned and nothing else.
@Suite struct GarbageTests {
  private static let days = 86_400.0

  private func tensors(_ seed: Int, size: Int = 600) -> [Tensor] {
    var random = SeededGenerator(state: UInt64(seed))
    return [
      Tensor(name: "shared", shape: [300], floats: (0..<300).map { Float($0) }),
      Tensor(
        name: "own", shape: [size],
        floats: (0..<size).map { _ in Float.random(in: 0...1, using: &random) }),
    ]
  }

  /// A finished run with some of everything that a run may own.
  private func fullRun(
    _ test: TestStore, seed: Int, points: Int = 30, size: Int = 600
  ) async throws -> Int64 {
    let attempt = try await test.start(.test(seed: seed, tags: ["stage": "x"]))
    var series: [MetricPoint] = []
    for step in 0..<Int64(points) {
      series.append(test.point("loss", step, Double(step) * 0.1))
      series.append(test.point("val_loss", step, step % 7 == 0 ? .nan : 2))
    }
    try await test.store.appendMetrics(attempt: attempt.id, series)
    for epoch in 1...2 {
      try await test.checkpoint(
        attempt, epoch: epoch, tensors: tensors(seed * 10 + epoch, size: size))
    }
    let (manifest, chunks) = try ArtifactCoder.encode(
      path: "a.csv", mediaType: "text/csv", bytes: Array("run \(seed)".utf8))
    try await test.put(chunks)
    _ = try await test.store.addArtifact(attempt: attempt.id, manifest)
    _ = try await test.store.appendLog(attempt: attempt.id, offset: 0, bytes: [1, 2, 3])
    try await test.finish(attempt)
    return attempt.runId
  }

  private func collection(
    _ test: TestStore, days: Double = 30, atMost: Duration = .seconds(60), gentle: Bool = false
  ) -> Store.Collection {
    Store.Collection(
      deletedBefore: test.now.adding(seconds: -days * Self.days), atMost: atMost,
      isGentle: gentle)
  }

  /// Every table that has rows, and how many; events only grow.
  private func counts(_ store: Store) async throws -> [String: Int] {
    try await store.read { db in
      var counts: [String: Int] = [:]
      let tables = try String.fetchAll(
        db,
        sql: """
          SELECT name FROM sqlite_schema WHERE type = 'table'
            AND name NOT IN ('events', 'sqlite_sequence')
          """)
      for table in tables {
        counts[table] = try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM \"\(table)\"")
      }
      return counts
    }
  }

  private func expectSound(_ store: Store) async throws {
    let (broken, integrity, wrong) = try await store.read { db in
      let wrong = try Int.fetchOne(
        db,
        sql: """
          SELECT COUNT(*) FROM chunks c WHERE reference_count <>
            (SELECT COUNT(*) FROM checkpoint_chunks p WHERE p.chunk_id = c.id)
            + (SELECT COUNT(*) FROM artifact_chunks a WHERE a.chunk_id = c.id)
            + (SELECT COUNT(*) FROM chunks d WHERE d.base_chunk_id = c.id)
          """)
      return (
        try Row.fetchAll(db, sql: "PRAGMA foreign_key_check").count,
        try String.fetchAll(db, sql: "PRAGMA integrity_check"), wrong
      )
    }
    #expect(broken == 0 && wrong == 0 && integrity == ["ok"])
  }

  @Test func aDeletedRunGoesWhenItsTimeIsOver() async throws {
    try await TestStore.with { test in
      let kept = try await fullRun(test, seed: 1)
      let before = try await counts(test.store)
      let gone = try await fullRun(test, seed: 2)
      _ = try await test.store.changeRun(gone, deleted: true)
      test.clock.advance(seconds: 29 * Self.days)
      var report = try await test.store.collectGarbage(collection(test))
      #expect(report.runs == 0 && report.done)
      #expect(try await test.store.run(gone).deletedAt != nil)
      #expect(try await test.store.changeRun(gone, deleted: false).deletedAt == nil)
      _ = try await test.store.changeRun(gone, deleted: true)
      test.clock.advance(seconds: 31 * Self.days)

      let planned = try await test.store.garbage(deletedBefore: collection(test).deletedBefore)
      report = try await test.store.collectGarbage(collection(test))
      #expect(report.runs == 1 && report.points == 60 && report.done)
      #expect(report.checkpoints == 2 && report.artifacts == 1)
      // Two checkpoints' own tensors and the artifact; what the other run has as well stays.
      #expect(report.chunks == 3)
      #expect(
        planned.runs == 1 && planned.points == 60 && planned.checkpoints == 2
          && planned.artifacts == 1 && planned.chunks == 3
          && planned.contentBytes == report.contentBytes)
      await expect("run_not_found") { try await test.store.run(gone) }
      #expect(try await counts(test.store) == before)
      try await expectSound(test.store)
      #expect(
        try await test.store.checkpointTensors(run: kept, .epoch(2)) == tensors(12))
      #expect(try await test.store.history(run: kept, key: "loss").points.count == 30)
      #expect(try await test.store.events(limit: 100).last?.kind == "run_purged")
      // Numbers are never used again.
      #expect(try await test.run() == gone + 1)
    }
  }

  @Test func whatABaselineNamesIsKept() async throws {
    try await TestStore.with { test in
      let run = try await test.run()
      _ = try await test.store.setBaseline(name: "nightly", runs: [run])
      _ = try await test.store.changeRun(run, deleted: true)
      let report = try await test.store.collectGarbage(collection(test, days: 0))
      #expect(report.runs == 0 && report.keptRunIds == [run])
      await expect("conflict") { try await test.store.purgeRun(run) }
      #expect(try await test.store.baseline(name: "nightly").runIds == [run])
    }
  }

  @Test func aCheckStaysReadable() async throws {
    try await TestStore.with { test in
      let runs = [try await test.run(), try await test.run()]
      let job = try #require(await test.store.run(runs[1]).jobId)
      let check = try await test.store.addCheck(
        baseline: "nightly", jobId: job,
        comparison: Comparison(
          referenceRunIds: [runs[0]], candidateRunIds: [runs[1]], verdict: .notEnoughData,
          metrics: [], differences: []))
      for run in runs { _ = try await test.store.purgeRun(run) }
      #expect(try await test.store.collectGarbage(collection(test)).runs == 2)
      #expect(try await test.store.check(check.id) == check)
      #expect(try await test.store.job(job).runId == nil)
      try await expectSound(test.store)
    }
  }

  @Test func aPurgeIsAtOnceAndForGood() async throws {
    try await TestStore.with { test in
      let parent = try await fullRun(test, seed: 1)
      let child = try await test.run(.evaluate(run: parent))
      #expect(try await test.store.purgeRun(parent).deletedAt != nil)
      await expect("conflict") { try await test.store.changeRun(parent, deleted: false) }
      let report = try await test.store.collectGarbage(collection(test))
      #expect(report.runs == 1)
      #expect(try await test.store.run(child).parentId == nil)
      await expect("run_not_found") { try await test.store.purgeRun(parent) }
      let active = try await test.start()
      await expect("conflict") { try await test.store.purgeRun(active.runId) }
      try await expectSound(test.store)
    }
  }

  /// Each call gets next to no time, and between them the store is closed and opened again.
  @Test func aCollectionGoesOnWhereItStopped() async throws {
    let folder = TestStore.newFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let clock = TestClock()
    var report = GarbageReport()
    var rounds = 0
    var store = try Store(folder: folder, clock: clock.wall)
    var test = TestStore(folder: folder, clock: clock, store: store)
    let kept = try await fullRun(test, seed: 1)
    for seed in 2...3 {
      _ = try await test.store.purgeRun(
        try await fullRun(test, seed: seed, points: 20_000, size: 2_000_000))
    }
    repeat {
      report.add(try await store.collectGarbage(collection(test, atMost: .milliseconds(4))))
      rounds += 1
      try await expectSound(store)
      #expect(try await store.run(kept).status == .finished)
      await store.close()
      store = try Store(folder: folder, clock: clock.wall)
      test = TestStore(folder: folder, clock: clock, store: store)
    } while !report.done && rounds < 500
    #expect(report.runs == 2 && report.points == 80_000 && report.checkpoints == 4)
    #expect(rounds > 2)
    #expect(try await store.verifyCheckpoints(run: kept).allSatisfy { $0.problem == nil })
    #expect(try await counts(store)["purges"] == 0)
    await store.close()
  }

  @Test func uploadsThatWereNeverNamedGoAfterAWhile() async throws {
    try await TestStore.with { test in
      let (_, chunks) = try CheckpointCoder.encode(
        tensors: tensors(1), metadata: [:], epoch: 1, step: 1)
      try await test.put(chunks)
      #expect(try await test.store.collectGarbage(collection(test)).chunks == 0)
      test.clock.advance(seconds: 2 * 3600)
      #expect(try await test.store.collectGarbage(collection(test)).chunks == chunks.count)
      #expect(try await counts(test.store)["chunks"] == 0)
    }
  }

  @Test func theFileBecomesSmaller() async throws {
    try await TestStore.with { test in
      let run = try await fullRun(test, seed: 1, size: 3_000_000)
      _ = try await test.store.purgeRun(run)
      let before = try await test.store.usage()
      // A gentle one leaves some for what is to come, here all.
      #expect(try await test.store.collectGarbage(collection(test, gentle: true)).runs == 1)
      let gentle = try await test.store.usage()
      #expect(gentle.fileBytes <= before.fileBytes && gentle.freeBytes > 4 << 20)
      let report = try await test.store.collectGarbage(collection(test))
      let after = try await test.store.usage()
      #expect(report.fileBytes == gentle.fileBytes - after.fileBytes)
      #expect(after.freeBytes == 0 && after.fileBytes < before.fileBytes / 4)
      let size = try FileManager.default.attributesOfItem(atPath: test.store.databasePath)[.size]
      #expect((size as? NSNumber)?.int64Value == after.fileBytes)
      try await expectSound(test.store)
    }
  }

  /// Whoever adds a table that refers to runs must say what becomes of its rows.
  @Test func everyTableThatRefersToRunsIsKnown() async throws {
    try await TestStore.with { test in
      let tables = try await test.store.read { db in
        try String.fetchSet(
          db,
          sql: """
            SELECT s.name FROM sqlite_schema s, pragma_foreign_key_list(s.name) f
            WHERE s.type = 'table' AND f."table" = 'runs'
            """)
      }
      #expect(tables == RunRemoval.tables)
    }
  }

  @Test func anExperimentGoesAndComesBackWithItsRuns() async throws {
    try await TestStore.with { test in
      let own = [
        try await test.run(.test(experiment: "trials")),
        try await test.run(.test(experiment: "trials")),
      ]
      let other = try await test.run()
      let early = try await test.run(.test(experiment: "trials"))
      _ = try await test.store.changeRun(early, deleted: true)
      #expect(try await test.store.changeExperiment("trials", deleted: true) == own)
      #expect(try await test.store.experiments().map(\.name) == ["default"])
      #expect(try await test.store.runs(.init()).items.map(\.id) == [other])
      #expect(try await test.store.changeExperiment("trials", deleted: false) == own)
      #expect(try await test.store.run(early).deletedAt != nil)
      #expect(try await test.store.experiments().map(\.runs) == [1, 2])
      _ = try await test.store.changeExperiment("trials", deleted: true)
      // A name that is used again is there again.
      let new = try await test.start(.test(experiment: "trials"))
      #expect(try await test.store.experiments().map(\.runs) == [1, 1])
      await expect("conflict") { try await test.store.changeExperiment("trials", deleted: true) }
      await expect("experiment_not_found") {
        try await test.store.changeExperiment("none", deleted: true)
      }
      try await test.finish(new)
    }
  }

  /// Each deletion has its own time of undoing, also of an experiment that was deleted before.
  @Test func aRunThatIsDeletedAgainHasItsTimeAgain() async throws {
    try await TestStore.with { test in
      let kept = try await test.run(.test(experiment: "trials"))
      let gone = try await test.run(.test(experiment: "trials"))
      _ = try await test.store.changeExperiment("trials", deleted: true)
      _ = try await test.store.changeRun(kept, deleted: false)
      test.clock.advance(seconds: 40 * Self.days)
      #expect(try await test.store.changeExperiment("trials", deleted: true) == [kept])
      #expect(try await test.store.collectGarbage(collection(test)).runs == 1)
      await expect("run_not_found") { try await test.store.run(gone) }
      let time = try #require(try await test.store.run(kept).deletedAt)
      #expect(abs(test.now.seconds(since: time)) < Self.days)
    }
  }

  /// What is acknowledged is there; so a run that is going takes nothing.
  @Test func aDeletedRunTakesNothing() async throws {
    try await TestStore.with { test in
      let uid = Identifier(at: test.now)
      let (run, _) = try await test.store.openRun(Store.NewRun(uid: uid))
      try await test.store.appendMetrics(run: run.id, [test.point("loss", 1, 0.5)])
      _ = try await test.store.changeRun(run.id, deleted: true)
      await expect("run_deleted") {
        try await test.store.appendMetrics(run: run.id, [test.point("loss", 2, 0.4)])
      }
      await expect("run_deleted") {
        try await test.store.addParams(run: run.id, ["rate": .number(0.1)])
      }
      await expect("run_deleted") { try await test.store.openRun(Store.NewRun(uid: uid)) }
      _ = try await test.store.changeRun(run.id, deleted: false)
      try await test.store.appendMetrics(run: run.id, [test.point("loss", 2, 0.4)])
      #expect(try await test.store.history(run: run.id, key: "loss").points.count == 2)
    }
  }
}
