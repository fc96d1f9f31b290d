// The write-ahead log stays bounded although someone reads at every moment.

import Foundation
import GRDB
import Store
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct LogKeeperTests {
  private static let pageBytes = 4_096

  /// The greatest size of the log, in pages, while 16 MiB are written in pieces of 64 KiB and three
  /// readers take turns such that there always is one.
  private func pagesOfLog(bound: Int32) async throws -> Int {
    let folder = TestStore.newFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let pool = try StoreFile.open(folder: folder)
    try await pool.write { db in
      try db.execute(sql: "CREATE TABLE pieces (id INTEGER PRIMARY KEY, bytes BLOB)")
    }
    let queue = WriteQueue(
      pool: pool, hub: ChangeHub(), logKeeper: LogKeeper(interval: 64, bound: bound),
      onFailure: { _ in })
    let end = End()
    return try await withThrowingTaskGroup(of: Void.self) { group in
      for reader in 0..<3 {
        group.addTask {
          await withCheckedContinuation { continuation in
            Thread.detachNewThread {
              usleep(UInt32(reader) * 1_000)
              while !end.isOver.load(ordering: .relaxed) {
                // A failed read would only make the test easier.
                _ = try? pool.read { db in
                  _ = try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM pieces")
                  usleep(3_000)
                }
              }
              continuation.resume()
            }
          }
        }
      }
      var greatest = 0
      for _ in 0..<256 {
        try await queue.write { db, _ in
          try db.execute(sql: "INSERT INTO pieces (bytes) VALUES (randomblob(65536))")
        }
        let file = folder + "/" + StoreFile.name + "-wal"
        let size = try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int ?? 0
        greatest = max(greatest, size / Self.pageBytes)
      }
      end.isOver.store(true, ordering: .relaxed)
      try await group.waitForAll()
      await queue.close()
      try pool.close()
      return greatest
    }
  }

  @Test func constantReadersDoNotLetItGrow() async throws {
    // The bound, what is written before the log is looked at, and a transaction.
    #expect(try await pagesOfLog(bound: 512) < 512 + 64 + 128)
  }

  @Test func itWouldGrowWithoutTheBound() async throws {
    #expect(try await pagesOfLog(bound: .max) > 2_000)
  }

  /// A reader that waits for work must not hold the log.
  @Test func idleReadersHoldNothing() async throws {
    try await TestStore.with { test in
      _ = try await test.store.openRun(Store.NewRun())
      for _ in 0..<8 {
        await withTaskGroup { group in
          for _ in 0..<4 { group.addTask { _ = try? await test.store.runs(Store.RunQuery()) } }
        }
      }
      let pool = try DatabaseQueue(path: test.store.databasePath)
      try await pool.write { db in try db.execute(sql: "CREATE TABLE extra (x INTEGER)") }
      let row: Row? = try pool.inDatabase { db in
        try Row.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
      }
      #expect(row?[0] == 0 && row?[1] == 0)
      try pool.close()
    }
  }
}

/// Tells threads that it is over.
private final class End: Sendable {
  let isOver = Atomic(false)
}
