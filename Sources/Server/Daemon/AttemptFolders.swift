// The folders of attempts on disk.

import Foundation
import Jobs

enum AttemptFolders {
  /// All there are, by the attempt's id.
  static func all(in parent: String) -> [(id: Int64, folder: AttemptFolder)] {
    // None yet is as good as an empty one.
    let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
    return names.compactMap { name in
      Int64(name).map { ($0, AttemptFolder(path: parent + "/" + name)) }
    }.sorted { $0.id < $1.id }
  }

  /// Whether the worker has left records that were not sent.
  static func holdRecords(_ folder: AttemptFolder) -> Bool {
    guard FileManager.default.fileExists(atPath: folder.spoolPath) else { return false }
    do {
      return try FileManager.default.contentsOfDirectory(atPath: folder.spoolPath)
        .contains { $0.hasSuffix(".parcel") }
    } catch {
      // A spool that cannot be read now may hold some: sending them is tried, nothing is removed.
      return true
    }
  }

  /// Where a folder goes whose records are refused. It is nobody's any more: a person decides.
  static func refusedPath(_ folder: AttemptFolder) -> String { folder.path + ".refused" }

  static func setAside(_ folder: AttemptFolder) throws {
    try FileManager.default.moveItem(atPath: folder.path, toPath: refusedPath(folder))
  }

  static func remove(_ folder: AttemptFolder) throws {
    guard FileManager.default.fileExists(atPath: folder.path) else { return }
    try FileManager.default.removeItem(atPath: folder.path)
  }
}
