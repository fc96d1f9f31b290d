// Moves the write-ahead log into the database file, on the writer's connection alone, between two
// transactions. Normally without waiting for anyone, every few megabytes. Readers that never pause all
// at once would let the log grow without end, since it can only start over while nobody reads in it;
// so beyond its bound the writer waits a short moment for those who read now. Those who come meanwhile
// read the file, and the next transaction starts the log over. Only a single read that lasts very long
// makes it longer still.

import GRDB
import GRDBSQLite

package struct LogKeeper: Sendable {
  /// Milliseconds that the writer waits for readers, and that any other lock is waited for.
  private static let patience: Int32 = 100
  private static let usualPatience: Int32 = 5_000

  /// Pages that are written before the log is looked at.
  private let interval: Int32
  /// Pages of the log beyond which it is started over: 64 MiB.
  private let bound: Int32

  package init(interval: Int32 = 1_000, bound: Int32 = 16_384) {
    self.interval = interval
    self.bound = bound
  }

  /// To be set once on the writer's connection: SQLite's own way never waits, and looks after every
  /// transaction.
  static func takeOver(_ db: Database) throws {
    try db.execute(sql: "PRAGMA wal_autocheckpoint = 0")
  }

  /// - Throws: `DatabaseError` if the file could not be written; all that was committed is in the log
  ///   then, and still safe.
  func afterCommit(_ db: Database) throws {
    let connection = db.sqliteConnection
    var written: Int32 = 0
    var highest: Int32 = 0
    // Pages that this connection has written to the log since the counter was reset.
    sqlite3_db_status(connection, SQLITE_DBSTATUS_CACHE_WRITE, &written, &highest, 0)
    guard written >= interval else { return }
    sqlite3_db_status(connection, SQLITE_DBSTATUS_CACHE_WRITE, &written, &highest, 1)
    let pages = try checkpoint(db, SQLITE_CHECKPOINT_PASSIVE)
    guard pages >= bound else { return }
    sqlite3_busy_timeout(connection, Self.patience)
    defer { sqlite3_busy_timeout(connection, Self.usualPatience) }
    _ = try checkpoint(db, SQLITE_CHECKPOINT_RESTART)
  }

  /// - Returns: pages in the log.
  private func checkpoint(_ db: Database, _ mode: Int32) throws -> Int32 {
    var pages: Int32 = 0
    var moved: Int32 = 0
    let code = sqlite3_wal_checkpoint_v2(db.sqliteConnection, nil, mode, &pages, &moved)
    switch code & 0xFF {
    // Someone reads for longer than that: the next time.
    case SQLITE_OK, SQLITE_BUSY, SQLITE_LOCKED: return pages
    default: throw DatabaseError(resultCode: ResultCode(rawValue: code))
    }
  }
}
