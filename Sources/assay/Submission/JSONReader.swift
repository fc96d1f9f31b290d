// Reads a JSON document (RFC 8259) into a `JSONValue` and says where it is broken, which
// Foundation's reader does not. Repeated keys and deep nesting are refused.

import Experiments

struct JSONReader {
  private static let mostNesting = 512

  private let bytes: [UInt8]
  private let path: String
  private var position = 0

  /// `path` names the file in errors.
  static func read(_ text: String, path: String) throws(CommandError) -> JSONValue {
    var reader = JSONReader(bytes: Array(text.utf8), path: path)
    let value = try reader.value(depth: 0)
    reader.skipSpace()
    guard reader.next == nil else { throw reader.mistake("nothing may follow the value") }
    return value
  }

  private init(bytes: [UInt8], path: String) {
    self.bytes = bytes
    self.path = path
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func value(depth: Int) throws(CommandError) -> JSONValue {
    guard depth < Self.mostNesting else { throw mistake("nested too deeply") }
    skipSpace()
    switch next {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case let byte? where byte == UInt8(ascii: "-") || (48...57).contains(byte):
      return try number()
    default:
      for (word, value) in [
        ("true", JSONValue.bool(true)), ("false", .bool(false)), ("null", .null),
      ]
      where bytes[position...].starts(with: word.utf8) {
        position += word.utf8.count
        return value
      }
      throw mistake(next == nil ? "the file ends where a value should be" : "no value begins here")
    }
  }

  private mutating func object(depth: Int) throws(CommandError) -> JSONValue {
    position += 1
    var members: [String: JSONValue] = [:]
    if take("}") { return .object(members) }
    repeat {
      skipSpace()
      let start = position
      guard next == UInt8(ascii: "\"") else { throw mistake("a key in double quotes is missing") }
      let key = try string()
      guard members[key] == nil else {
        position = start
        throw mistake("the key \(key) stands here a second time")
      }
      guard take(":") else { throw mistake("a colon is missing after the key \(key)") }
      members[key] = try value(depth: depth + 1)
    } while take(",")
    guard take("}") else { throw mistake("a comma or } is missing") }
    return .object(members)
  }

  private mutating func array(depth: Int) throws(CommandError) -> JSONValue {
    position += 1
    var elements: [JSONValue] = []
    if take("]") { return .array(elements) }
    repeat { elements.append(try value(depth: depth + 1)) } while take(",")
    guard take("]") else { throw mistake("a comma or ] is missing") }
    return .array(elements)
  }

  private mutating func number() throws(CommandError) -> JSONValue {
    let start = position
    while let byte = next, (48...57).contains(byte) || "+-.eE".utf8.contains(byte) { position += 1 }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    let digits = text.drop { $0 == "-" }
    let hasLeadingZero = digits.hasPrefix("0") && digits.dropFirst().first?.isNumber == true
    if !hasLeadingZero, digits.last?.isNumber == true {
      if let value = Int64(text) { return .int(value) }
      if let value = Double(text), value.isFinite { return .number(value) }
    }
    position = start
    throw mistake("\(text.prefix(40)) is not a number")
  }

  private mutating func string() throws(CommandError) -> String {
    position += 1
    var text: [UInt8] = []
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"):
        text += try escape()
      case 0..<0x20:
        throw mistake("a text may not contain a line end or another control character")
      default:
        text.append(byte)
        position += 1
      }
    }
    throw mistake("the file ends within a text")
  }

  private mutating func escape() throws(CommandError) -> [UInt8] {
    position += 1
    let letter = next
    position += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return letter.map { [$0] } ?? []
    case UInt8(ascii: "b"): return [8]
    case UInt8(ascii: "f"): return [12]
    case UInt8(ascii: "n"): return [10]
    case UInt8(ascii: "r"): return [13]
    case UInt8(ascii: "t"): return [9]
    case UInt8(ascii: "u"): return Array(String(try unicode()).utf8)
    default:
      position -= 1
      throw mistake("no such escape")
    }
  }

  private mutating func unicode() throws(CommandError) -> Unicode.Scalar {
    var code = try fourDigits()
    if (0xD800..<0xDC00).contains(code), bytes[position...].starts(with: [92, 117]) {
      position += 2
      let low = try fourDigits()
      if (0xDC00..<0xE000).contains(low) { code = 0x10000 + (code - 0xD800) << 10 + low - 0xDC00 }
    }
    guard let scalar = Unicode.Scalar(code) else { throw mistake("half of a surrogate pair") }
    return scalar
  }

  private mutating func fourDigits() throws(CommandError) -> UInt32 {
    let digits = bytes[position...].prefix(4)
    guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw mistake("\\u needs four hexadecimal digits") }
    position += 4
    return code
  }

  private mutating func skipSpace() {
    while let byte = next, byte == 32 || (9...10).contains(byte) || byte == 13 { position += 1 }
  }

  private mutating func take(_ mark: Unicode.Scalar) -> Bool {
    skipSpace()
    guard next == UInt8(ascii: mark) else { return false }
    position += 1
    return true
  }

  private func mistake(_ problem: String) -> CommandError {
    let before = bytes[..<position]
    let lineStart = before.lastIndex(of: 10).map { $0 + 1 } ?? 0
    // continuation bytes of UTF-8 are no columns
    let column = bytes[lineStart..<position].count { $0 & 0xC0 != 0x80 } + 1
    return .syntax(
      path: path, line: before.count { $0 == 10 } + 1, column: column, problem: problem)
  }
}
