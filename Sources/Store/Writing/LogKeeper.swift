// Moves the write-ahead log into the database file, on the writer's connection alone, between two
// transactions. Normally without waiting for anyone, every few megabytes. Readers that never pause all
// at once would let the log grow without end, since it can only start over while nobody reads in it;
// so beyond its bound the writer waits a short moment for those who read now. Those who come meanwhile
// read the file, and the next transaction starts the log over. Only a single read that lasts very long
// makes it longer still.

import Foundation
import GRDB
import GRDBSQLite
import Glibc

package struct LogKeeper: Sendable {
  /// Milliseconds that the writer waits for readers, and that any other lock is waited for.
  private static let patience: Int32 = 100
  private static let usualPatience: Int32 = 5_000

  /// Of the disk, that moving the log must leave.
  private static let spareBytes: Int64 = 256 << 10
  /// A log that is smaller than this is left as it is.
  private static let smallLogBytes = 1 << 20

  /// Pages that are written before the log is looked at.
  private let interval: Int32
  /// Pages of the log beyond which it is started over: 64 MiB.
  private let bound: Int32
  /// Whether what is left of the disk must not be taken by what waits in the log.
  private let spares: @Sendable () -> Bool

  package init(
    interval: Int32 = 1_000, bound: Int32 = 16_384,
    sparing: @escaping @Sendable () -> Bool = { false }
  ) {
    self.interval = interval
    self.bound = bound
    spares = sparing
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
    if spares(), try !Self.fits(db) { return }
    let pages = try checkpoint(db, SQLITE_CHECKPOINT_PASSIVE)
    guard pages >= bound else { return }
    sqlite3_busy_timeout(connection, Self.patience)
    defer { sqlite3_busy_timeout(connection, Self.usualPatience) }
    _ = try checkpoint(db, SQLITE_CHECKPOINT_RESTART)
  }

  /// Whether the disk has room for what the file grows by when all of the log is moved into it. If
  /// not, moving takes what there is, and leaves nothing for a deletion to be written into.
  static func fits(_ db: Database) throws -> Bool {
    guard let path = try path(db), let pages = try db.int64("PRAGMA page_count"),
      let pageBytes = try db.int64("PRAGMA page_size")
    else { return true }
    var file = stat()
    guard stat(path, &file) == 0 else { return true }
    let growth = pages * pageBytes - Int64(file.st_size)
    return try growth <= 0 || growth + spareBytes <= freeBytes(db)
  }

  /// Bytes that the database's disk has for it; as many as one likes where that cannot be told.
  static func freeBytes(_ db: Database) throws -> Int64 {
    var disk = statvfs()
    guard let path = try path(db), statvfs(path, &disk) == 0 else { return .max }
    return Int64(disk.f_bavail) * Int64(disk.f_frsize)
  }

  private static func path(_ db: Database) throws -> String? {
    try db.string("SELECT file FROM pragma_database_list WHERE name = 'main'")
  }

  /// Moves the log into the file and gives its space back, if it has much and nobody reads in it.
  /// - Throws: as `afterCommit`.
  static func giveBack(_ db: Database) throws {
    guard try fits(db), let path = try path(db) else { return }
    var log = stat()
    guard stat(path + "-wal", &log) == 0, log.st_size >= smallLogBytes else { return }
    sqlite3_busy_timeout(db.sqliteConnection, patience)
    defer { sqlite3_busy_timeout(db.sqliteConnection, usualPatience) }
    _ = try LogKeeper().checkpoint(db, SQLITE_CHECKPOINT_TRUNCATE)
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
