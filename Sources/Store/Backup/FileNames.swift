// Names of files that survive a power cut, and errors of the file system as the store's.

import Glibc

enum FileNames {
  /// Makes names that were made, changed or removed in a folder durable.
  static func sync(_ folder: String) throws {
    let descriptor = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open", folder, errno) }
    defer { close(descriptor) }
    // Some network file systems have no fsync of a folder; their renames are synchronous.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure("sync", folder, errno) }
  }

  static func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  static func rename(_ old: String, to new: String) throws {
    guard Glibc.rename(old, new) == 0 else { throw failure("rename", old, errno) }
  }

  /// A file that is not there is as good as removed.
  static func remove(_ path: String) throws {
    guard unlink(path) == 0 || errno == ENOENT else { throw failure("remove", path, errno) }
  }

  static func failure(_ operation: String, _ path: String, _ number: Int32) -> StoreError {
    switch number {
    case ENOSPC, EDQUOT: .diskFull
    case EIO: .inputOutput("cannot \(operation) \(path)")
    default:
      .cannotOpen(
        path: path, reason: "cannot \(operation) it: \(String(cString: strerror(number)))")
    }
  }
}
