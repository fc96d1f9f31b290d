// The bytes of an archive that is read, from any place, and never beyond its end.

import Glibc

final class ArchiveFile {
  let path: String
  let size: Int64
  private let descriptor: Int32

  /// - Throws: `file_unreadable`.
  init(_ path: String) throws(ArchiveError) {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw .cannotOpen(path: path, reason: String(cString: strerror(errno)))
    }
    var info = stat()
    guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw .cannotOpen(path: path, reason: "it is no file that can be read from any place")
    }
    size = Int64(info.st_size)
  }

  deinit { close(descriptor) }

  /// `count` bytes, fewer at the end of the file.
  func read(at offset: Int64, _ count: Int) throws(ArchiveError) -> [UInt8] {
    var failure: Int32?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
      while done < count {
        let got = pread(
          descriptor, buffer.baseAddress.map { $0 + done }, count - done, off_t(offset) + done)
        if got < 0 && errno == EINTR { continue }
        if got < 0 { failure = errno }
        if got <= 0 { return }
        done += got
      }
    }
    if let failure {
      throw .cannotRead(path: path, reason: String(cString: strerror(failure)))
    }
    return bytes
  }
}
