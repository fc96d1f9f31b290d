// Reads JSON text (RFC 8259) into a `JSONValue`, without Foundation: a program that lives for a few
// milliseconds has no time to load that.

extension JSONValue {
  /// Nil if the bytes are not one JSON value in UTF-8, or nest deeper than 512.
  /// - Parameter allowingNaN: also the words NaN, Infinity and -Infinity, which are not JSON, but
  ///   which Python's `json` writes.
  package init?(parsing bytes: some Sequence<UInt8>, allowingNaN: Bool = false) {
    var parser = JSONParser(bytes: Array(bytes), allowsNaN: allowingNaN)
    guard let value = parser.whole() else { return nil }
    self = value
  }
}

private struct JSONParser {
  let bytes: [UInt8]
  let allowsNaN: Bool
  private var position = 0
  private static let depth = 512

  init(bytes: [UInt8], allowsNaN: Bool) {
    self.bytes = bytes
    self.allowsNaN = allowsNaN
  }

  mutating func whole() -> JSONValue? {
    guard let value = value(0) else { return nil }
    skipSpace()
    return position == bytes.count ? value : nil
  }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) {
      position += 1
    }
  }

  private mutating func takes(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func word(_ text: String, _ value: JSONValue) -> JSONValue? {
    guard bytes[position...].starts(with: text.utf8) else { return nil }
    position += text.utf8.count
    return value
  }

  private mutating func value(_ level: Int) -> JSONValue? {
    skipSpace()
    guard position < bytes.count, level < Self.depth else { return nil }
    switch bytes[position] {
    case UInt8(ascii: "{"): return object(level)
    case UInt8(ascii: "["): return array(level)
    case UInt8(ascii: "\""): return string().map { .string($0) }
    case UInt8(ascii: "t"): return word("true", .bool(true))
    case UInt8(ascii: "f"): return word("false", .bool(false))
    case UInt8(ascii: "n"): return word("null", .null)
    case UInt8(ascii: "N") where allowsNaN: return word(MetricValue.nan, .number(.nan))
    case UInt8(ascii: "I") where allowsNaN:
      return word(MetricValue.positiveInfinity, .number(.infinity))
    case UInt8(ascii: "-") where allowsNaN && bytes[position...].dropFirst().first == 0x49:
      return word(MetricValue.negativeInfinity, .number(-.infinity))
    default: return number()
    }
  }

  private mutating func object(_ level: Int) -> JSONValue? {
    position += 1
    var members: [String: JSONValue] = [:]
    if takes("}") { return .object(members) }
    repeat {
      skipSpace()
      guard position < bytes.count, bytes[position] == UInt8(ascii: "\""), let key = string(),
        takes(":"), let member = value(level + 1)
      else { return nil }
      members[key] = member
    } while takes(",")
    return takes("}") ? .object(members) : nil
  }

  private mutating func array(_ level: Int) -> JSONValue? {
    position += 1
    var elements: [JSONValue] = []
    if takes("]") { return .array(elements) }
    repeat {
      guard let element = value(level + 1) else { return nil }
      elements.append(element)
    } while takes(",")
    return takes("]") ? .array(elements) : nil
  }

  private mutating func number() -> JSONValue? {
    let start = position
    var isWhole = true
    func byte(_ index: Int) -> UInt8 { index < bytes.count ? bytes[index] : 0 }
    func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    if byte(position) == UInt8(ascii: "-") { position += 1 }
    let first = position
    while isDigit(byte(position)) { position += 1 }
    guard position > first, byte(first) != 0x30 || position == first + 1 else { return nil }
    if byte(position) == UInt8(ascii: ".") {
      isWhole = false
      position += 1
      guard isDigit(byte(position)) else { return nil }
      while isDigit(byte(position)) { position += 1 }
    }
    if byte(position) | 0x20 == UInt8(ascii: "e") {
      isWhole = false
      position += 1
      if [UInt8(ascii: "+"), UInt8(ascii: "-")].contains(byte(position)) { position += 1 }
      guard isDigit(byte(position)) else { return nil }
      while isDigit(byte(position)) { position += 1 }
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isWhole, let value = Int64(text) { return .int(value) }
    return Double(text).flatMap { $0.isFinite ? .number($0) : nil }
  }

  private mutating func string() -> String? {
    position += 1
    var text: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return String(validating: text, as: UTF8.self)
      case UInt8(ascii: "\\"):
        guard let scalar = escape() else { return nil }
        text.append(contentsOf: String(scalar).utf8)
      case ..<0x20: return nil
      default: text.append(byte)
      }
    }
    return nil
  }

  private mutating func escape() -> Unicode.Scalar? {
    guard position < bytes.count else { return nil }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      guard let unit = hex() else { return nil }
      guard (0xD800..<0xDC00).contains(unit) else { return Unicode.Scalar(unit) }
      guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
        bytes[position + 1] == UInt8(ascii: "u")
      else { return nil }
      position += 2
      guard let low = hex(), (0xDC00..<0xE000).contains(low) else { return nil }
      return Unicode.Scalar(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
    default: return nil
    }
  }

  private mutating func hex() -> UInt32? {
    guard position + 4 <= bytes.count else { return nil }
    let digits = bytes[position..<(position + 4)]
    position += 4
    guard digits.allSatisfy({ Unicode.Scalar($0).properties.isASCIIHexDigit }) else { return nil }
    return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
  }
}
