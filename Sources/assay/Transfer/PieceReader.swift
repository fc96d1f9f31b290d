// Reads a file, or standard input, piece by piece, so that it need not fit into memory.

import Glibc

final class PieceReader {
  /// Bytes of every piece but the last.
  static let pieceBytes = 1 << 20
  private let path: String
  private let descriptor: Int32

  /// `-` is standard input.
  /// - Throws: `file_unreadable`.
  init(_ path: String) throws(CommandError) {
    self.path = path
    descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw LocalFile.unreadable(path) }
    var info = stat()
    if fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFDIR {
      throw .unreadable(path: path, reason: String(cString: strerror(EISDIR)))
    }
  }

  deinit { if path != "-" { close(descriptor) } }

  /// Empty at the end.
  func next() throws(CommandError) -> [UInt8] {
    var failure: CommandError?
    let piece = [UInt8](unsafeUninitializedCapacity: Self.pieceBytes) { buffer, count in
      while count < Self.pieceBytes {
        let got = read(
          descriptor, buffer.baseAddress.map { $0 + count }, Self.pieceBytes - count)
        if got < 0 && errno == EINTR { continue }
        if got < 0 { failure = LocalFile.unreadable(path) }
        if got <= 0 { return }
        count += got
      }
    }
    if let failure { throw failure }
    return piece
  }
}
