// The next firing after a moment, in a time zone. The search jumps from field to field on the local
// calendar and then asks when (and whether) the local time found takes place.

package import Experiments
package import Foundation

extension CronExpression {
  /// Only dates that no calendar has (February 30th) are not found within so many years; a 29th of
  /// February on a given weekday can be 40 years away.
  private static let yearsAhead = 41

  /// The first moment after `moment` at which the expression fires; nil if it never does. It is
  /// found with microseconds 0.
  ///
  /// Where the clock is changed: an expression with fixed hours fires once for every local time
  /// it names. One that does not exist in that night fires at the moment the clock jumps (several
  /// of them together once), one that exists twice fires the first time. An expression whose hour
  /// begins with `*` goes by the clock on the wall, whatever it is set to.
  package func next(after moment: Timestamp, in zone: TimeZone) -> Timestamp? {
    let start = Int(moment.microseconds.floorDivided(by: 1_000_000))
    let clock = LocalClock(zone: zone)
    let found = hours.isStar ? nextByWall(after: start, clock) : nextFixed(after: start, clock)
    return found.map { Timestamp(microseconds: Int64($0) * 1_000_000) }
  }

  /// Fixed hours: local times in their order, each mapped to one moment. The mapping never goes
  /// back in time, so the first that lies after `start` is the answer.
  private func nextFixed(after start: Int, _ clock: LocalClock) -> Int? {
    var local = firstMatch(from: clock.local(start) + 1)
    while let candidate = local {
      let moment =
        switch clock.resolve(candidate) {
        case .moment(let moment), .skipped(let moment): moment
        }
      if moment > start { return moment }
      local = firstMatch(from: candidate + 1)
    }
    return nil
  }

  /// Any hour: real time goes on with one offset until the clock is changed, and the search with it.
  private func nextByWall(after start: Int, _ clock: LocalClock) -> Int? {
    var from = start
    var local = clock.local(start) + 1
    while let candidate = firstMatch(from: local) {
      let offset = clock.offset(from)
      let moment = candidate - offset
      let nearby = min(moment, from + LocalClock.day)
      if clock.offset(nearby) != offset {
        from = clock.change(after: from, notAfter: nearby)
        local = clock.local(from)
        continue
      }
      if moment == nearby { return moment }
      switch clock.resolve(candidate) {
      case .moment(let moment): return moment
      case .skipped(let change):
        from = change
        local = clock.local(change)
      }
    }
    return nil
  }

  /// The first matching local time at or after `local`, on a whole minute; nil if there is none in
  /// `yearsAhead` years.
  private func firstMatch(from local: Int) -> Int? {
    let minute = (local + 59).floorDivided(by: 60)
    let firstDay = minute.floorDivided(by: 1440)
    if matches(CivilDay(number: firstDay)),
      let time = firstTime(from: minute - firstDay * 1440)
    {
      return (firstDay * 1440 + time) * 60
    }
    guard let day = firstDate(after: firstDay), let time = firstTime(from: 0) else { return nil }
    return (day * 1440 + time) * 60
  }

  /// Minutes since midnight.
  private func firstTime(from minute: Int) -> Int? {
    let hour = minute / 60
    if hours.contains(hour), let found = minutes.first(from: minute % 60) {
      return hour * 60 + found
    }
    guard let later = hours.first(from: hour + 1), let found = minutes.first(from: 0) else {
      return nil
    }
    return later * 60 + found
  }

  private func firstDate(after number: Int) -> Int? {
    var day = CivilDay(number: number + 1)
    let lastYear = day.year + Self.yearsAhead
    while day.year <= lastYear {
      guard let month = months.first(from: day.month) else {
        day = CivilDay(year: day.year + 1, month: 1, day: 1)
        continue
      }
      if month != day.month { day = CivilDay(year: day.year, month: month, day: 1) }
      while day.day <= day.daysInMonth {
        if matches(day) { return day.number }
        day.day += 1
      }
      day =
        month == 12
        ? CivilDay(year: day.year + 1, month: 1, day: 1)
        : CivilDay(year: day.year, month: month + 1, day: 1)
    }
    return nil
  }
}

/// The clock on the wall of a time zone, in whole seconds.
private struct LocalClock {
  static let day = 86_400
  let zone: TimeZone

  /// Seconds that the wall is ahead of UTC at a moment.
  func offset(_ moment: Int) -> Int {
    zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(moment)))
  }

  func local(_ moment: Int) -> Int { moment + offset(moment) }

  enum Resolved {
    /// The first moment at which the wall shows the time.
    case moment(Int)
    /// It never does; the clock jumps over it at this moment.
    case skipped(Int)
  }

  /// When a local time takes place. Looks at the offsets a day before and after, which are the only
  /// ones that can be in force: no zone changes its clock twice within two days.
  func resolve(_ local: Int) -> Resolved {
    let before = offset(local - Self.day)
    let after = offset(local + Self.day)
    let moments = [before, after].map { local - $0 }.filter { self.local($0) == local }
    if let first = moments.min() { return .moment(first) }
    return .skipped(change(after: local - Self.day, notAfter: local + Self.day))
  }

  /// The first moment in (`start`, `end`] with another offset than `start`; `end`'s must differ.
  func change(after start: Int, notAfter end: Int) -> Int {
    let offset = offset(start)
    var same = start
    var other = end
    while other - same > 1 {
      let middle = same + (other - same) / 2
      if self.offset(middle) == offset { same = middle } else { other = middle }
    }
    return other
  }
}

extension FixedWidthInteger {
  /// Rounded towards minus infinity.
  fileprivate func floorDivided(by divisor: Self) -> Self {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }
}
