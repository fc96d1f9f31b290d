// When an expression fires: against croniter in UTC, and by hand in the nights when clocks change.

import Experiments
import Foundation
import Glibc
import Jobs
import Testing

@Suite struct CronNextTests {
  /// The firings after `from` (exclusive), as local texts.
  private func firings(
    _ expression: String, _ zoneName: String, from: String, count: Int
  ) throws -> [String] {
    let cron = try CronExpression.parse(expression)
    let zone = try MachineTimeZone.named(zoneName)
    var moment = Moments.at(from)
    var found: [String] = []
    while found.count < count, let next = cron.next(after: moment, in: zone) {
      #expect(next > moment)
      found.append(Moments.text(next, zone))
      moment = next
    }
    return found
  }

  struct Night: Sendable, CustomTestStringConvertible {
    var zone: String
    var expression: String
    var from: String
    var expected: [String]
    var testDescription: String { "\(expression) in \(zone) from \(from)" }
  }

  static let nights: [Night] = [
    // Berlin, 2026-03-29: 02:00 +0100 becomes 03:00 +0200.
    Night(
      zone: "Europe/Berlin", expression: "30 2 * * *", from: "2026-03-28 12:00 +0100",
      expected: [
        "2026-03-29 03:00 +0200", "2026-03-30 02:30 +0200", "2026-03-31 02:30 +0200",
      ]),
    // Several that do not exist fire together, also with one that is due at that moment.
    Night(
      zone: "Europe/Berlin", expression: "0,30 2,3 * * *", from: "2026-03-28 22:00 +0100",
      expected: ["2026-03-29 03:00 +0200", "2026-03-29 03:30 +0200", "2026-03-30 02:00 +0200"]),
    Night(
      zone: "Europe/Berlin", expression: "*/20 2 29 3 *", from: "2026-01-01 00:00 +0100",
      expected: ["2026-03-29 03:00 +0200", "2027-03-29 02:00 +0200"]),
    Night(
      zone: "Europe/Berlin", expression: "30 * * * *", from: "2026-03-29 00:45 +0100",
      expected: ["2026-03-29 01:30 +0100", "2026-03-29 03:30 +0200", "2026-03-29 04:30 +0200"]),
    Night(
      zone: "Europe/Berlin", expression: "0 */2 * * *", from: "2026-03-29 00:00 +0100",
      expected: ["2026-03-29 04:00 +0200", "2026-03-29 06:00 +0200"]),
    // Berlin, 2026-10-25: 03:00 +0200 becomes 02:00 +0100.
    Night(
      zone: "Europe/Berlin", expression: "30 2 * * *", from: "2026-10-24 12:00 +0200",
      expected: ["2026-10-25 02:30 +0200", "2026-10-26 02:30 +0100"]),
    // Asked between the two, or in the second: not again.
    Night(
      zone: "Europe/Berlin", expression: "30 2 * * *", from: "2026-10-25 02:10 +0100",
      expected: ["2026-10-26 02:30 +0100"]),
    Night(
      zone: "Europe/Berlin", expression: "30 * * * *", from: "2026-10-25 01:45 +0200",
      expected: ["2026-10-25 02:30 +0200", "2026-10-25 02:30 +0100", "2026-10-25 03:30 +0100"]),
    Night(
      zone: "Europe/Berlin", expression: "0 */2 * * *", from: "2026-10-25 01:00 +0200",
      expected: ["2026-10-25 02:00 +0200", "2026-10-25 02:00 +0100", "2026-10-25 04:00 +0100"]),
    Night(
      zone: "Europe/Berlin", expression: "0 3 * * *", from: "2026-10-25 02:59 +0200",
      expected: ["2026-10-25 03:00 +0100", "2026-10-26 03:00 +0100"]),
    // New York, 2026-03-08 and 2026-11-01.
    Night(
      zone: "America/New_York", expression: "15 2 * * SUN", from: "2026-03-01 12:00 -0500",
      expected: ["2026-03-08 03:00 -0400", "2026-03-15 02:15 -0400"]),
    Night(
      zone: "America/New_York", expression: "30 2 * * *", from: "2026-03-07 12:00 -0500",
      expected: ["2026-03-08 03:00 -0400", "2026-03-09 02:30 -0400"]),
    // 02:30 itself comes once in that night; only the hour from 01:00 comes twice.
    Night(
      zone: "America/New_York", expression: "30 2 * * *", from: "2026-10-31 12:00 -0400",
      expected: ["2026-11-01 02:30 -0500", "2026-11-02 02:30 -0500"]),
    Night(
      zone: "America/New_York", expression: "15 1 * * *", from: "2026-10-31 12:00 -0400",
      expected: ["2026-11-01 01:15 -0400", "2026-11-02 01:15 -0500"]),
    Night(
      zone: "America/New_York", expression: "15 * 1 11 *", from: "2026-11-01 01:00 -0400",
      expected: ["2026-11-01 01:15 -0400", "2026-11-01 01:15 -0500", "2026-11-01 02:15 -0500"]),
    // Lord Howe changes by half an hour: 2026-10-04 02:00 +1030 becomes 02:30 +1100, and
    // 2026-04-05 02:00 +1100 becomes 01:30 +1030.
    Night(
      zone: "Australia/Lord_Howe", expression: "15 2 * * *", from: "2026-10-03 12:00 +1030",
      expected: ["2026-10-04 02:30 +1100", "2026-10-05 02:15 +1100"]),
    Night(
      zone: "Australia/Lord_Howe", expression: "30 2 * * *", from: "2026-10-03 12:00 +1030",
      expected: ["2026-10-04 02:30 +1100", "2026-10-05 02:30 +1100"]),
    Night(
      zone: "Australia/Lord_Howe", expression: "30 2 * * *", from: "2026-04-04 12:00 +1100",
      expected: ["2026-04-05 02:30 +1030", "2026-04-06 02:30 +1030"]),
    Night(
      zone: "Australia/Lord_Howe", expression: "45 2 * * *", from: "2026-10-03 12:00 +1030",
      expected: ["2026-10-04 02:45 +1100", "2026-10-05 02:45 +1100"]),
    Night(
      zone: "Australia/Lord_Howe", expression: "45 1 * * *", from: "2026-04-04 12:00 +1100",
      expected: ["2026-04-05 01:45 +1100", "2026-04-06 01:45 +1030"]),
    Night(
      zone: "Australia/Lord_Howe", expression: "45 * * * *", from: "2026-04-05 01:00 +1100",
      expected: ["2026-04-05 01:45 +1100", "2026-04-05 01:45 +1030", "2026-04-05 02:45 +1030"]),
    Night(
      zone: "Australia/Lord_Howe", expression: "0 * * * *", from: "2026-10-04 00:30 +1030",
      expected: ["2026-10-04 01:00 +1030", "2026-10-04 03:00 +1100"]),
    // Midnight itself is skipped in Santiago (2026-09-06) and comes twice as 23:00 (2026-04-04).
    Night(
      zone: "America/Santiago", expression: "0 0 * * *", from: "2026-09-05 12:00 -0400",
      expected: ["2026-09-06 01:00 -0300", "2026-09-07 00:00 -0300"]),
    // Only on the day of the change: the repeated hour must not be missed for one a year later.
    Night(
      zone: "America/Santiago", expression: "50 * 4 4 *", from: "2026-04-04 23:40 -0300",
      expected: ["2026-04-04 23:50 -0300", "2026-04-04 23:50 -0400", "2027-04-04 00:50 -0400"]),
    Night(
      zone: "America/Santiago", expression: "20 * 4 4 *", from: "2026-04-04 23:40 -0300",
      expected: ["2026-04-04 23:20 -0400", "2027-04-04 00:20 -0400"]),
    // Samoa went without 2011-12-30.
    Night(
      zone: "Pacific/Apia", expression: "0 12 30 12 *", from: "2011-12-29 13:00 -1000",
      expected: ["2011-12-31 00:00 +1400", "2012-12-30 12:00 +1400"]),
  ]

