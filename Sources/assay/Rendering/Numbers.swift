// Numbers as people read them: enough digits to judge by, never more. All texts are independent of
// the locale, so that a script may cut them out of a line.

import Glibc

enum Numbers {
  /// A metric's value in four significant digits: `0.8731`, `12.50`, `3.100e-06`.
  static func metric(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    return significant(value, digits: 4)
  }

  /// A difference with its sign: `+0.0120`, `-0.03100`, `0`.
  static func change(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return metric(value) }
    return (value > 0 ? "+" : "") + significant(value, digits: 3)
  }

  /// A fraction as a signed percentage: `-3.6 %`.
  static func percentChange(_ fraction: Double) -> String {
    guard fraction.isFinite else { return metric(fraction) }
    let percent = fraction * 100
    let text = abs(percent) >= 100 ? fixed(percent, decimals: 0) : fixed(percent, decimals: 1)
    return (percent > 0 ? "+" : "") + text + " %"
  }

  /// A count with its digits in threes: `60 000`.
  static func count(_ value: some BinaryInteger) -> String {
    let text = String(value)
    let digits = text.drop { $0 == "-" }
    var result = String(text.prefix(text.count - digits.count))
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { result.append(" ") }
      result.append(digit)
    }
    return result
  }

  /// `value` in that many significant digits; plain from 0.0001 up to a million, else with an
  /// exponent.
  static func significant(_ value: Double, digits: Int) -> String {
    guard value != 0 else { return "0" }
    let scientific = formatted("%.*e", digits - 1, value)
    guard let mark = scientific.lastIndex(of: "e"),
      let exponent = Int(scientific[scientific.index(after: mark)...])
    else { return scientific }
    if exponent < -4 || exponent >= 6 { return scientific }
    return fixed(value, decimals: max(0, digits - 1 - exponent))
  }

  static func fixed(_ value: Double, decimals: Int) -> String {
    formatted("%.*f", decimals, value)
  }

  private static func formatted(_ format: String, _ digits: Int, _ value: Double) -> String {
    withVaList([Int32(clamping: digits), value]) { arguments in
      // %f of the greatest double has 309 digits before the point
      let text = [CChar](unsafeUninitializedCapacity: 400) { buffer, count in
        count = Int(vsnprintf(buffer.baseAddress, buffer.count, format, arguments))
      }
      return String(decoding: text.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }
}
