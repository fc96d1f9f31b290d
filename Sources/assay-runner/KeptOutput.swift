// What the program prints, in the attempt's output file: the beginning as it comes, and of a longer
// one at last the end, so that the file never grows beyond what the daemon keeps of a log. A disk
// that is full ends the beginning early; the program does not notice.

import Experiments
import Glibc

struct KeptOutput {
  static let tailBytes = 256 << 10
  private static let noticeBytes = 1 << 10
  private static let headBytes = Int(Limits.logBytesPerAttempt) - tailBytes - noticeBytes

  private let path: String
  private let descriptor: Int32
  /// Bytes of the file, all of which can be sent.
  private(set) var fileBytes: Int
  /// All bytes that have come.
  private(set) var taken = 0
  /// Bytes that came after the beginning.
  private var rest = 0
  private var tail: [UInt8] = []
  private var isFull = false
  private var isFinished = false

  init(path: String) {
    self.path = path
    descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    fileBytes = descriptor < 0 ? 0 : max(0, Int(lseek(descriptor, 0, SEEK_END)))
  }

  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard !bytes.isEmpty else { return }
    taken += bytes.count
    var fresh = bytes[...]
    if !isFull {
      let head = fresh.prefix(max(0, Self.headBytes - fileBytes))
      let written = write(UnsafeRawBufferPointer(rebasing: head))
      fresh = fresh.dropFirst(written)
      if fresh.isEmpty { return }
      isFull = true
    }
    rest += fresh.count
    tail.append(contentsOf: fresh.suffix(Self.tailBytes))
    // Seldom, so that most bytes are moved once.
    if tail.count > 4 * Self.tailBytes { tail.removeFirst(tail.count - Self.tailBytes) }
  }

  mutating func append(_ text: String) {
    Array(text.utf8).withUnsafeBytes { append($0) }
  }

  /// Nothing more comes: writes the end of what was too long.
  mutating func finish() {
    guard !isFinished else { return }
    isFinished = true
    guard isFull else { return }
    let last = tail.suffix(Self.tailBytes)
    let left = rest - last.count
    if left > 0 {
      let notice = Array("\n[\(left) bytes of the output are left out here]\n".utf8)
      _ = notice.withUnsafeBytes { write($0) }
    }
    _ = Array(last).withUnsafeBytes { write($0) }
  }

  /// A piece of the file.
  func piece(at offset: Int, atMost count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: max(0, min(count, fileBytes - offset)))
    let read = pread(descriptor, &bytes, bytes.count, off_t(offset))
    return read <= 0 ? [] : Array(bytes[..<read])
  }

  /// How many of the bytes are in the file now.
  private mutating func write(_ bytes: UnsafeRawBufferPointer) -> Int {
    var position = 0
    while position < bytes.count {
      let count = Glibc.write(
        descriptor, bytes.baseAddress.map { $0 + position }, bytes.count - position)
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { break }
      position += count
      fileBytes += count
    }
    return position
  }
}
