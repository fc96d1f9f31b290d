// A length of time as people write it in a spec or on the command line: 90s, 10m, 1h30m, 2d, or a
// bare number of seconds. Kept in whole milliseconds, so that it comes back as it was written.

package struct TimeSpan: Sendable, Hashable, Comparable, CustomStringConvertible {
  package let milliseconds: Int64

  package init(milliseconds: Int64) { self.milliseconds = milliseconds }

  package init(seconds: Int64) { self.init(milliseconds: seconds * 1_000) }

  /// The longest one: ten years.
  package static let longest = TimeSpan(milliseconds: 3_650 * 86_400_000)

  /// Of the longest first, as they are written one after the other.
  private static let units: [(name: String, milliseconds: Int64)] = [
    ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
  ]

  /// Reads `90s`, `1h30m`, `1.5h`, `250ms` or a number of seconds; nil for anything else.
  package init?(_ text: String) {
    if let seconds = Double(text) {
      self.init(seconds: seconds)
      return
    }
    var rest = Substring(text)
    var total = 0.0
    guard !rest.isEmpty else { return nil }
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      guard let amount = Double(digits) else { return nil }
      rest = rest.dropFirst(digits.count)
      let name = rest.prefix { $0.isASCII && $0.isLetter }
      guard let unit = Self.units.first(where: { $0.name == name }) else { return nil }
      rest = rest.dropFirst(name.count)
      total += amount * Double(unit.milliseconds)
    }
    self.init(seconds: total / 1_000)
  }

  /// Nil if it is negative, longer than `longest` or not a number.
  package init?(seconds: Double) {
    guard seconds >= 0, seconds <= Self.longest.seconds else { return nil }
    self.init(milliseconds: Int64((seconds * 1_000).rounded()))
  }

  package var seconds: Double { Double(milliseconds) / 1_000 }

  package var duration: Duration { .milliseconds(milliseconds) }

  /// The shortest text in whole units: `90s`, `10m`, `2h`, `1500ms`.
  package var description: String {
    guard milliseconds != 0 else { return "0s" }
    let unit = Self.units.first { milliseconds.isMultiple(of: $0.milliseconds) }
    guard let unit else { return "\(milliseconds)ms" }
    return "\(milliseconds / unit.milliseconds)\(unit.name)"
  }

  package static func < (a: TimeSpan, b: TimeSpan) -> Bool { a.milliseconds < b.milliseconds }
}
