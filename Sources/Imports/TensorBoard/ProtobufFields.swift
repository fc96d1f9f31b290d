// The fields of a Protocol Buffers message, one after the other (the wire format's varint, fixed32,
// fixed64 and length-delimited types; groups are refused). Nothing outside the bytes is touched.

struct ProtobufFields {
  enum Value {
    case varint(UInt64)
    case fixed64(UInt64)
    case fixed32(UInt32)
    case bytes(UnsafeRawBufferPointer)
  }

  /// The bytes are no message.
  struct Malformed: Error, Equatable {}

  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// Nil at the end.
  mutating func next() throws(Malformed) -> (number: UInt64, value: Value)? {
    guard position < bytes.count else { return nil }
    let tag = try varint()
    guard tag >> 3 > 0 else { throw Malformed() }
    switch tag & 7 {
    case 0: return (tag >> 3, .varint(try varint()))
    case 1: return (tag >> 3, .fixed64(try fixed(UInt64.self)))
    case 2:
      let count = try varint()
      guard count <= UInt64(bytes.count - position) else { throw Malformed() }
      let end = position + Int(count)
      defer { position = end }
      return (tag >> 3, .bytes(UnsafeRawBufferPointer(rebasing: bytes[position..<end])))
    case 5: return (tag >> 3, .fixed32(try fixed(UInt32.self)))
    default: throw Malformed()
    }
  }

  private mutating func varint() throws(Malformed) -> UInt64 {
    var result: UInt64 = 0
    var shift: UInt64 = 0
    while position < bytes.count, shift < 64 {
      let byte = bytes[position]
      position += 1
      result |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return result }
      shift += 7
    }
    throw Malformed()
  }

  private mutating func fixed<Number: FixedWidthInteger>(
    _: Number.Type
  ) throws(Malformed) -> Number {
    let size = MemoryLayout<Number>.size
    guard bytes.count - position >= size else { throw Malformed() }
    defer { position += size }
    return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Number.self))
  }
}

extension ProtobufFields.Value {
  var message: UnsafeRawBufferPointer? { if case .bytes(let bytes) = self { bytes } else { nil } }
  /// Nil if it is not UTF-8.
  var text: String? { message.flatMap { String(validating: $0, as: UTF8.self) } }
  var double: Double? {
    if case .fixed64(let bits) = self { Double(bitPattern: bits) } else { nil }
  }
  var float: Float? { if case .fixed32(let bits) = self { Float(bitPattern: bits) } else { nil } }
  var integer: Int64? {
    if case .varint(let bits) = self { Int64(bitPattern: bits) } else { nil }
  }
}
