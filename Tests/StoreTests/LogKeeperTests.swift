// The write-ahead log stays bounded although someone reads at every moment.

import Foundation
import GRDB
import Store
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5))) struct LogKeeperTests {
  private static let pageBytes = 4_096

  /// The greatest size of the log, in pages, while 16 MiB are written in pieces of 64 KiB and there is
  /// a reader at every moment.
  private func pagesOfLog(bound: Int32) async throws -> Int {
    let folder = TestStore.newFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let pool = try StoreFile.open(folder: folder)
    try await pool.write { db in
      try db.execute(sql: "CREATE TABLE pieces (id INTEGER PRIMARY KEY, bytes BLOB)")
    }
    let readers = try Readers(path: folder + "/" + StoreFile.name)
    let queue = WriteQueue(
      pool: pool, hub: ChangeHub(), logKeeper: LogKeeper(interval: 64, bound: bound),
      onFailure: { _ in })
    let reading = Task {
      await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: Result { try readers.run() }) }
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
    readers.isOver.store(true, ordering: .relaxed)
    try await reading.value.get()
    await queue.close()
    try pool.close()
    return greatest
  }

  /// The bound, what is written before the log is looked at, and a transaction.
  private static let mostPages = 512 + 64 + 128

  @Test func constantReadersDoNotLetItGrow() async throws {
    #expect(try await pagesOfLog(bound: 512) < Self.mostPages)
  }

  @Test func itWouldGrowWithoutTheBound() async throws {
    #expect(try await pagesOfLog(bound: .max) > Self.mostPages)
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

/// Two readers of which one begins before the other ends.
private final class Readers: Sendable {
  let isOver = Atomic(false)
  private let connections: [DatabaseQueue]

  /// The first has begun to read when this returns.
  init(path: String) throws {
    var configuration = Configuration()
    // A transaction lasts longer than one access.
    configuration.allowsUnsafeTransactions = true
    connections = try (0..<2).map { _ in
      try DatabaseQueue(path: path, configuration: configuration)
    }
    try begin(connections[0])
  }

  func run() throws {
    var turn = 0
    while !isOver.load(ordering: .relaxed) {
      usleep(3_000)
      try begin(connections[1 - turn])
      try connections[turn].inDatabase { db in try db.execute(sql: "COMMIT") }
      turn = 1 - turn
    }
    try connections[turn].inDatabase { db in try db.execute(sql: "COMMIT") }
    for connection in connections { try connection.close() }
  }

  private func begin(_ connection: DatabaseQueue) throws {
    try connection.inDatabase { db in
      try db.execute(sql: "BEGIN")
      _ = try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM pieces")
    }
  }
}
