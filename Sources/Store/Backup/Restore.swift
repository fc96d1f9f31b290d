// Makes a backup the database of a data folder that no daemon uses. The backup is copied, brought to
// the newest schema and examined before anything else is touched; then it takes its place in one
// step that a crash cannot halve.

package import Experiments
import Foundation
import GRDB
import Glibc

package enum Restore {
  package struct Options: Sendable {
    /// Takes the place of what the folder holds, which is kept beside.
    package var force = false
    /// Leaves out the doctor.
    package var skipsCheck = false

    package init() {}
  }

  package struct Outcome: Sendable {
    package let databasePath: String
    package let bytes: Int64
    /// Where the database is that was there before.
    package let kept: String?
    /// Of the doctor, unless it was left out.
    package let report: DoctorReport?
    /// The migrations that the backup did not have yet.
    package let migrated: [String]
  }

  /// The caller holds the data folder's lock, and no worker of the folder lives.
  /// - Throws: `StoreError`: `cannot_open`, `data_folder_not_empty`, `backup_damaged`, `disk_full`,
  ///   `database_newer`, `migration_edited`.
  package static func run(
    _ file: String, into folder: String, options: Options = Options(), clock: WallClock,
    progress: @escaping @Sendable (CareProgress) -> Void = { _ in }
  ) throws -> Outcome {
    do {
      try PendingRestore.finish(folder)
      try removeLeftovers(folder)
      try checkSource(file)
      if !options.force { try requireEmpty(folder) }
      let time = stamp(clock.now())
      // Two restores of one second: what the first set aside must not be taken for what is there now.
      let kept = PendingRestore.keptPath(folder, time: time)
      guard !FileNames.exists(kept) else { throw StoreError.fileExists(path: kept) }
      // A folder of its own, so that SQLite's files beside it are never mistaken for others'.
      let work = "\(folder)/\(workPrefix)\(time)"
      guard mkdir(work, 0o700) == 0 else { throw FileNames.failure("make", work, errno) }
      defer { try? FileManager.default.removeItem(atPath: work) }  // nothing depends on it
      let copy = work + "/" + StoreFile.name
      let bytes = try FileCopy.copy(file, to: copy, progress: progress)
      let migrated = try asBackup(file) {
        try StoreFile.migrate(folder: work, migrator: .embedded, now: clock.now())
      }
      var report: DoctorReport?
      if !options.skipsCheck {
        let found = try asBackup(file) {
          try Doctor.examine(folder: work, progress: progress)
        }
        guard found.isClean else {
          throw StoreError.backupDamaged(
            path: file, problems: found.open.count, first: found.open[0].line)
        }
        report = found
      }
      try FileCopy.sync(copy)
      try FileNames.rename(copy, to: PendingRestore.path(folder, time: time))
      try FileNames.sync(folder)
      let replaced = try PendingRestore.finish(folder)
      return Outcome(
        databasePath: folder + "/" + StoreFile.name, bytes: bytes, kept: replaced, report: report,
        migrated: migrated)
    } catch {
      throw StoreError.wrapping(error)
    }
  }

  static let workPrefix = "restoring-"

  /// Of a restore that was killed before it had happened.
  private static func removeLeftovers(_ folder: String) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: folder)
    where name.hasPrefix(workPrefix) && isStamp(String(name.dropFirst(workPrefix.count))) {
      try FileManager.default.removeItem(atPath: folder + "/" + name)
    }
  }

  /// What is wrong with the copy is wrong with the backup.
  private static func asBackup<Value>(_ file: String, _ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch {
      switch StoreError.wrapping(error) {
      case StoreError.databaseDamaged(let reason):
        throw StoreError.backupDamaged(path: file, problems: 1, first: reason)
      case StoreError.cannotOpen(_, let reason):
        throw StoreError.cannotOpen(path: file, reason: reason)
      case let error: throw error
      }
    }
  }

  private static func checkSource(_ file: String) throws {
    var status = stat()
    guard stat(file, &status) == 0 else {
      throw StoreError.cannotOpen(path: file, reason: String(cString: strerror(errno)))
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw StoreError.cannotOpen(path: file, reason: "it is not a file")
    }
    var log = stat()
    if stat(file + "-wal", &log) == 0, log.st_size > 0 {
      throw StoreError.cannotOpen(
        path: file,
        reason: "it is a database in use, and part of it is in \(file)-wal; "
          + "make a backup of it with: assayd backup --to FILE")
    }
    let magic = Array("SQLite format 3\0".utf8)
    guard try FileCopy.beginning(of: file, count: magic.count) == magic else {
      throw StoreError.cannotOpen(path: file, reason: "it is not a database")
    }
  }

  /// A daemon that ran here without ever storing anything leaves nothing worth keeping but this.
  private static func requireEmpty(_ folder: String) throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    for name in names where !name.hasPrefix("assayd.") {
      if name == "attempts",
        try FileManager.default.contentsOfDirectory(atPath: folder + "/attempts").isEmpty
      {
        continue
      }
      throw StoreError.folderNotEmpty(path: folder, found: name)
    }
  }

  /// Whether `text` has the form of what `stamp` gives: other names in the folder are the user's.
  static func isStamp(_ text: String) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    func isDigits(_ part: Substring, _ count: Int) -> Bool {
      part.utf8.count == count && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
    return parts.count == 2 && isDigits(parts[0], 8) && isDigits(parts[1], 6)
  }

  /// `20270115-080000`, in UTC: short, sorts, and is a part of a file's name.
  static func stamp(_ time: Timestamp) -> String {
    var seconds = time_t(time.microseconds / 1_000_000)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func digits(_ number: Int32, _ width: Int) -> String {
      let text = String(number)
      return String(repeating: "0", count: max(0, width - text.count)) + text
    }
    return digits(parts.tm_year + 1900, 4) + digits(parts.tm_mon + 1, 2)
      + digits(parts.tm_mday, 2) + "-" + digits(parts.tm_hour, 2) + digits(parts.tm_min, 2)
      + digits(parts.tm_sec, 2)
  }
}
