import Experiments
import Foundation
import Store
import Testing

@Suite struct RestoreTests {
  /// A folder with `backup.db` of a store with one run, and the names in `data` beside it.
  private func withBackup(
    _ body: (_ folder: String, _ backup: String, _ data: String, TestClock) async throws -> Void
  ) async throws {
    let folder = TestStore.newFolder()
    let data = folder + "/data"
    try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let clock = TestClock()
    try await TestStore.with { test in
      try await test.run(.test(name: "kept"), metrics: ["loss": 0.25])
      _ = try await test.store.backup(to: folder + "/backup.db")
    }
    try await body(folder, folder + "/backup.db", data, clock)
  }

  private func names(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  private func runNames(_ data: String, _ clock: TestClock) async throws -> [String] {
    let store = try Store(folder: data, clock: clock.wall)
    let runs = try await store.runs(Store.RunQuery())
    await store.close()
    return runs.items.map(\.name)
  }

  private var forced: Restore.Options {
    var options = Restore.Options()
    options.force = true
    return options
  }

  @Test func whatAFolderHasIsKeptAndOnlyWithForce() async throws {
    try await withBackup { _, backup, data, clock in
      try await TestStore.with { test in
        _ = try await test.submit(.test(name: "old"))
        // Copied while it is open: its log is not in the file yet, as after a kill.
        for suffix in ["", "-wal"] {
          try FileManager.default.copyItem(
            atPath: test.store.databasePath + suffix, toPath: data + "/assay.db" + suffix)
        }
      }
      try FileManager.default.createDirectory(
        atPath: data + "/attempts/1", withIntermediateDirectories: true)
      await expect("data_folder_not_empty") {
        try Restore.run(backup, into: data, clock: clock.wall)
      }
      let outcome = try Restore.run(backup, into: data, options: forced, clock: clock.wall)
      let kept = try #require(outcome.kept)
      #expect(try await runNames(data, clock) == ["kept"])
      #expect(FileManager.default.fileExists(atPath: kept + "-wal"))
      #expect(try names(data + "/attempts").isEmpty)
      #expect(try names(data).filter { $0.hasPrefix("attempts.before-restore-") }.count == 1)
      #expect(try names(data).allSatisfy { !$0.hasPrefix("restoring-") })
      // The old database goes on from where it was.
      let old = data + "/old"
      try FileManager.default.createDirectory(atPath: old, withIntermediateDirectories: true)
      for suffix in ["", "-wal"] {
        try FileManager.default.moveItem(
          atPath: kept + suffix, toPath: old + "/assay.db" + suffix)
      }
      #expect(try await runNames(old, clock) == ["old"])
    }
  }

  @Test func aDamagedBackupIsRefusedAndChangesNothing() async throws {
    try await withBackup { _, backup, data, clock in
      let file = try FileHandle(forUpdating: URL(fileURLWithPath: backup))
      let size = try file.seekToEnd()
      for offset in stride(from: UInt64(40_000), to: size, by: 4096) {
        try file.seek(toOffset: offset)
        try file.write(contentsOf: Data(repeating: 0xA5, count: 512))
      }
      try file.close()
      await expect("backup_damaged") {
        try Restore.run(backup, into: data, clock: clock.wall)
      }
      #expect(try names(data).isEmpty)
    }
  }

  @Test func whatIsNoBackupIsRefused() async throws {
    try await withBackup { folder, backup, data, clock in
      await expect("cannot_open") {
        try Restore.run(folder + "/none.db", into: data, clock: clock.wall)
      }
      let text = folder + "/text"
      try Data(String(repeating: "no database ", count: 1000).utf8)
        .write(to: URL(fileURLWithPath: text))
      await expect("cannot_open") { try Restore.run(text, into: data, clock: clock.wall) }
      try Data("log".utf8).write(to: URL(fileURLWithPath: backup + "-wal"))
      await expect("cannot_open") { try Restore.run(backup, into: data, clock: clock.wall) }
      #expect(try names(data).isEmpty)
    }
  }

  /// Every state that a crash can leave between the steps: from the moment at which the copy has its
  /// name the next opening brings the restored database, before it the old one.
  @Test(arguments: 0..<6) func aRestoreThatWasCutShortIsFinished(_ steps: Int) async throws {
    try await withBackup { _, backup, data, clock in
      let store = try Store(folder: data, clock: clock.wall)
      await store.close()
      let manager = FileManager.default
      let time = "20270115-080000"
      let kept = "\(data)/assay.db.before-restore-\(time)"
      try manager.createDirectory(atPath: data + "/attempts", withIntermediateDirectories: true)
      try Data(repeating: 1, count: 100).write(to: URL(fileURLWithPath: data + "/assay.db-wal"))
      try Data(repeating: 1, count: 100).write(to: URL(fileURLWithPath: data + "/assay.db-shm"))
      try manager.copyItem(atPath: backup, toPath: "\(data)/assay.db.restored-\(time)")
      let done: [() throws -> Void] = [
        { try manager.moveItem(atPath: data + "/assay.db-wal", toPath: kept + "-wal") },
        { try manager.moveItem(atPath: data + "/assay.db", toPath: kept) },
        { try manager.removeItem(atPath: data + "/assay.db-shm") },
        {
          try manager.moveItem(
            atPath: data + "/attempts", toPath: "\(data)/attempts.before-restore-\(time)")
        },
        {
          try manager.createDirectory(
            atPath: data + "/attempts", withIntermediateDirectories: true)
        },
      ]
      for step in done.prefix(steps) { try step() }
      #expect(try await runNames(data, clock) == ["kept"])
      let found = Set(try names(data))
      #expect(
        found.isSuperset(of: [
          "assay.db", "assay.db.before-restore-\(time)", "assay.db.before-restore-\(time)-wal",
          "attempts", "attempts.before-restore-\(time)",
        ]))
      #expect(!found.contains("assay.db.restored-\(time)"))
      #expect(try await runNames(data, clock) == ["kept"])
    }
  }

  /// Only the exact names that a restore gives are its own.
  @Test func filesThatOnlyLookLikeARestoreStay() async throws {
    try await withBackup { _, backup, data, clock in
      let manager = FileManager.default
      try manager.createDirectory(
        atPath: data + "/restoring-notes", withIntermediateDirectories: true)
      let lookalike = data + "/assay.db.restored-yesterday"
      try Data("not a database".utf8).write(to: URL(fileURLWithPath: lookalike))
      var options = Restore.Options()
      options.force = true
      _ = try Restore.run(
        backup, into: data, options: options, clock: clock.wall)
      #expect(manager.fileExists(atPath: data + "/restoring-notes"))
      #expect(manager.fileExists(atPath: lookalike))
      let store = try Store(folder: data, clock: clock.wall)
      await store.close()
    }
  }

  @Test func aBackupOfAnEarlierSchemaIsBroughtUpToDate() async throws {
    let folder = TestStore.newFolder()
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let fixture = SchemaFixtures.folder + "/0001.db"
    let outcome = try Restore.run(fixture, into: folder, clock: TestClock().wall)
    #expect(outcome.migrated == Migrator.embedded.migrations.dropFirst().map(\.name))
    #expect(outcome.report?.isClean == true)
  }
}
