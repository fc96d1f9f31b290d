import Experiments
import Foundation
import GRDB
import Store
import Testing

@Suite struct OpeningTests {
  @Test func commitsAreOnDiskAndOneConnectionCheckpoints() async throws {
    try await TestStore.with { test in
      let writer = try await test.store.write { db, _ in
        try ["synchronous", "foreign_keys", "mmap_size", "auto_vacuum", "wal_autocheckpoint"]
          .map { try Int.fetchOne(db, sql: "PRAGMA \($0)") }
      }
      // The writer moves the log itself, after the answers.
      #expect(writer == [2, 1, 0, 2, 0])
      let reader = try await test.store.read { db in
        try ["foreign_keys", "mmap_size", "wal_autocheckpoint"]
          .map { try Int.fetchOne(db, sql: "PRAGMA \($0)") }
      }
      #expect(reader == [1, 0, 0])
      let mode = try await test.store.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") }
      #expect(mode == "wal")
    }
  }

  @Test func onlyTheOwnerMayReadTheFiles() async throws {
    try await TestStore.with { test in
      _ = try await test.submit()
      func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
      }
      #expect(try mode(test.folder) == 0o700)
      for file in ["", "-wal", "-shm"] {
        #expect(try mode(test.store.databasePath + file) == 0o600)
      }
    }
  }

  @Test func whatWasAcknowledgedIsThereAfterReopening() async throws {
    try await TestStore.with { test in
      let job = try await test.submit()
      let other = try Store(folder: test.folder, clock: test.clock.wall)
      #expect(try await other.job(job.id) == job)
      await other.close()
    }
  }

  @Test func aClosedStoreRefusesEverything() async throws {
    try await TestStore.with { test in
      await test.store.close()
      await expect("store_closed") { try await test.submit() }
      await expect("store_closed") { try await test.store.run(1) }
    }
  }

  @Test(arguments: ["not a database, but long enough to have a header of its own and more", "x"])
  func aFileThatIsNoDatabaseIsRefused(_ text: String) throws {
    let folder = TestStore.newFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let content = Data(String(repeating: text, count: 5000).utf8)
    try content.write(to: URL(fileURLWithPath: folder + "/" + StoreFile.name))
    #expect(throws: StoreError.self) {
      try Store(folder: folder, clock: TestClock().wall)
    }
    let after = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + StoreFile.name))
    #expect(after == content)
  }

  @Test func aFolderThatCannotBeMadeIsNamed() throws {
    let error = #expect(throws: StoreError.self) {
      try Store(folder: "/dev/null/assay", clock: TestClock().wall)
    }
    #expect(error?.code == "cannot_open")
    #expect(error?.message.contains("/dev/null/assay") == true)
  }

  @Test func aDamagedPageIsAnErrorAndNoCrash() async throws {
    let folder = TestStore.newFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let clock = TestClock()
    var store = try Store(folder: folder, clock: clock.wall)
    _ = try await store.submit(
      (0..<50).map {
        Store.NewJob(
          uid: Identifier(at: clock.wall.now()), spec: .test(seed: $0), context: .test)
      })
    let page = try #require(
      await store.read {
        try Int.fetchOne($0, sql: "SELECT rootpage FROM sqlite_schema WHERE name = 'runs'")
      })
    await store.close()
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: store.databasePath))
    try file.seek(toOffset: UInt64(page - 1) * 4096)
    try file.write(contentsOf: Data(repeating: 0xA5, count: 4096))
    try file.close()
    store = try Store(folder: folder, clock: clock.wall)
    await expect("database_damaged") { try await store.runs(Store.RunQuery()) }
    await store.close()
  }
}
