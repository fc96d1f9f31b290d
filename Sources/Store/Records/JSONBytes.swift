// Writes JSON into bytes, as `RecordCoding` would: shortest numbers, no more escapes than needed.

import Experiments

struct JSONBytes {
  private(set) var bytes: [UInt8] = []

  init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

  /// Text that is JSON already.
  mutating func raw(_ text: StaticString) {
    bytes.append(
      contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  mutating func raw(_ text: String) {
    var text = text
    text.withUTF8 { bytes.append(contentsOf: $0) }
  }

  mutating func raw(_ other: [UInt8]) { bytes.append(contentsOf: other) }

  mutating func byte(_ value: UInt8) { bytes.append(value) }

  /// A key with its quotes, colon and whatever stands before it, and its value.
  mutating func member(_ name: StaticString, _ value: String) {
    raw(name)
    text(value)
  }

  mutating func member(_ name: StaticString, _ value: Int64) {
    raw(name)
    integer(value)
  }

  mutating func member(_ name: StaticString, _ value: Double) {
    raw(name)
    number(value)
  }

  mutating func optional(_ name: StaticString, _ value: Int64?) {
    if let value { member(name, value) }
  }

  mutating func integer(_ value: Int64) {
    var rest = value.magnitude
    var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
    withUnsafeMutableBytes(of: &digits) { buffer in
      var start = buffer.count
      repeat {
        start -= 1
        buffer[start] = UInt8(ascii: "0") + UInt8(rest % 10)
        rest /= 10
      } while rest > 0
      if value < 0 {
        start -= 1
        buffer[start] = UInt8(ascii: "-")
      }
      bytes.append(contentsOf: buffer[start...])
    }
  }

  /// The shortest digits that read back the same; whole numbers without a point, and what JSON has
  /// no number for as a text.
  mutating func number(_ value: Double) {
    guard value.isFinite else { return text(MetricValue.text(value)) }
    if value == value.rounded(.towardZero), abs(value) < 1e15, value != 0 {
      return integer(Int64(value))
    }
    var digits = value.description
    if digits.hasSuffix(".0") { digits.removeLast(2) }
    raw(digits)
  }

  mutating func text(_ value: String) {
    byte(UInt8(ascii: "\""))
    var value = value
    value.withUTF8 { utf8 in
      var start = 0
      for (index, byte) in utf8.enumerated()
      where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
        bytes.append(contentsOf: utf8[start..<index])
        escape(byte)
        start = index + 1
      }
      bytes.append(contentsOf: utf8[start...])
    }
    byte(UInt8(ascii: "\""))
  }

  private mutating func escape(_ value: UInt8) {
    byte(UInt8(ascii: "\\"))
    switch value {
    case 0x08: byte(UInt8(ascii: "b"))
    case 0x09: byte(UInt8(ascii: "t"))
    case 0x0A: byte(UInt8(ascii: "n"))
    case 0x0C: byte(UInt8(ascii: "f"))
    case 0x0D: byte(UInt8(ascii: "r"))
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): byte(value)
    default:
      raw("u00")
      for digit in [value >> 4, value & 15] {
        byte(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
      }
    }
  }
}
