// Reads JSON text into a `JSONValue`. Lists of jobs hold many specs, and decoding one of them by
// way of `Codable`, which tries type after type, takes milliseconds.

import Experiments

struct JSONText {
  private let bytes: [UInt8]
  private var index = 0
  private var depth = 0
  private static let maxDepth = 200

  /// - Throws: `database_damaged`: all text it is given was written by the store itself.
  static func parse(_ text: String) throws -> JSONValue {
    var reader = JSONText(bytes: Array(text.utf8))
    let value = try reader.value()
    reader.skipSpace()
    guard reader.index == reader.bytes.count else { throw reader.damaged() }
    return value
  }

  /// The same for text from outside; nil if it is not JSON.
  static func parseForeign(_ text: String) -> JSONValue? {
    do {
      return try parse(text)
    } catch {
      return nil
    }
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

  private func damaged() -> StoreError {
    .databaseDamaged("a stored JSON text is not valid at byte \(index)")
  }

  private mutating func skipSpace() {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      index += 1
    }
  }

  private mutating func value() throws -> JSONValue {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.maxDepth else { throw damaged() }
    skipSpace()
    switch current {
    case UInt8(ascii: "{"): return try object()
    case UInt8(ascii: "["): return try array()
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func word(_ text: String, _ value: JSONValue) throws -> JSONValue {
    guard bytes[index...].starts(with: text.utf8) else { throw damaged() }
    index += text.utf8.count
    return value
  }

  private mutating func object() throws -> JSONValue {
    var members: [String: JSONValue] = [:]
    try elements(closing: UInt8(ascii: "}")) { reader in
      reader.skipSpace()
      let key = try reader.string()
      reader.skipSpace()
      guard reader.current == UInt8(ascii: ":") else { throw reader.damaged() }
      reader.index += 1
      members[key] = try reader.value()
    }
    return .object(members)
  }

  private mutating func array() throws -> JSONValue {
    var values: [JSONValue] = []
    try elements(closing: UInt8(ascii: "]")) { values.append(try $0.value()) }
    return .array(values)
  }

  private mutating func elements(
    closing: UInt8, _ element: (inout JSONText) throws -> Void
  ) throws {
    index += 1
    skipSpace()
    if current == closing {
      index += 1
      return
    }
    while true {
      try element(&self)
      skipSpace()
      let byte = current
      guard byte == closing || byte == UInt8(ascii: ",") else { throw damaged() }
      index += 1
      if byte == closing { return }
    }
  }

  private mutating func number() throws -> JSONValue {
    let start = index
    var isInteger = true
    while let byte = current {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"): break
      case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): isInteger = false
      default: return try number(bytes[start..<index], isInteger: isInteger)
      }
      index += 1
    }
    return try number(bytes[start...], isInteger: isInteger)
  }

  private func number(_ digits: ArraySlice<UInt8>, isInteger: Bool) throws -> JSONValue {
    let text = String(decoding: digits, as: UTF8.self)
    if isInteger, let value = Int64(text) { return .int(value) }
    guard let value = Double(text) else { throw damaged() }
    return .number(value)
  }

  private mutating func string() throws -> String {
    guard current == UInt8(ascii: "\"") else { throw damaged() }
    index += 1
    var characters: [UInt8] = []
    var start = index
    while let byte = current {
      switch byte {
      case UInt8(ascii: "\""):
        characters += bytes[start..<index]
        index += 1
        return String(decoding: characters, as: UTF8.self)
      case UInt8(ascii: "\\"):
        characters += bytes[start..<index]
        index += 1
        characters += try escape()
        start = index
      default: index += 1
      }
    }
    throw damaged()
  }

  private mutating func escape() throws -> [UInt8] {
    guard let byte = current else { throw damaged() }
    index += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "u"): return try unicodeEscape()
    default: throw damaged()
    }
  }

  private mutating func unicodeEscape() throws -> [UInt8] {
    let high = try codeUnit()
    var units = [high]
    if UTF16.isLeadSurrogate(high) {
      guard bytes[index...].starts(with: "\\u".utf8) else { throw damaged() }
      index += 2
      units.append(try codeUnit())
    }
    return Array(String(decoding: units, as: UTF16.self).utf8)
  }

  private mutating func codeUnit() throws -> UInt16 {
    let end = index + 4
    guard end <= bytes.count,
      let unit = UInt16(String(decoding: bytes[index..<end], as: UTF8.self), radix: 16)
    else { throw damaged() }
    index = end
    return unit
  }
}
