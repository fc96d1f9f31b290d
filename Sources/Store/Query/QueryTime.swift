// Moments as people write them in an expression: `2026-01-31`, `2026-01-31T12:00`,
// `2026-01-31 12:00:00Z`. All are UTC.

enum QueryTime {
  /// Microseconds since 1970 UTC; nil if `text` is no such moment.
  static func parse(_ text: String) -> Int64? {
    var rest = Substring(text)
    if rest.hasSuffix("Z") { rest = rest.dropLast() }
    let parts = rest.split(whereSeparator: { $0 == "T" || $0 == " " })
    guard parts.count == 1 || parts.count == 2 else { return nil }
    guard let date = numbers(parts[0], separator: "-", widths: [4, 2, 2]) else { return nil }
    let (year, month, day) = (date[0], date[1], date[2])
    guard (1...12).contains(month), (1...daysIn(month, of: year)).contains(day) else { return nil }
    var seconds = days(year, month, day) * 86400
    if parts.count == 2 {
      let clock =
        numbers(parts[1], separator: ":", widths: [2, 2, 2])
        ?? numbers(parts[1], separator: ":", widths: [2, 2]).map { $0 + [0] }
      guard let clock, clock[0] < 24, clock[1] < 60, clock[2] < 60 else { return nil }
      seconds += clock[0] * 3600 + clock[1] * 60 + clock[2]
    }
    return Int64(seconds) * 1_000_000
  }

  private static func numbers(
    _ text: Substring, separator: Character, widths: [Int]
  ) -> [Int]? {
    let parts = text.split(separator: separator, omittingEmptySubsequences: false)
    guard parts.map(\.count) == widths else { return nil }
    let values = parts.compactMap { part in
      part.allSatisfy { ("0"..."9").contains($0) } ? Int(part) : nil
    }
    return values.count == widths.count ? values : nil
  }

  private static func daysIn(_ month: Int, of year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Days since 1970-01-01 in the proleptic Gregorian calendar, for years from 0 on (Howard Hinnant,
  /// "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`).
  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }
}
