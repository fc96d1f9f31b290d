// A JSON value of unknown shape: what a job spec is before it is validated. Integers and other
// numbers are told apart, since a count of units must not become 64.0.

package enum JSONValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case int(Int64)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])
}

extension JSONValue: Codable {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(String.self) {
      // Before the numbers: a decoder that reads "NaN" as one must not turn a text into it.
      self = .string(value)
    } else if let value = try? container.decode(Int64.self) {
      self = .int(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .int(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .array(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    }
  }
}

extension JSONValue {
  /// The canonical text: keys sorted, no spaces, numbers in Swift's shortest round-trip form.
  /// Equal values have equal texts, so its hash names the value.
  package var canonicalText: String {
    switch self {
    case .null: return "null"
    case .bool(let value): return value ? "true" : "false"
    case .int(let value): return String(value)
    case .number(let value): return value.isFinite ? "\(value)" : "\"\(MetricValue.text(value))\""
    case .string(let value): return Self.quoted(value)
    case .array(let values): return "[" + values.map(\.canonicalText).joined(separator: ",") + "]"
    case .object(let members):
      let texts = members.sorted { $0.key < $1.key }
        .map { Self.quoted($0.key) + ":" + $0.value.canonicalText }
      return "{" + texts.joined(separator: ",") + "}"
    }
  }

  /// Byte by byte: whatever is beyond ASCII stands as it is.
  private static func quoted(_ text: String) -> String {
    let quote = UInt8(ascii: "\"")
    let backslash = UInt8(ascii: "\\")
    var result: [UInt8] = [quote]
    result.reserveCapacity(text.utf8.count + text.utf8.count / 8 + 2)
    for byte in text.utf8 {
      switch byte {
      case quote, backslash:
        result.append(backslash)
        result.append(byte)
      case UInt8(ascii: "\n"): result += [backslash, UInt8(ascii: "n")]
      case UInt8(ascii: "\r"): result += [backslash, UInt8(ascii: "r")]
      case UInt8(ascii: "\t"): result += [backslash, UInt8(ascii: "t")]
      case ..<0x20:
        let hex = String(byte, radix: 16)
        result += ("\\u" + String(repeating: "0", count: 4 - hex.count) + hex).utf8
      default: result.append(byte)
      }
    }
    result.append(quote)
    return String(decoding: result, as: UTF8.self)
  }

  /// The scalar as people write it (`adam`, `0.001`, `64`, `true`), for params and messages.
  package var plainText: String {
    if case .string(let value) = self { return value }
    return canonicalText
  }

  package var objectValue: [String: JSONValue]? {
    if case .object(let value) = self { value } else { nil }
  }
  package var arrayValue: [JSONValue]? {
    if case .array(let value) = self { value } else { nil }
  }
  package var stringValue: String? {
    if case .string(let value) = self { value } else { nil }
  }
  package var boolValue: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }
  /// A whole number; `2.0` counts as one, `2.5` does not.
  package var intValue: Int? {
    switch self {
    case .int(let value): Int(exactly: value)
    case .number(let value): Int(exactly: value)
    default: nil
    }
  }
  package var doubleValue: Double? {
    switch self {
    case .int(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
  package subscript(key: String) -> JSONValue? { objectValue?[key] }
}
