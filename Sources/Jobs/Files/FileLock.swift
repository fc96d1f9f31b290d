// A lock on a file (flock) that the kernel gives back when the last descriptor of it is closed, by
// whatever death. It belongs to the open file, not to the process: a started worker that inherits
// the descriptor goes on holding it after the daemon has closed its own.

import CLinux
import Foundation
import Glibc
import Synchronization

package final class FileLock: Sendable {
  package let path: String
  /// Closed with this object, and closed in programs that this process executes.
  package let descriptor: Int32
  private let isOpen = Atomic(true)

  private init(path: String, descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
  }

  deinit { release() }

  /// Closes the descriptor now and not with the object, whose end others may delay. The lock is
  /// free then, unless a worker holds it, too.
  package func release() {
    // Never LOCK_UN: it would free the lock of the worker that shares the open file.
    if isOpen.exchange(false, ordering: .acquiringAndReleasing) { close(descriptor) }
  }

  /// Takes the lock, creating the file (0600) if there is none; nil if it is held. `note` is left
  /// in the file for whoever finds it held.
  package static func acquire(_ path: String, note: String = "") throws(JobsError) -> FileLock? {
    // A file that is removed or replaced between open and flock would be a lock nobody else sees.
    while true {
      let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
      if descriptor < 0 { throw .file(operation: "open", path: path, errno: errno) }
      let lock = FileLock(path: path, descriptor: descriptor)
      guard try lock.take() else { return nil }
      guard lock.isFileAtPath else { continue }
      if !note.isEmpty { try lock.leave(note) }
      return lock
    }
  }

  /// As `acquire`, with the error that names the holder.
  package static func require(_ path: String, note: String = "") throws(JobsError) -> FileLock {
    if let lock = try acquire(path, note: note) { return lock }
    throw .lockHeld(path: path, holder: try self.note(path))
  }

  /// The lock that a parent passed on as `descriptor` (3 in a worker). From here on programs that
  /// this process starts do not inherit it, so that it ends with this process and not with the last
  /// of its children. Throws `lockHeld` or `damaged` if the descriptor is not that file's lock.
  package static func inherited(
    _ path: String, descriptor: Int32 = 3
  ) throws(JobsError) -> FileLock {
    let changed = clinux_close_on_exec(descriptor)
    if changed < 0 { throw .file(operation: "inherit the lock", path: path, errno: -changed) }
    let lock = FileLock(path: path, descriptor: descriptor)
    guard lock.isFileAtPath else {
      throw .damaged(path: path, reason: "descriptor \(descriptor) is another file")
    }
    // Succeeds at once where the parent took it, since the open file is the same.
    guard try lock.take() else { throw .lockHeld(path: path, holder: try note(path)) }
    return lock
  }

  /// Whether anybody holds it. Only a look: the answer may be old when it arrives. To act on "free",
  /// acquire.
  package static func isHeld(_ path: String) throws(JobsError) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 {
      if errno == ENOENT { return false }
      throw .file(operation: "open", path: path, errno: errno)
    }
    defer { close(descriptor) }
    let locked = clinux_lock_shared(descriptor)
    if locked == -EWOULDBLOCK { return true }
    if locked < 0 { throw .file(operation: "lock", path: path, errno: -locked) }
    return false
  }

  /// What the holder wrote about itself, empty if nothing.
  package static func note(_ path: String) throws(JobsError) -> String {
    let bytes = try DurableFile().read(path) ?? []
    return String(decoding: bytes.prefix(200), as: UTF8.self)
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private func take() throws(JobsError) -> Bool {
    // `isHeld` of another process holds a shared lock for some microseconds.
    for _ in 0..<5 {
      let locked = clinux_lock_exclusive(descriptor)
      if locked == 0 { return true }
      if locked != -EWOULDBLOCK { throw .file(operation: "lock", path: path, errno: -locked) }
      usleep(1_000)
    }
    return false
  }

  private var isFileAtPath: Bool {
    var ours = stat()
    var theirs = stat()
    return fstat(descriptor, &ours) == 0 && stat(path, &theirs) == 0
      && ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev
  }

  private func leave(_ note: String) throws(JobsError) {
    let bytes = Array((note + "\n").utf8)
    if ftruncate(descriptor, 0) < 0 || pwrite(descriptor, bytes, bytes.count, 0) != bytes.count {
      throw .file(operation: "write", path: path, errno: errno)
    }
  }
}
