// Parses one line of JSON. Besides JSON's own values it reads `NaN`, `Infinity` and `-Infinity`,
// which Python writes for these numbers.

import Experiments

struct JSONLine {
  struct Mistake: Error, Equatable {
    /// In bytes, from 1.
    var column: Int
    var problem: String
  }

  private static let deepest = 64
  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0
  private var depth = 0

  private init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  /// The members of the object that the line is, in their order.
  static func object(
    _ bytes: UnsafeBufferPointer<UInt8>
  ) throws(Mistake) -> [(key: String, value: JSONValue)] {
    var parser = JSONLine(bytes)
    parser.skipSpaces()
    guard parser.peek == UInt8(ascii: "{") else { throw parser.mistake("it is no JSON object") }
    let members = try parser.members()
    parser.skipSpaces()
    guard parser.peek == nil else { throw parser.mistake("something follows the object") }
    return members
  }

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  private func mistake(_ problem: String) -> Mistake {
    Mistake(column: position + 1, problem: problem)
  }

  private mutating func skipSpaces() {
    while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
      position += 1
    }
  }

  private mutating func take(_ byte: Character) throws(Mistake) {
    guard let expected = byte.asciiValue, peek == expected else {
      throw mistake(peek == nil ? "the line ends too early" : "\(byte) is missing")
    }
    position += 1
  }

  private mutating func members() throws(Mistake) -> [(key: String, value: JSONValue)] {
    try take("{")
    var members: [(key: String, value: JSONValue)] = []
    skipSpaces()
    if peek == UInt8(ascii: "}") {
      position += 1
      return members
    }
    while true {
      skipSpaces()
      let place = mistake("")
      let key = try string()
      if members.contains(where: { $0.key == key }) {
        throw Mistake(column: place.column, problem: "\"\(Fitting.shown(key))\" is there twice")
      }
      skipSpaces()
      try take(":")
      members.append((key, try value()))
      skipSpaces()
      if peek == UInt8(ascii: ",") {
        position += 1
      } else {
        try take("}")
        return members
      }
    }
  }

  private mutating func value() throws(Mistake) -> JSONValue {
    skipSpaces()
    guard let byte = peek else { throw mistake("the line ends too early") }
    switch byte {
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      guard depth < Self.deepest else { throw mistake("it is nested too deeply") }
      depth += 1
      defer { depth -= 1 }
      if byte == UInt8(ascii: "[") { return .array(try elements()) }
      return .object(Dictionary(try members().map { ($0.key, $0.value) }) { $1 })
    default: return try word()
    }
  }

  private mutating func elements() throws(Mistake) -> [JSONValue] {
    try take("[")
    var elements: [JSONValue] = []
    skipSpaces()
    if peek == UInt8(ascii: "]") {
      position += 1
      return elements
    }
    while true {
      elements.append(try value())
      skipSpaces()
      if peek == UInt8(ascii: ",") {
        position += 1
      } else {
        try take("]")
        return elements
      }
    }
  }

  private mutating func word() throws(Mistake) -> JSONValue {
    let start = position
    while let byte = peek, Self.isWord(byte) { position += 1 }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    switch text {
    case "null": return .null
    case "true": return .bool(true)
    case "false": return .bool(false)
    case "NaN": return .number(.nan)
    case "Infinity": return .number(.infinity)
    case "-Infinity": return .number(-.infinity)
    default:
      if let whole = Int64(text) { return .int(whole) }
      if let first = text.utf8.first, first != UInt8(ascii: "+"),
        text.utf8.contains(where: { $0 >= 0x30 && $0 <= 0x39 }),
        let number = CellValues.number(text)
      {
        return .number(number)
      }
      position = start
      throw mistake(text.isEmpty ? "a value is missing" : "\"\(Fitting.shown(text))\" is no value")
    }
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "+"),
      UInt8(ascii: "-"):
      true
    default: false
    }
  }

  private mutating func string() throws(Mistake) -> String {
    try take("\"")
    let start = position
    while let byte = peek, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
      position += 1
    }
    var text = Array(bytes[start..<position])
    while let byte = peek, byte != UInt8(ascii: "\"") {
      guard byte >= 0x20 else { throw mistake("a control character stands in a text") }
      position += 1
      if byte == UInt8(ascii: "\\") {
        text += Array(String(try escape()).utf8)
      } else {
        text.append(byte)
      }
    }
    try take("\"")
    guard let text = String(validating: text, as: UTF8.self) else {
      throw mistake("a text is not UTF-8")
    }
    return text
  }

  /// Behind the backslash.
  private mutating func escape() throws(Mistake) -> Unicode.Scalar {
    guard let byte = peek else { throw mistake("the line ends too early") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let first = try unit()
      if let scalar = Unicode.Scalar(first) { return scalar }
      guard first < 0xDC00, peek == UInt8(ascii: "\\") else { throw mistake("half a character") }
      position += 1
      try take("u")
      let second = try unit()
      guard (0xDC00...0xDFFF).contains(second),
        let scalar = Unicode.Scalar(
          0x1_0000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00))
      else { throw mistake("half a character") }
      return scalar
    default: throw mistake("an escape that JSON does not have")
    }
  }

  private static func isHex(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
    default: false
    }
  }

  private mutating func unit() throws(Mistake) -> UInt16 {
    // The conversion alone would take a sign.
    guard bytes.count - position >= 4,
      bytes[position..<(position + 4)].allSatisfy({ Self.isHex($0) }),
      let unit = UInt16(
        String(decoding: bytes[position..<(position + 4)], as: UTF8.self), radix: 16)
    else { throw mistake("four hexadecimal digits are missing") }
    position += 4
    return unit
  }
}
