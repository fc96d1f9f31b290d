// Tells a full disk from a broken one. SQLite says "full" for ENOSPC alone: a user's quota (EDQUOT)
// and an index of the write-ahead log that cannot grow are input/output errors to it, and at a COMMIT
// it does not keep the system's error number. So it is found out by trying to write.

import Foundation
import GRDB
import Glibc

enum FullDisk {
  static let probeName = ".space-probe"
  private static let probeBytes = 64 << 10

  /// `error`, or `disk_full` if that is what it means.
  /// - Parameter path: of the database.
  static func named(_ error: any Error, path: String) -> any Error {
    guard let database = error as? DatabaseError else { return error }
    switch database.extendedResultCode {
    case .SQLITE_IOERR_WRITE, .SQLITE_IOERR_SHMSIZE, .SQLITE_IOERR_TRUNCATE:
      let folder = (path as NSString).deletingLastPathComponent
      return isFull(folder: folder) ? StoreError.diskFull : error
    default: return error
    }
  }

  /// Whether a file in the folder cannot grow for want of space.
  static func isFull(folder: String) -> Bool {
    let path = "\(folder)/\(probeName)"
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { return isForSpace(errno) }
    defer {
      close(file)
      unlink(path)
    }
    let bytes = [UInt8](repeating: 0, count: probeBytes)
    var written = 0
    while written < probeBytes {
      let count = write(file, bytes, probeBytes - written)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return isForSpace(errno) }
      written += count
    }
    return false
  }

  private static func isForSpace(_ number: Int32) -> Bool { number == ENOSPC || number == EDQUOT }
}
