// What a cron expression may be, and what is said of one that is none.

import Experiments
import Foundation
import Jobs
import Testing

@Suite struct CronParserTests {
  @Test(arguments: [
    ("@hourly", "0 * * * *"), ("@daily", "0 0 * * *"), ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"), ("@monthly", "0 0 1 * *"), ("@yearly", "0 0 1 1 *"),
    ("@Annually", "0 0 1 1 *"), ("0 0 * * 7", "0 0 * * 0"), ("0 0 * * SUN", "0 0 * * 0"),
    ("0 0 * * sat-sun", "0 0 * * 0,6"), ("0 0 * * 5-7", "0 0 * * 0,5,6"),
    ("0 0 * jan-mar *", "0 0 * 1,2,3 *"), ("0-59/20 1 * * *", "0,20,40 1 * * *"),
    ("  0\t2  * * *\n", "0 2 * * *"), ("5,5,05 0 * * *", "5 0 * * *"),
  ])
  func `these two mean the same`(written: String, meaning: String) throws {
    let first = try CronExpression.parse(written)
    let second = try CronExpression.parse(meaning)
    var moment = Moments.utc("2024-02-27 23:58")
    for _ in 0..<50 {
      let next = try #require(first.next(after: moment, in: .gmt))
      #expect(next == second.next(after: moment, in: .gmt))
      moment = next
    }
  }

  @Test(arguments: [
    ("", "expression", "has 0 fields"), ("* * * *", "expression", "has 4 fields"),
    ("0 0 2 * * *", "expression", "has 6 fields"), ("@reboot", "expression", "@daily"),
    ("60 * * * *", "minute", "0-59"), ("* 24 * * *", "hour", "0-23"),
    ("* * 0 * *", "day of month", "1-31"), ("* * 32 * *", "day of month", "1-31"),
    ("* * * 13 *", "month", "1-12 or JAN-DEC"), ("* * * foo *", "month", "JAN-DEC"),
    ("* * * * 8", "day of week", "0-7 or SUN-SAT"), ("* * * * MONDAY", "day of week", "SUN-SAT"),
    ("30-10 * * * *", "minute", "30-59,0-10"), ("* * * * fri-mon", "day of week", "5-6,0-1"),
    ("*/0 * * * *", "minute", "step of 1 to 59"), ("*/99 * * * *", "minute", "step of 1 to 59"),
    ("5/15 * * * *", "minute", "5-59/15"), ("1,,2 * * * *", "minute", "empty item"),
    ("1-2-3 * * * *", "minute", "no range"), ("*/2/3 * * * *", "minute", "more than one step"),
    ("+5 * * * *", "minute", "0-59"), ("-5 * * * *", "minute", "0-59"),
    ("* * L * *", "day of month", "1-31"), ("* * * * 1#2", "day of week", "0-7"),
    ("? * * * *", "minute", "0-59"), ("99999999999999999999 * * * *", "minute", "0-59"),
    ("* * * * *-5", "day of week", "0-7"),
  ])
  func `a mistake names the field, the value and what is allowed`(
    text: String, field: String, allowed: String
  ) {
    let error = #expect(throws: JobsError.self) { try CronExpression.parse(text) }
    guard case .cron(let found, let value, let reason) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(found == field)
    #expect(reason.contains(allowed), "\(reason)")
    #expect(value.isEmpty || text.contains(value))
    #expect(error?.code == "cron_invalid")
    #expect(error?.hint != nil)
  }
}

/// Moments written for people.
enum Moments {
  static func utc(_ text: String) -> Timestamp {
    at(text + " +0000")
  }

  /// `2026-03-29 03:00 +0200`
  static func at(_ text: String) -> Timestamp {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = .gmt
    formatter.dateFormat = "yyyy-MM-dd HH:mm Z"
    guard let date = formatter.date(from: text) else {
      Issue.record("\(text) is no moment")
      return Timestamp(microseconds: 0)
    }
    return Timestamp(microseconds: Int64(date.timeIntervalSince1970) * 1_000_000)
  }

  static func text(_ moment: Timestamp, _ zone: TimeZone) -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = zone
    formatter.dateFormat = "yyyy-MM-dd HH:mm xx"
    return formatter.string(
      from: Date(timeIntervalSince1970: Double(moment.microseconds) / 1e6))
  }
}
