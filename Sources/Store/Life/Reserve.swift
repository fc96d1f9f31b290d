// A file that holds some of the disk, so that deleting still works when all the rest is taken: a
// deletion has to be written, too. Once it is spent, only deletions are let in until there is room to
// set it aside again.

import Foundation
import Glibc
import Synchronization

final class Reserve: Sendable {
  static let name = "ballast"
  /// The least that is worth setting aside.
  private static let leastBytes: Int64 = 1 << 20
  private static let usualBytes: Int64 = 4 << 20
  private static let mostBytes: Int64 = 16 << 20

  private let path: String
  private let bytes: Int64
  private let lock = Mutex(())
  private let spent = Atomic(false)

  /// Sets the reserve aside in `folder`, or finds that there is no room for it. On a disk that is
  /// full already it is spent at once, since opening a database takes some space.
  init(folder: String) {
    path = "\(folder)/\(Self.name)"
    var disk = statvfs()
    let total = statvfs(folder, &disk) == 0 ? Int64(disk.f_blocks) * Int64(disk.f_frsize) : 0
    bytes = min(max(Self.usualBytes, total / 100), Self.mostBytes)
    if FullDisk.isFull(folder: folder) {
      _ = spend()
    } else {
      refill()
    }
  }

  /// Whether there is none, and so only deletions may be written.
  var isSpent: Bool { spent.load(ordering: .relaxed) }

  /// Of the file.
  var heldBytes: Int64 {
    var status = stat()
    return stat(path, &status) == 0 ? Int64(status.st_blocks) * 512 : 0
  }

  /// Gives its space to whoever writes next.
  /// - Returns: whether there was any.
  func spend() -> Bool {
    lock.withLock { _ in
      spent.store(true, ordering: .relaxed)
      let held = heldBytes
      unlink(path)
      return held > 0
    }
  }

  /// Sets it aside again, a smaller one if there is no room for the whole.
  func refill() {
    lock.withLock { _ in
      let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
      guard file >= 0 else { return spent.store(Self.isForSpace(errno), ordering: .relaxed) }
      defer { close(file) }
      var size = bytes
      while size >= Self.leastBytes {
        let result = posix_fallocate(file, 0, off_t(size))
        guard Self.isForSpace(result) else {
          // Where a file system cannot do it, there is no reserve, which is no reason not to write.
          return spent.store(false, ordering: .relaxed)
        }
        // What a failed attempt has taken.
        ftruncate(file, 0)
        size /= 2
      }
      spent.store(true, ordering: .relaxed)
    }
  }

  private static func isForSpace(_ number: Int32) -> Bool { number == ENOSPC || number == EDQUOT }
}
