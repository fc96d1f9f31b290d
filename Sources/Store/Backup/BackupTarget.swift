// The file that a backup becomes. It is written under another name beside it, made durable, and only
// then takes its own name: whoever finds the file finds a whole backup. What an earlier attempt left
// half done under the other name is written over.

import CLinux
import Foundation
import Glibc

final class BackupTarget {
  let path: String
  /// Where it is written meanwhile.
  let partialPath: String
  private let folder: String
  private let replaces: Bool
  private let descriptor: Int32

  /// - Parameters:
  ///   - path: absolute.
  ///   - replacing: whether a file that is there gives way.
  ///   - databasePath: of the database that is copied, whose own files are refused.
  /// - Throws: `invalid_value`, `file_exists`, `cannot_open`, `disk_full`.
  init(path: String, replacing: Bool, databasePath: String) throws {
    guard path.hasPrefix("/"), !path.hasSuffix("/") else {
      throw StoreError.invalidValue(
        field: "path", message: "is \"\(path.prefix(200))\"; it must be absolute and name a file")
    }
    self.path = path
    replaces = replacing
    folder = (path as NSString).deletingLastPathComponent
    partialPath = path + ".partial"
    try Self.refuseOwnFiles(path, folder: folder, databasePath: databasePath)
    if let found = Self.status(path) {
      guard found.st_mode & S_IFMT == S_IFREG else {
        throw StoreError.invalidValue(
          field: "path", message: "is \"\(path)\", which is there and is no file")
      }
      guard replacing else { throw StoreError.fileExists(path: path) }
    }
    descriptor = try Self.take(partialPath)
  }

  deinit { close(descriptor) }

  /// Makes what was written durable and gives it its name.
  /// - Returns: its size in bytes.
  func finish() throws -> Int64 {
    guard fsync(descriptor) == 0 else { throw Self.failure(path, errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw Self.failure(path, errno) }
    if replaces {
      guard rename(partialPath, path) == 0 else { throw Self.failure(path, errno) }
    } else {
      try appear()
    }
    do {
      try FileNames.sync(folder)
    } catch {
      // What is said to have failed is not left behind; but what took an older one's place stays.
      if !replaces { unlink(path) }
      throw error
    }
    return Int64(status.st_size)
  }

  /// Removes what was written so far.
  func abandon() { unlink(partialPath) }

  /// Takes the name only if nobody has it, which a rename does not promise.
  private func appear() throws {
    if link(partialPath, path) == 0 {
      unlink(partialPath)
      return
    }
    switch errno {
    case EEXIST: throw StoreError.fileExists(path: path)
    case EPERM, EOPNOTSUPP, ENOSYS:
      // A file system without links.
      guard Self.status(path) == nil else { throw StoreError.fileExists(path: path) }
      guard rename(partialPath, path) == 0 else { throw Self.failure(path, errno) }
    case let number: throw Self.failure(path, number)
    }
  }

  /// The file to write to, empty, for its owner alone, and locked against another backup.
  private static func take(_ path: String) throws -> Int32 {
    while true {
      let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
      guard descriptor >= 0 else { throw failure(path, errno) }
      let locked = clinux_lock_exclusive(descriptor)
      guard locked == 0 else {
        close(descriptor)
        guard locked == -EWOULDBLOCK else { throw failure(path, -locked) }
        throw StoreError.conflict("another backup is being written to \(path)")
      }
      var own = stat()
      // The file that was locked may be another one's finished backup by now.
      guard fstat(descriptor, &own) == 0, let named = status(path), named.st_ino == own.st_ino,
        named.st_dev == own.st_dev
      else {
        close(descriptor)
        continue
      }
      guard own.st_mode & S_IFMT == S_IFREG, fchmod(descriptor, 0o600) == 0,
        ftruncate(descriptor, 0) == 0
      else {
        let number = errno
        close(descriptor)
        throw failure(path, number)
      }
      return descriptor
    }
  }

  /// A file of that name beside the database would be taken for part of it.
  private static func refuseOwnFiles(
    _ path: String, folder: String, databasePath: String
  ) throws {
    let dataFolder = (databasePath as NSString).deletingLastPathComponent
    guard let target = status(folder) else {
      throw StoreError.cannotOpen(path: folder, reason: "there is no such folder")
    }
    guard target.st_mode & S_IFMT == S_IFDIR else {
      throw StoreError.cannotOpen(path: folder, reason: "it is not a folder")
    }
    guard let own = status(dataFolder), own.st_ino == target.st_ino, own.st_dev == target.st_dev
    else { return }
    let name = (path as NSString).lastPathComponent
    let isOwn = ["", "-wal", "-shm", "-journal"].contains { name == StoreFile.name + $0 }
    let prefixes = ["assayd.", PendingRestore.mark, Restore.workPrefix]
    if isOwn || prefixes.contains(where: name.hasPrefix)
      || ["attempts", Reserve.name, FullDisk.probeName].contains(name)
    {
      throw StoreError.invalidValue(
        field: "path", message: "is \"\(path)\", which belongs to the data folder itself")
    }
  }

  private static func status(_ path: String) -> stat? {
    var result = stat()
    return stat(path, &result) == 0 ? result : nil
  }

  private static func failure(_ path: String, _ number: Int32) -> StoreError {
    FileNames.failure("write", path, number)
  }
}
