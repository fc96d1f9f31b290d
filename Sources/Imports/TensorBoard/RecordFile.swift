// Reads the records of an event file (TFRecord framing): length, masked CRC of the length, the bytes,
// masked CRC of the bytes, all little-endian. Every checksum is verified. A file that ends inside a
// record is one that is still being written, or was when its writer was killed: it just ends there.

final class RecordFile {
  enum Record {
    /// Valid until the next call of `next`.
    case bytes(UnsafeRawBufferPointer)
    /// Its checksum is right, but it is too large to be one of scalars.
    case large(Int)
  }

  /// What is damaged: the file is of no use from `offset` on.
  struct Damage: Error, Equatable {
    var offset: Int
    var what: String
  }

  /// Larger records are checked and passed over; scalars have some dozen bytes.
  static let largest = 16 << 20
  private static let blockBytes = 256 << 10

  /// Bytes of the records so far.
  private(set) var offset = 0
  /// Whether the file ended inside a record.
  private(set) var endsInside = false
  private let file: SourceFile
  private var buffer = [UInt8](repeating: 0, count: blockBytes)
  private var start = 0
  private var end = 0

  init(_ path: String) throws(ImportError) { file = try SourceFile(path) }

  /// Hands the next record to `body`; false at the end.
  /// - Throws: `Damage`, `ImportError`, and what `body` throws.
  func next(_ body: (Record) throws -> Void) throws -> Bool {
    guard try fill(12) else { return ends() }
    let (length, lengthCRC) = (load(UInt64.self, at: 0), load(UInt32.self, at: 8))
    guard checksum(from: 0, count: 8) == lengthCRC else {
      throw Damage(offset: offset, what: "the checksum of a record's length is wrong")
    }
    guard length <= UInt64(Int32.max) * 4 else {
      throw Damage(offset: offset, what: "a record of \(length) bytes is announced")
    }
    let count = Int(length)
    if count > Self.largest { return try passOver(count, body) }
    guard try fill(12 + count + 4) else { return ends() }
    guard checksum(from: 12, count: count) == load(UInt32.self, at: 12 + count) else {
      throw Damage(offset: offset, what: "the checksum of a record is wrong")
    }
    try buffer.withUnsafeBytes { bytes in
      try body(.bytes(UnsafeRawBufferPointer(rebasing: bytes[(start + 12)..<(start + 12 + count)])))
    }
    take(12 + count + 4)
    return true
  }

  private func passOver(_ count: Int, _ body: (Record) throws -> Void) throws -> Bool {
    let begin = offset
    take(12)
    var crc = CRC32C()
    var rest = count
    while rest > 0 {
      let piece = min(rest, Self.blockBytes)
      guard try fill(piece) else { return ends() }
      buffer.withUnsafeBytes {
        crc.update(UnsafeRawBufferPointer(rebasing: $0[start..<(start + piece)]))
      }
      take(piece)
      rest -= piece
    }
    guard try fill(4) else { return ends() }
    guard crc.masked == load(UInt32.self, at: 0) else {
      throw Damage(offset: begin, what: "the checksum of a record is wrong")
    }
    take(4)
    try body(.large(count))
    return true
  }

  private func ends() -> Bool {
    endsInside = endsInside || end > start
    return false
  }

  private func take(_ count: Int) {
    start += count
    offset += count
  }

  /// Whether `count` bytes are there, reading on where they are not.
  private func fill(_ count: Int) throws(ImportError) -> Bool {
    guard end - start < count else { return true }
    buffer.replaceSubrange(0..<(end - start), with: buffer[start..<end])
    end -= start
    start = 0
    if buffer.count < count {
      buffer.append(contentsOf: repeatElement(0, count: count - buffer.count))
    }
    end += try file.read(into: &buffer, from: end)
    return end >= count
  }

  private func load<Number: FixedWidthInteger>(_: Number.Type, at position: Int) -> Number {
    buffer.withUnsafeBytes {
      Number(littleEndian: $0.loadUnaligned(fromByteOffset: start + position, as: Number.self))
    }
  }

  private func checksum(from position: Int, count: Int) -> UInt32 {
    buffer.withUnsafeBytes { bytes in
      let begin = start + position
      return CRC32C.masked(of: UnsafeRawBufferPointer(rebasing: bytes[begin..<(begin + count)]))
    }
  }
}
