import Experiments
import Foundation
import GRDB
import Store
import Synchronization
import Testing

@Suite struct BackupTests {
  private func withFolder(_ body: (String) async throws -> Void) async throws {
    let folder = TestStore.newFolder()
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await body(folder)
  }

  @Test func aBackupHoldsWhatWasAcknowledgedAndNothingBesideIt() async throws {
    try await withFolder { folder in
      try await TestStore.with { test in
        let run = try await test.run(metrics: ["loss": 0.5])
        let file = folder + "/backup.db"
        let report = try await test.store.backup(to: file)
        #expect(report.path == file && report.bytes > 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["backup.db"])
        let attributes = try FileManager.default.attributesOfItem(atPath: file)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect((attributes[.size] as? NSNumber)?.int64Value == report.bytes)
        let into = folder + "/data"
        try FileManager.default.createDirectory(
          atPath: into, withIntermediateDirectories: true)
        let outcome = try Restore.run(file, into: into, clock: test.clock.wall)
        #expect(outcome.kept == nil && outcome.migrated.isEmpty)
        #expect(outcome.report?.isClean == true)
        let restored = try Store(folder: into, clock: test.clock.wall)
        let before = try await test.store.run(run)
        #expect(try await restored.run(run) == before)
        let settings = try await restored.read { db in
          try ["auto_vacuum", "journal_mode"].map {
            try String.fetchOne(db, sql: "PRAGMA \($0)") ?? ""
          }
        }
        #expect(settings == ["2", "wal"])
        await restored.close()
      }
    }
  }

  @Test func anExistingFileGivesWayOnlyWhenAsked() async throws {
    try await withFolder { folder in
      try await TestStore.with { test in
        let file = folder + "/backup.db"
        try Data("mine".utf8).write(to: URL(fileURLWithPath: file))
        await expect("file_exists") { try await test.store.backup(to: file) }
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == Data("mine".utf8))
        let report = try await test.store.backup(to: file, replacing: true)
        #expect(report.bytes > 4096)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["backup.db"])
      }
    }
  }

  @Test func placesWhereNoBackupBelongsAreRefused() async throws {
    try await TestStore.with { test in
      await expect("invalid_value") { try await test.store.backup(to: "backup.db") }
      await expect("cannot_open") { try await test.store.backup(to: "/nowhere/at/all/backup.db") }
      for name in [
        "assay.db", "assay.db-wal", "assay.db-journal", "assayd.lock", "assay.db.restored-mine",
        "restoring-mine", "ballast",
      ] {
        await expect("invalid_value") {
          try await test.store.backup(to: test.folder + "/" + name, replacing: true)
        }
      }
      _ = try await test.submit()
    }
  }

  @Test func aCancelledBackupLeavesNothing() async throws {
    try await withFolder { folder in
      try await TestStore.with { test in
        // More than one step's worth of pages.
        try await test.store.write { db, _ in
          for index in 0..<12 {
            try db.execute(
              sql: """
                INSERT INTO chunks (sha256, raw_bytes, codec, created_at, data)
                VALUES (randomblob(32), 1048576, 'raw', \(index), randomblob(1048576))
                """)
          }
        }
        let store = test.store
        let begun = Atomic(false)
        let isCancelled = Atomic(false)
        let task = Task {
          try await store.backup(to: folder + "/backup.db") { _ in
            begun.store(true, ordering: .releasing)
            while !isCancelled.load(ordering: .acquiring) { usleep(1_000) }
          }
        }
        while !begun.load(ordering: .acquiring) { try await Task.sleep(for: .milliseconds(1)) }
        task.cancel()
        isCancelled.store(true, ordering: .releasing)
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        try await store.write { db, _ in try db.execute(sql: "DELETE FROM chunks") }
      }
    }
  }

  @Test func whatWasWrittenHalfIsWrittenOver() async throws {
    try await withFolder { folder in
      try await TestStore.with { test in
        let left = folder + "/backup.db.partial"
        try Data(repeating: 7, count: 1_000_000).write(to: URL(fileURLWithPath: left))
        _ = try await test.store.backup(to: folder + "/backup.db")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["backup.db"])
      }
    }
  }

  /// Each backup is made while points are written as fast as they go, and must hold every one whose
  /// write had returned before it was asked for.
  @Test func backupsUnderWritesHoldEverythingFromBefore() async throws {
    try await withFolder { folder in
      try await TestStore.with { test in
        let attempt = try await test.start()
        let acknowledged = Atomic<Int64>(0)
        let isDone = Atomic(false)
        let store = test.store
        let start = test.now
        let writer = Task {
          var step: Int64 = 0
          while !isDone.load(ordering: .acquiring) {
            let points = (0..<50).map { index in
              MetricPoint(
                key: "loss", step: step + Int64(index), epoch: nil,
                time: start.adding(seconds: Double(step) / 1000), value: Double(step))
            }
            try await store.appendMetrics(attempt: attempt.id, points)
            step += 50
            acknowledged.store(step, ordering: .releasing)
          }
        }
        while acknowledged.load(ordering: .acquiring) == 0 {
          try await Task.sleep(for: .milliseconds(1))
        }
        for round in 0..<5 {
          let before = acknowledged.load(ordering: .acquiring)
          let file = folder + "/backup-\(round).db"
          _ = try await store.backup(to: file)
          let into = folder + "/data-\(round)"
          try FileManager.default.createDirectory(
            atPath: into, withIntermediateDirectories: true)
          let outcome = try Restore.run(file, into: into, clock: test.clock.wall)
          #expect(outcome.report?.isClean == true)
          let restored = try Store(folder: into, clock: test.clock.wall)
          let history = try await restored.history(run: attempt.runId, key: "loss")
          #expect(history.points.count >= before, "round \(round)")
          #expect(history.points.map(\.step) == (0..<Int64(history.points.count)).map { $0 })
          await restored.close()
        }
        isDone.store(true, ordering: .releasing)
        try await writer.value
      }
    }
  }
}
