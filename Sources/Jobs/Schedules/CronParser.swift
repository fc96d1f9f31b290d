// The text of a cron expression to its fields. Every mistake is told with the field's name, the value
// and what is allowed there.

import Foundation

enum CronParser {
  private struct Kind {
    let name: String
    let range: ClosedRange<Int>
    /// Lower case; the first stands for the range's lower bound.
    var names: [String] = []
  }

  private static let kinds = [
    Kind(name: "minute", range: 0...59),
    Kind(name: "hour", range: 0...23),
    Kind(name: "day of month", range: 1...31),
    Kind(
      name: "month", range: 1...12,
      names: [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
      ]),
    // 7 is Sunday again.
    Kind(
      name: "day of week", range: 0...7,
      names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
  ]

  private static let nicknames = [
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
  ]

  static func parse(_ text: String) throws(JobsError) -> CronExpression {
    let written = text.trimmingCharacters(in: .whitespacesAndNewlines)
    var fields = written
    if written.hasPrefix("@") {
      guard let meaning = nicknames[written.lowercased()] else {
        let known = nicknames.keys.sorted().joined(separator: ", ")
        throw .cron(field: "expression", value: short(written), reason: "is none of \(known)")
      }
      fields = meaning
    }
    let parts = fields.split(whereSeparator: \.isWhitespace).map(String.init)
    guard parts.count == kinds.count else {
      throw .cron(
        field: "expression", value: short(written),
        reason: "has \(parts.count) fields; it takes 5: "
          + "minute, hour, day of month, month, day of week")
    }
    var parsed: [CronField] = []
    for (part, kind) in zip(parts, kinds) { parsed.append(try field(part, kind)) }
    // Sunday is 0 and 7.
    if parsed[4].contains(7) { parsed[4].bits = (parsed[4].bits | 1) & ~(1 << 7) }
    return CronExpression(
      description: written, minutes: parsed[0], hours: parsed[1], daysOfMonth: parsed[2],
      months: parsed[3], daysOfWeek: parsed[4])
  }

  private static func field(_ text: String, _ kind: Kind) throws(JobsError) -> CronField {
    var bits: UInt64 = 0
    for item in text.split(separator: ",", omittingEmptySubsequences: false) {
      bits |= try self.bits(String(item), text, kind)
    }
    return CronField(bits: bits, isStar: text.hasPrefix("*"))
  }

  /// One item of a list: `*`, `a`, `a-b`, and with a step `*/n`, `a-b/n`.
  private static func bits(
    _ item: String, _ whole: String, _ kind: Kind
  ) throws(JobsError) -> UInt64 {
    guard !item.isEmpty else {
      throw mistake(kind, whole, "has an empty item in its list")
    }
    let pieces = item.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard pieces.count <= 2 else { throw mistake(kind, item, "has more than one step") }
    let ends = pieces[0].split(separator: "-", omittingEmptySubsequences: false).map(String.init)
    var step = 1
    if pieces.count == 2 {
      guard pieces[0] == "*" || ends.count == 2 else {
        throw mistake(
          kind, item,
          "has a step without a range; write \(pieces[0])-\(kind.range.upperBound)/\(pieces[1])")
      }
      guard let number = number(pieces[1]), number >= 1, number <= kind.range.upperBound else {
        throw mistake(kind, item, "needs a step of 1 to \(kind.range.upperBound)")
      }
      step = number
    }
    let lower: Int
    let upper: Int
    if pieces[0] == "*" {
      (lower, upper) = (
        kind.range.lowerBound, kind.name == "day of week" ? 6 : kind.range.upperBound
      )
    } else if ends.count == 1 {
      lower = try value(ends[0], item, kind)
      upper = lower
    } else if ends.count == 2 {
      lower = try value(ends[0], item, kind)
      let end = try value(ends[1], item, kind)
      // SAT-SUN is 6-7.
      upper = kind.name == "day of week" && end == 0 && lower > 0 ? 7 : end
    } else {
      throw mistake(kind, item, "is no range")
    }
    guard lower <= upper else {
      throw mistake(kind, item, "runs backwards; split it, as in \(backwards(lower, upper, kind))")
    }
    return stride(from: lower, through: upper, by: step).reduce(0) { $0 | 1 << UInt64($1) }
  }

  private static func value(
    _ text: String, _ item: String, _ kind: Kind
  ) throws(JobsError) -> Int {
    if let index = kind.names.firstIndex(of: text.lowercased()) {
      return kind.range.lowerBound + index
    }
    guard let number = number(text), kind.range.contains(number) else {
      let names =
        kind.names.isEmpty
        ? ""
        : " or \(kind.names[0].uppercased())-\(kind.names[kind.names.count - 1].uppercased())"
      throw mistake(
        kind, item, "is not \(kind.range.lowerBound)-\(kind.range.upperBound)\(names)")
    }
    return number
  }

  /// Digits only: `Int` alone would take `+5`.
  private static func number(_ text: String) -> Int? {
    text.utf8.allSatisfy { (48...57).contains($0) } && text.utf8.count <= 4 ? Int(text) : nil
  }

  private static func backwards(_ lower: Int, _ upper: Int, _ kind: Kind) -> String {
    let last = kind.name == "day of week" ? 6 : kind.range.upperBound
    return "\(lower)-\(last),\(kind.range.lowerBound)-\(upper)"
  }

  private static func mistake(_ kind: Kind, _ value: String, _ reason: String) -> JobsError {
    .cron(field: kind.name, value: short(value), reason: reason)
  }

  private static func short(_ text: String) -> String {
    text.count <= 64 ? text : text.prefix(64) + "…"
  }
}
