// Reads a number from a cell's bytes, correctly rounded, without a String for the usual ones.

enum DecimalNumber {
  /// `[+-] digits [. digits] [e [+-] digits]`, or `inf`, `infinity`, `nan` in any case; nil for
  /// anything else, hexadecimal and thousands separators included.
  static func parse(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
    var position = 0
    var isNegative = false
    if let sign = text.first, sign == minus || sign == plus {
      isNegative = sign == minus
      position = 1
    }
    let start = position
    var mantissa: UInt64 = 0
    var significantDigits = 0
    var exponent = 0
    var pointAt: Int?
    while position < text.count {
      let byte = text[position]
      if byte == point, pointAt == nil {
        pointAt = position
      } else if byte &- zero < 10 {
        // Past 19 digits the mantissa would overflow; those go the slow way.
        if significantDigits < 19 { mantissa = mantissa &* 10 &+ UInt64(byte &- zero) }
        if mantissa > 0 || significantDigits > 0 { significantDigits += 1 }
        if pointAt != nil { exponent -= 1 }
      } else {
        break
      }
      position += 1
    }
    guard position - start > (pointAt == nil ? 0 : 1) else {
      return special(text, from: start, isNegative: isNegative)
    }
    if position < text.count {
      guard let written = writtenExponent(text, from: position) else { return nil }
      exponent += written
    }
    // Both factors are exact, so one rounding remains (Clinger 1990).
    if significantDigits <= 19, mantissa <= 1 << 53, abs(exponent) < powersOfTen.count {
      let power = powersOfTen[abs(exponent)]
      let magnitude = exponent < 0 ? Double(mantissa) / power : Double(mantissa) * power
      return isNegative ? -magnitude : magnitude
    }
    return Double(String(decoding: text, as: UTF8.self))
  }

  /// The number that a text as a whole is; nil if it is not one.
  static func parse(_ text: String) -> Double? {
    var text = text
    return text.withUTF8 { parse($0) }
  }

  /// `e` and an integer up to the end; nil if that is not what stands there.
  private static func writtenExponent(
    _ text: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> Int? {
    guard text[start] | 0x20 == UInt8(ascii: "e") else { return nil }
    var position = start + 1
    var isNegative = false
    if position < text.count, text[position] == minus || text[position] == plus {
      isNegative = text[position] == minus
      position += 1
    }
    guard position < text.count else { return nil }
    var value = 0
    while position < text.count {
      let digit = text[position] &- zero
      guard digit < 10 else { return nil }
      // Far beyond any double already; what the slow way makes of it is 0 or infinity.
      value = min(value * 10 + Int(digit), 1_000_000)
      position += 1
    }
    return isNegative ? -value : value
  }

  private static func special(
    _ text: UnsafeBufferPointer<UInt8>, from start: Int, isNegative: Bool
  ) -> Double? {
    guard (3...8).contains(text.count - start) else { return nil }
    switch String(decoding: text[start...], as: UTF8.self).lowercased() {
    case "nan": return .nan
    case "inf", "infinity": return isNegative ? -.infinity : .infinity
    default: return nil
    }
  }

  private static let zero = UInt8(ascii: "0")
  private static let point = UInt8(ascii: ".")
  private static let minus = UInt8(ascii: "-")
  private static let plus = UInt8(ascii: "+")
  /// 1e0 to 1e22, all exact.
  private static let powersOfTen: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
  ]
}
