// When a schedule fires: the five fields of cron, with the rules of Vixie cron (Debian's). Parsing is
// in CronParser.swift, finding the next time in CronExpression+Next.swift; docs/schedules.md says
// what happens in the nights when the clock is changed.

package struct CronExpression: Sendable, Equatable, CustomStringConvertible {
  /// As it was written.
  package let description: String
  let minutes: CronField
  let hours: CronField
  let daysOfMonth: CronField
  let months: CronField
  let daysOfWeek: CronField

  /// Parses five fields or one of `@hourly`, `@daily`, `@midnight`, `@weekly`, `@monthly`,
  /// `@yearly`, `@annually`. Throws `JobsError.cron`, which names the field, the value and what is
  /// allowed.
  package static func parse(_ text: String) throws(JobsError) -> CronExpression {
    try CronParser.parse(text)
  }

  init(
    description: String, minutes: CronField, hours: CronField, daysOfMonth: CronField,
    months: CronField, daysOfWeek: CronField
  ) {
    self.description = description
    self.minutes = minutes
    self.hours = hours
    self.daysOfMonth = daysOfMonth
    self.months = months
    self.daysOfWeek = daysOfWeek
  }

  /// Whether the expression fires on that day. If both day fields are restricted, either is
  /// enough; if one begins with `*`, both must hold. So `0 0 13 * FRI` is every 13th and every
  /// Friday, `0 0 */2 * MON` the Mondays with an odd date.
  func matches(_ day: CivilDay) -> Bool {
    guard months.contains(day.month) else { return false }
    let date = daysOfMonth.contains(day.day)
    let weekday = daysOfWeek.contains(day.weekday)
    return daysOfMonth.isStar || daysOfWeek.isStar ? date && weekday : date || weekday
  }
}

/// The values of one field.
struct CronField: Sendable, Equatable {
  /// Bit n stands for the value n.
  var bits: UInt64
  /// Whether it was written with `*` first (`*` or `*/n`).
  var isStar: Bool

  func contains(_ value: Int) -> Bool { bits & (1 << UInt64(value)) != 0 }

  /// The least value that is at least `value`; nil if there is none.
  func first(from value: Int) -> Int? {
    guard value < 64 else { return nil }
    let rest = bits >> UInt64(value)
    return rest == 0 ? nil : value + rest.trailingZeroBitCount
  }
}
