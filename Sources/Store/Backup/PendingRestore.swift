// The last part of a restore, which must not stop half way: the old database and its log step aside,
// together with the folders of its attempts, and the restored one takes their place.
//
// From the moment at which the checked copy has its name `assay.db.restored-TIME` the restore has
// happened. Whoever opens the database next, after whatever crash, goes on with these steps, each of
// which may have been done already. A log of the old database beside the new one would be taken for
// the new one's, so it goes first.

import Experiments
import Foundation
import Glibc

enum PendingRestore {
  static let mark = StoreFile.name + ".restored-"

  /// Where the copy lies that is to be the database; `time` sorts and tells when.
  static func path(_ folder: String, time: String) -> String { "\(folder)/\(mark)\(time)" }

  /// Where the old database is kept.
  static func keptPath(_ folder: String, time: String) -> String {
    "\(folder)/\(StoreFile.name).before-restore-\(time)"
  }

  /// Does what is left to do of a restore; nothing, if there was none.
  /// - Returns: where the database is that was there before, if one was.
  @discardableResult
  static func finish(_ folder: String) throws -> String? {
    guard let time = try pendingTime(folder) else { return nil }
    let database = folder + "/" + StoreFile.name
    let kept = keptPath(folder, time: time)
    try setAside(database + "-wal", as: kept + "-wal")
    try setAside(database, as: kept)
    try FileNames.remove(database + "-shm")
    let attempts = folder + "/attempts"
    try setAside(attempts, as: "\(attempts).before-restore-\(time)")
    if mkdir(attempts, 0o700) != 0, errno != EEXIST {
      throw FileNames.failure("make", attempts, errno)
    }
    try FileNames.sync(folder)
    try FileNames.rename(path(folder, time: time), to: database)
    try FileNames.sync(folder)
    return FileNames.exists(kept) ? kept : nil
  }

  private static func pendingTime(_ folder: String) throws -> String? {
    guard FileNames.exists(folder) else { return nil }
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder)
    } catch {
      throw StoreError.cannotOpen(path: folder, reason: error.localizedDescription)
    }
    return names.filter { $0.hasPrefix(mark) }.map { String($0.dropFirst(mark.count)) }
      .filter(Restore.isStamp).max()
  }

  /// What has stepped aside already is not overwritten.
  private static func setAside(_ path: String, as kept: String) throws {
    guard FileNames.exists(path), !FileNames.exists(kept) else { return }
    try FileNames.rename(path, to: kept)
  }
}