  @Test(arguments: nights)
  func `in the night when the clock is changed`(night: Night) throws {
    let found = try firings(
      night.expression, night.zone, from: night.from, count: night.expected.count)
    #expect(found == night.expected)
  }

  @Test func `every minute is every real minute, whatever the clock shows`() throws {
    let cron = try CronExpression.parse("* * * * *")
    for (name, start) in [
      ("Europe/Berlin", "2026-03-29 00:30 +0100"), ("Europe/Berlin", "2026-10-25 00:30 +0200"),
      ("Australia/Lord_Howe", "2026-04-05 00:30 +1100"),
      ("Australia/Lord_Howe", "2026-10-04 00:30 +1030"),
    ] {
      let zone = try MachineTimeZone.named(name)
      var moment = Moments.at(start)
      for _ in 0..<300 {
        let next = cron.next(after: moment, in: zone)
        #expect(next == moment.adding(seconds: 60))
        moment = moment.adding(seconds: 60)
      }
    }
  }

  @Test(arguments: [
    ("0 0 29 2 *", "2024-02-29 00:00", "2028-02-29 00:00"),
    ("0 0 29 2 *", "2096-03-01 00:00", "2104-02-29 00:00"),
    // Both fields begin with `*` or are restricted: see the rule of day fields.
    ("0 0 13 * FRI", "2026-02-06 00:00", "2026-02-13 00:00"),
    ("0 0 13 * FRI", "2026-02-13 00:00", "2026-02-20 00:00"),
    ("0 0 13 * FRI", "2026-03-06 00:00", "2026-03-13 00:00"),
    ("0 0 13 * FRI", "2026-04-10 00:00", "2026-04-13 00:00"),
    ("0 0 */2 * MON", "2026-06-01 00:00", "2026-06-15 00:00"),
    ("0 0 29 2 */7", "2026-01-01 00:00", "2032-02-29 00:00"),
    ("0 0 1 1 *", "2026-01-01 00:00", "2027-01-01 00:00"),
    ("59 23 31 12 *", "1969-12-31 23:58", "1969-12-31 23:59"),
    ("0 0 * * *", "1901-02-27 12:00", "1901-02-28 00:00"),
  ])
  func `next in UTC`(expression: String, after: String, expected: String) throws {
    let cron = try CronExpression.parse(expression)
    #expect(cron.next(after: Moments.utc(after), in: .gmt) == Moments.utc(expected))
  }

