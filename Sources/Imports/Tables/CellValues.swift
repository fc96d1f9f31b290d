// What the text of a cell is: a number with the words for NaN and the infinities, a step, a time.

import Foundation

enum CellValues {
  /// Nil if it is no number. `nan`, `inf`, `infinity`, with a sign and in any case, are.
  static func number(_ text: String) -> Double? {
    let isDecimal = text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
        UInt8(ascii: "+"), UInt8(ascii: "e"), UInt8(ascii: "E"):
        true
      default: false
      }
    }
    if isDecimal { return Double(text) }
    switch text.lowercased() {
    case "nan", "+nan", "-nan": return .nan
    case "inf", "+inf", "infinity", "+infinity": return .infinity
    case "-inf", "-infinity": return -.infinity
    default: return nil
    }
  }

  /// A whole number, also as `12.0`.
  static func whole(_ text: String) -> Int64? {
    Int64(text) ?? number(text).flatMap { Int64(exactly: $0) }
  }

  /// Microseconds since 1970 UTC of a number of seconds (milliseconds from 1e11 on, microseconds from
  /// 1e14 on), or of a date and time as in ISO 8601; without a zone it is UTC.
  static func time(_ text: String) -> Int64? {
    if let number = number(text) { return time(number) }
    return date(text)
  }

  static func time(_ number: Double) -> Int64? {
    let factor = abs(number) >= 1e14 ? 1 : abs(number) >= 1e11 ? 1e3 : 1e6
    return Int64(exactly: (number * factor).rounded())
  }

  private static func date(_ text: String) -> Int64? {
    var text = text.trimmingCharacters(in: .whitespaces)
    // 2026-01-31, 2026-01-31 12:00:00(.123456)(Z|+01:00)
    guard text.utf8.count >= 10 else { return nil }
    if text.utf8.count == 10 { text += "T00:00:00" }
    let day = text.prefix(10)
    let rest = text.dropFirst(10)
    guard let mark = rest.first, mark == "T" || mark == " " else { return nil }
    var clock = rest.dropFirst()
    var zone = "Z"
    if let place = clock.firstIndex(where: { $0 == "Z" || $0 == "+" || $0 == "-" }) {
      zone = String(clock[place...])
      clock = clock[..<place]
    }
    var fraction = 0.0
    if let point = clock.firstIndex(of: ".") {
      let digits = clock[point...].dropFirst()
      guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
        let part = Double("0." + digits + "0")
      else { return nil }
      fraction = part
      clock = clock[..<point]
    }
    let style = Date.ISO8601FormatStyle(timeZoneSeparator: .colon)
    guard let date = try? style.parse("\(day)T\(clock)\(zone)") else { return nil }
    return Int64((date.timeIntervalSince1970 * 1e6 + fraction * 1e6).rounded())
  }
}
