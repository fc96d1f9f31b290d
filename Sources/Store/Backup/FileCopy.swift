// Copies a file as it is, for its owner alone, and makes the copy durable.

import Experiments
import Glibc

enum FileCopy {
  private static let pieceBytes = 4 << 20

  /// - Returns: how many bytes there were.
  static func copy(
    _ source: String, to target: String,
    progress: (CareProgress) -> Void = { _ in }
  ) throws -> Int64 {
    let from = open(source, O_RDONLY | O_CLOEXEC)
    guard from >= 0 else { throw FileNames.failure("read", source, errno) }
    defer { close(from) }
    var status = stat()
    guard fstat(from, &status) == 0 else { throw FileNames.failure("read", source, errno) }
    let into = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard into >= 0 else { throw FileNames.failure("make", target, errno) }
    defer { close(into) }
    var piece = [UInt8](repeating: 0, count: pieceBytes)
    var done: Int64 = 0
    while true {
      let count = read(from, &piece, piece.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw FileNames.failure("read", source, errno) }
      if count == 0 { break }
      try write(piece[..<count], to: into, target)
      done += Int64(count)
      progress(CareProgress(step: "bytes", done: done, total: Int64(status.st_size)))
    }
    guard fsync(into) == 0 else { throw FileNames.failure("sync", target, errno) }
    return done
  }

  static func sync(_ path: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileNames.failure("open", path, errno) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw FileNames.failure("sync", path, errno) }
  }

  /// The first bytes, fewer if there are not so many.
  static func beginning(of path: String, count: Int) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileNames.failure("read", path, errno) }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: count)
    let found = pread(descriptor, &bytes, count, 0)
    guard found >= 0 else { throw FileNames.failure("read", path, errno) }
    return Array(bytes[..<found])
  }

  private static func write(
    _ bytes: ArraySlice<UInt8>, to descriptor: Int32, _ path: String
  ) throws {
    try bytes.withUnsafeBytes { buffer in
      var rest = buffer
      while !rest.isEmpty {
        let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw FileNames.failure("write", path, errno) }
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      }
    }
  }
}
