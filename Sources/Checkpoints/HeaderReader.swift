// Reads the little JSON that a safetensors header consists of: objects, strings, arrays of whole
// numbers. Strict (RFC 8259), without recursion, and with the place of every mistake.

struct HeaderReader {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  func mistake(_ reason: String) -> CheckpointError {
    .headerInvalid(reason: reason, offset: position)
  }

  /// Calls `member` with each key; it must read the value.
  mutating func object(
    _ member: (String, inout HeaderReader) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    try expect("{")
    if take("}") { return }
    repeat {
      let key = try string()
      try expect(":")
      try member(key, &self)
    } while take(",")
    try expect("}")
  }

  /// An array of whole numbers from 0 to 2⁶³ - 1.
  mutating func integers() throws(CheckpointError) -> [Int] {
    var values: [Int] = []
    try expect("[")
    if take("]") { return values }
    repeat { values.append(try integer()) } while take(",")
    try expect("]")
    return values
  }

  mutating func string() throws(CheckpointError) -> String {
    try expect("\"")
    var text: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "\""):
        guard let result = String(validating: text, as: UTF8.self) else {
          throw mistake("a text is not UTF-8")
        }
        position += 1
        return result
      case UInt8(ascii: "\\"):
        position += 1
        text += Array(String(try escape()).utf8)
      case 0..<0x20:
        throw mistake("a text contains a control character")
      default:
        text.append(byte)
        position += 1
      }
    }
    throw mistake("a text has no end")
  }

  /// Only spaces may follow.
  mutating func end() throws(CheckpointError) {
    skipSpace()
    guard position == bytes.count else { throw mistake("something follows the header's }") }
  }

  private mutating func integer() throws(CheckpointError) -> Int {
    skipSpace()
    let first = position
    var value = 0
    while position < bytes.count, let digit = digit(bytes[position], radix: 10) {
      let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, more) = tens.addingReportingOverflow(digit)
      guard !overflow, !more else { throw mistake("a number is too large") }
      value = sum
      position += 1
    }
    guard position > first, position == first + 1 || bytes[first] != UInt8(ascii: "0") else {
      throw mistake("a whole number, 0 or greater, is needed")
    }
    return value
  }

  private mutating func escape() throws(CheckpointError) -> Unicode.Scalar {
    guard position < bytes.count else { throw mistake("a text has no end") }
    let kind = bytes[position]
    position += 1
    switch kind {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      var value = try fourHexDigits()
      if (0xD800..<0xDC00).contains(value), position + 1 < bytes.count,
        bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
      {
        position += 2
        let low = try fourHexDigits()
        guard (0xDC00..<0xE000).contains(low) else { throw mistake("half a surrogate pair") }
        value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(value) else { throw mistake("half a surrogate pair") }
      return scalar
    default: throw mistake("unknown escape in a text")
    }
  }

  private mutating func fourHexDigits() throws(CheckpointError) -> UInt32 {
    guard bytes.count - position >= 4 else { throw mistake("a text has no end") }
    var value = 0
    for _ in 0..<4 {
      guard let digit = digit(bytes[position], radix: 16) else {
        throw mistake("\\u needs four hexadecimal digits")
      }
      value = value * 16 + digit
      position += 1
    }
    return UInt32(value)
  }

  private func digit(_ byte: UInt8, radix: Int) -> Int? {
    Character(Unicode.Scalar(byte)).hexDigitValue.flatMap { $0 < radix ? $0 : nil }
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(CheckpointError) {
    guard take(character) else {
      throw mistake(position < bytes.count ? "\(character) is missing" : "it ends too early")
    }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) {
      position += 1
    }
  }
}
