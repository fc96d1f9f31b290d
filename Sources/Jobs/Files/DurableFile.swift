// Files that are there whole or not at all. `replace` and `create` return when the content and its
// name are on disk: a crash or power cut at any moment leaves the old state or the new one, and no
// reader ever sees a part. Both block the thread for as long as the disk takes.

import Foundation
import Glibc

package struct DurableFile: Sendable {
  private let calls: FileCalls

  package init(calls: FileCalls = .system) { self.calls = calls }

  /// Puts `bytes` at `path` in place of what was there: temporary file, fsync, rename, fsync of the
  /// folder. With `durable` false the fsyncs are left out: atomic for readers, not for power cuts.
  package func replace(
    _ path: String, with bytes: some Sequence<UInt8>, mode: UInt32 = 0o600, durable: Bool = true
  ) throws(JobsError) {
    let temporary = try writeTemporary(beside: path, Array(bytes), mode: mode, durable: durable)
    let renamed = calls.rename(temporary, path)
    if renamed < 0 {
      _ = calls.unlink(temporary)
      throw .file(operation: "rename to", path: path, errno: -renamed)
    }
    if durable { try syncFolder(of: path) }
  }

  /// Creates the file with that content unless it exists. Of several callers, in any processes, one
  /// gets true. It appears with its whole content: the check and the write are one `link`, which
  /// O_EXCL and a write after it would not be.
  package func create(
    _ path: String, with bytes: some Sequence<UInt8>, mode: UInt32 = 0o600
  ) throws(JobsError) -> Bool {
    let temporary = try writeTemporary(beside: path, Array(bytes), mode: mode, durable: true)
    let linked = calls.link(temporary, path)
    _ = calls.unlink(temporary)
    if linked == -EEXIST {
      // Whoever made it may have crashed before its fsync of the folder, and "it exists" must be as
      // durable an answer as "created".
      try syncFolder(of: path)
      return false
    }
    if linked < 0 { throw .file(operation: "create", path: path, errno: -linked) }
    try syncFolder(of: path)
    return true
  }

  /// The file's bytes, nil if there is none.
  package func read(_ path: String) throws(JobsError) -> [UInt8]? {
    let descriptor = calls.open(path, O_RDONLY, 0)
    if descriptor == -ENOENT { return nil }
    if descriptor < 0 { throw .file(operation: "open", path: path, errno: -descriptor) }
    defer { close(descriptor) }
    do {
      return try RawFile.readAll(descriptor)
    } catch {
      throw .file(operation: "read", path: path, errno: error.errno)
    }
  }

  /// Makes a name created, renamed or removed in the folder of `path` durable.
  package func syncFolder(of path: String) throws(JobsError) {
    try sync(folder: (path as NSString).deletingLastPathComponent)
  }

  /// Makes the names in `folder` durable.
  package func sync(folder: String) throws(JobsError) {
    let name = folder.isEmpty ? "." : folder
    let descriptor = calls.open(name, O_RDONLY | O_DIRECTORY, 0)
    if descriptor < 0 { throw .file(operation: "open", path: name, errno: -descriptor) }
    defer { close(descriptor) }
    let synced = calls.fsync(descriptor)
    // Some network file systems have no fsync of a folder; their renames are synchronous.
    if synced < 0, synced != -EINVAL {
      throw .file(operation: "fsync", path: name, errno: -synced)
    }
  }

  private func writeTemporary(
    beside path: String, _ bytes: [UInt8], mode: UInt32, durable: Bool
  ) throws(JobsError) -> String {
    let folder = (path as NSString).deletingLastPathComponent
    let name = (path as NSString).lastPathComponent
    let random = String(UInt64.random(in: .min ... .max), radix: 36)
    let temporary = (folder as NSString).appendingPathComponent(".\(name).\(random).tmp")
    let descriptor = calls.open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode)
    if descriptor < 0 { throw .file(operation: "create", path: temporary, errno: -descriptor) }
    var failed: (operation: String, errno: Int32)?
    bytes.withUnsafeBytes { buffer in
      var rest = buffer[...]
      while !rest.isEmpty {
        let written = calls.write(descriptor, UnsafeRawBufferPointer(rebasing: rest))
        if written <= 0 {
          failed = ("write", written < 0 ? Int32(-written) : EIO)
          return
        }
        rest = rest.dropFirst(written)
      }
    }
    if failed == nil, durable {
      let synced = calls.fsync(descriptor)
      if synced < 0 { failed = ("fsync", -synced) }
    }
    close(descriptor)
    if let failed {
      _ = calls.unlink(temporary)
      throw .file(operation: failed.operation, path: path, errno: failed.errno)
    }
    return temporary
  }
}

/// Reading to the end, for files whose size is not known before (as in /proc).
enum RawFile {
  struct Failure: Error { let errno: Int32 }

  static func readAll(_ descriptor: Int32) throws(Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = Glibc.read(descriptor, &piece, piece.count)
      if count > 0 {
        bytes.append(contentsOf: piece[..<count])
      } else if count == 0 {
        return bytes
      } else if errno != EINTR {
        throw Failure(errno: errno)
      }
    }
  }

  /// The content of a file under /proc or /sys; nil if it is gone, or not ours to read.
  static func kernelFile(_ path: String) -> [UInt8]? {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    do { return try readAll(descriptor) } catch { return nil }
  }

  static func kernelText(_ path: String) -> String? {
    kernelFile(path).map { String(decoding: $0, as: UTF8.self) }
  }
}
