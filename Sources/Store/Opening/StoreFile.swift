// Opens the database file: only its owner may read it, and the connections are set so that what is
// committed is on disk. There is one writer, which alone checkpoints the write-ahead log.

package import Experiments
import Foundation
package import GRDB
import Glibc

package enum StoreFile {
  package static let name = "assay.db"
  private static let readers = 4
  /// Of pages, per reader and only as far as it is used. SQLite's own 2 MiB hold less than a list of
  /// ten thousand runs is looked for in.
  private static let readerCacheKibibytes = 4 << 10
  /// Seconds that a connection waits for another process, which should not be there.
  private static let busySeconds = 5.0
  /// Bytes of write-ahead log that stay on disk after a checkpoint.
  private static let keptLogBytes = 64 << 20
  private static let fullSynchronous = 2
  private static let incrementalVacuum = 2

  /// Makes the folder (0700) and the file (0600) where they do not exist.
  /// - Throws: `cannot_open`, `database_damaged`, `disk_full`.
  package static func open(folder: String) throws -> DatabasePool {
    let path = folder + "/" + name
    try makeFolder(folder)
    try PendingRestore.finish(folder)
    try makeFile(path)
    try sync(folder)
    let pool = try DatabasePool(path: path, configuration: configuration())
    try pool.writeWithoutTransaction { db in
      // GRDB sets NORMAL when it opens a pool, after `prepareDatabase`; a commit would then survive
      // a crash of the process but not of the machine.
      try db.execute(sql: "PRAGMA synchronous = FULL")
      try LogKeeper.takeOver(db)
      try expect(db, "synchronous", fullSynchronous, path)
      try expect(db, "auto_vacuum", incrementalVacuum, path)
    }
    return pool
  }

  /// Brings the database in `folder` to the newest schema and closes it.
  /// - Parameter telling: as `Migrator.migrate`.
  /// - Returns: the names of the migrations that it did not have yet.
  /// - Throws: `StoreError`: as `Store.init`.
  package static func migrate(
    folder: String, migrator: Migrator, now: Timestamp, telling: (String) -> Void = { _ in }
  ) throws -> [String] {
    do {
      let pool = try open(folder: folder)
      let names = try pool.writeWithoutTransaction { db in
        let before = try Migrator.applied(db)
        try migrator.migrate(db, now: now, telling: telling)
        let after = try Migrator.applied(db)
        _ = try db.checkpoint(.truncate)
        return after.filter { !before.contains($0) }
      }
      try pool.close()
      return names
    } catch {
      throw StoreError.wrapping(error)
    }
  }

  private static func configuration() -> Configuration {
    var configuration = Configuration()
    configuration.label = "store"
    configuration.maximumReaderCount = readers
    configuration.persistentReadOnlyConnections = true
    configuration.busyMode = .timeout(busySeconds)
    configuration.prepareDatabase { db in
      try db.execute(sql: "PRAGMA mmap_size = 0")
      RegexFunction.add(to: db)
      // This closure runs on the pool's readers too.
      if db.configuration.readonly {
        try db.execute(sql: "PRAGMA wal_autocheckpoint = 0")
        try db.execute(sql: "PRAGMA cache_size = -\(readerCacheKibibytes)")
        return
      }
      if try Int.fetchOne(db, sql: "PRAGMA page_count") == 0 {
        // Only an empty file takes this, and making it WAL writes its first page.
        try db.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
      }
      try db.execute(sql: "PRAGMA journal_size_limit = \(keptLogBytes)")
      // Debian's SQLite overwrites what is deleted, which would write all of it to the log again:
      // a deletion must be small, above all on a full disk.
      try db.execute(sql: "PRAGMA secure_delete = OFF")
    }
    return configuration
  }

  private static func expect(
    _ db: Database, _ pragma: String, _ value: Int, _ path: String
  ) throws {
    let found = try Int.fetchOne(db, sql: "PRAGMA \(pragma)")
    guard found == value else {
      throw StoreError.cannotOpen(
        path: path, reason: "PRAGMA \(pragma) is \(found ?? -1) where \(value) is needed")
    }
  }

  static func makeFolder(_ folder: String) throws {
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder) {
      guard isFolder.boolValue else {
        throw StoreError.cannotOpen(path: folder, reason: "it is not a folder")
      }
      return
    }
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      try sync(URL(fileURLWithPath: folder).deletingLastPathComponent().path)
    } catch let error as StoreError {
      throw error
    } catch {
      throw StoreError.cannotOpen(path: folder, reason: error.localizedDescription)
    }
  }

  /// Makes the names of new files in a folder survive a power cut.
  private static func sync(_ folder: String) throws {
    let descriptor = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw StoreError.cannotOpen(path: folder, reason: String(cString: strerror(errno)))
    }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else {
      throw StoreError.cannotOpen(path: folder, reason: String(cString: strerror(errno)))
    }
  }

  /// SQLite gives the files beside the database the same permissions.
  private static func makeFile(_ path: String) throws {
    let file = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else {
      throw StoreError.cannotOpen(path: path, reason: String(cString: strerror(errno)))
    }
    defer { close(file) }
    guard fchmod(file, 0o600) == 0 else {
      throw StoreError.cannotOpen(path: path, reason: String(cString: strerror(errno)))
    }
  }
}