  @Test func `it is strictly later, and seconds are cut off`() throws {
    let cron = try CronExpression.parse("30 2 * * *")
    let due = Moments.utc("2026-05-01 02:30")
    let tomorrow = Moments.utc("2026-05-02 02:30")
    #expect(cron.next(after: Timestamp(microseconds: due.microseconds - 1), in: .gmt) == due)
    #expect(cron.next(after: due, in: .gmt) == tomorrow)
    #expect(cron.next(after: Timestamp(microseconds: due.microseconds + 1), in: .gmt) == tomorrow)
  }

  @Test(arguments: ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "* * 31 2 *"])
  func `a date that no calendar has never fires`(expression: String) throws {
    let cron = try CronExpression.parse(expression)
    for zone in [TimeZone.gmt, try MachineTimeZone.named("Europe/Berlin")] {
      #expect(cron.next(after: Moments.utc("2026-01-01 00:00"), in: zone) == nil)
    }
  }

  struct Fixture: Decodable, Sendable {
    struct Case: Decodable, Sendable, CustomTestStringConvertible {
      var expression: String
      var count: Int
      var first: [Int64]
      var last: Int64
      var fnv1a: String
      var testDescription: String { expression }
    }
    var start: Int64
    var end: Int64
    var cases: [Case]

    static func load() throws -> Fixture {
      try JSONDecoder().decode(
        Fixture.self, from: Data(contentsOf: FixtureFolder.url("cron_utc.json")))
    }
  }

  @Test(arguments: try Fixture.load().cases)
  func `three years agree with croniter`(expected: Fixture.Case) throws {
    let fixture = try Fixture.load()
    let cron = try CronExpression.parse(expected.expression)
    var seconds: [Int64] = []
    var moment = Timestamp(microseconds: (fixture.start - 1) * 1_000_000)
    while let next = cron.next(after: moment, in: .gmt),
      next.microseconds < fixture.end * 1_000_000
    {
      seconds.append(next.microseconds / 1_000_000)
      moment = next
    }
    #expect(Array(seconds.prefix(5)) == expected.first)
    #expect(seconds.last == expected.last)
    #expect(seconds.count == expected.count)
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for second in seconds {
      for byte in "\(second)\n".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
    #expect(hash == UInt64(expected.fnv1a, radix: 16))
  }
}

/// Beside the days on which a zone changes its clock, which are `CronNextTests.nights`.
@Suite struct CronZoneTests {
  struct Fixture: Decodable, Sendable {
    struct Case: Decodable, Sendable, CustomTestStringConvertible {
      var zone: String
      var expression: String
      /// Local days.
      var leftOut: [String]
      var count: Int
      var first: [Int64]
      var last: Int64
      var fnv1a: String
      var testDescription: String { "\(expression) in \(zone)" }
    }
    var cases: [Case]

    static func load() throws -> Fixture {
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      return try decoder.decode(
        Fixture.self, from: Data(contentsOf: FixtureFolder.url("cron_zones.json")))
    }
  }

  @Test(arguments: try Fixture.load().cases)
  func `three years in four zones agree with croniter`(expected: Fixture.Case) throws {
    let cron = try CronExpression.parse(expected.expression)
    let zone = try MachineTimeZone.named(expected.zone)
    // From midnight to midnight, and the days left out, as moments.
    func midnight(_ day: String) throws -> Int64 {
      let utc = Moments.utc(day + " 00:00")
      let offset = zone.secondsFromGMT(
        for: Date(timeIntervalSince1970: Double(utc.microseconds / 1_000_000)))
      return utc.microseconds / 1_000_000 - Int64(offset)
    }
    let start = try midnight("2024-01-01")
    let end = try midnight("2027-01-01")
    var seconds: [Int64] = []
    var moment = Timestamp(microseconds: (start - 1) * 1_000_000)
    while let next = cron.next(after: moment, in: zone), next.microseconds < end * 1_000_000 {
      let second = next.microseconds / 1_000_000
      if !expected.leftOut.contains(Self.day(second, zone)) { seconds.append(second) }
      moment = next
    }
    #expect(Array(seconds.prefix(3)) == expected.first)
    #expect(seconds.last == expected.last)
    #expect(seconds.count == expected.count)
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for second in seconds {
      for byte in "\(second)\n".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
    #expect(hash == UInt64(expected.fnv1a, radix: 16))
  }

  private static func day(_ second: Int64, _ zone: TimeZone) -> String {
    let local =
      Int(second) + zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(second)))
    var time = time_t(local)
    var parts = tm()
    gmtime_r(&time, &parts)
    func padded(_ number: Int32) -> String { number < 10 ? "0\(number)" : String(number) }
    return "\(parts.tm_year + 1900)-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))"
  }
}

enum FixtureFolder {
  static func url(_ name: String) -> URL {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/\(name)")
  }
}
