// Copies a database page by page while it is written to. One read transaction on a connection of its
// own holds the state that is copied, so the copy is what was committed when it began and nothing
// later, and it never begins anew. Meanwhile the write-ahead log cannot be reset and grows by what is
// written; only once it is over its bound do writers wait for the copy, a tenth of a second every few
// megabytes.

package import Experiments
import Foundation
import GRDB

package enum Backup {
  /// 4 MiB: between two steps it may be cancelled and tells how far it is.
  private static let pagesPerStep: CInt = 1024

  /// - Parameters:
  ///   - databasePath: the database that is copied.
  ///   - path: absolute; there must be no such file unless it is to be replaced.
  ///   - isReadOnly: whether another connection of this process has the database open and brings its
  ///     log in order.
  /// - Throws: `StoreError`: `invalid_value`, `file_exists`, `cannot_open`, `disk_full`, `io_error`,
  ///   `database_damaged`; `CancellationError`.
  package static func make(
    of databasePath: String, to path: String, replacing: Bool = false, isReadOnly: Bool = false,
    isCancelled: @escaping @Sendable () -> Bool = { false },
    progress: @escaping @Sendable (CareProgress) -> Void = { _ in }
  ) throws -> BackupReport {
    let start = ContinuousClock.now
    do {
      guard FileNames.exists(databasePath) else {
        throw StoreError.cannotOpen(path: databasePath, reason: "there is no such file")
      }
      let target = try BackupTarget(
        path: path, replacing: replacing, databasePath: databasePath)
      do {
        try copy(
          databasePath, isReadOnly: isReadOnly, to: target.partialPath, isCancelled: isCancelled,
          progress: progress)
        let bytes = try target.finish()
        return BackupReport(path: path, bytes: bytes, seconds: (.now - start).seconds)
      } catch {
        target.abandon()
        throw error
      }
    } catch {
      throw StoreError.wrapping(error)
    }
  }

  private static func copy(
    _ source: String, isReadOnly: Bool, to target: String,
    isCancelled: @escaping @Sendable () -> Bool,
    progress: @escaping @Sendable (CareProgress) -> Void
  ) throws {
    let from = try DatabaseQueue(path: source, configuration: sourceConfiguration(isReadOnly))
    defer { try? from.close() }  // it has only been read
    let into = try DatabaseQueue(path: target, configuration: targetConfiguration())
    do {
      try from.inDatabase { db in
        try db.inTransaction(.deferred) {
          // From this read on the snapshot is held.
          _ = try db.int64("SELECT COUNT(*) FROM sqlite_schema")
          try into.inDatabase { target in
            try db.backup(to: target, pagesPerStep: pagesPerStep) { step in
              if isCancelled() { throw CancellationError() }
              progress(
                CareProgress(
                  step: "pages", done: Int64(step.completedPageCount),
                  total: Int64(step.totalPageCount)))
            }
          }
          return .commit
        }
      }
    } catch {
      try? into.close()  // what was written is thrown away
      throw error
    }
    try into.close()
  }

  private static func sourceConfiguration(_ isReadOnly: Bool) -> Configuration {
    var configuration = Configuration()
    configuration.label = "backup"
    configuration.readonly = isReadOnly
    configuration.busyMode = .timeout(5)
    configuration.prepareDatabase { db in
      try db.execute(sql: "PRAGMA mmap_size = 0")
      try db.execute(sql: "PRAGMA wal_autocheckpoint = 0")
    }
    return configuration
  }

  /// Nothing need survive but the whole, which is made durable at the end.
  private static func targetConfiguration() -> Configuration {
    var configuration = Configuration()
    configuration.label = "backup target"
    configuration.prepareDatabase { db in
      try db.execute(sql: "PRAGMA journal_mode = OFF")
      try db.execute(sql: "PRAGMA synchronous = OFF")
    }
    return configuration
  }
}

extension Duration {
  var seconds: Double {
    let (whole, attoseconds) = components
    return Double(whole) + Double(attoseconds) / 1e18
  }
}

extension Store {
  /// Writes a copy of the database, with everything that was acknowledged before this was called, to
  /// a file that appears whole or not at all. Cancelling the task ends it within a step.
  /// - Parameter path: absolute; there must be no such file unless it is to be replaced.
  /// - Throws: as `Backup.make`.
  package func backup(
    to path: String, replacing: Bool = false,
    progress: @escaping @Sendable (CareProgress) -> Void = { _ in }
  ) async throws -> BackupReport {
    // A store that is closed says so.
    try await read { _ in }
    let source = databasePath
    return try await cancellable { isCancelled in
      try Backup.make(
        of: source, to: path, replacing: replacing, isReadOnly: true, isCancelled: isCancelled,
        progress: progress)
    }
  }
}
