// When a schedule fires: the due times of its cron expression, each moved by its own share of the
// jitter. The share follows from the schedule and the due time alone, so it is the same after a
// restart.

import Experiments
import Foundation
import Jobs

struct ScheduleTiming {
  private let scheduleId: Int64
  private let cron: CronExpression
  private let zone: TimeZone
  private let jitterSeconds: Int

  /// - Throws: `JobsError` (cron, time zone): what was stored by another version may be unknown here.
  init(_ schedule: Schedule) throws(JobsError) {
    scheduleId = schedule.id
    cron = try CronExpression.parse(schedule.cron)
    zone = try MachineTimeZone.named(schedule.timeZone)
    jitterSeconds = schedule.jitterSeconds
  }

  /// The due time after a moment.
  func next(after moment: Timestamp) -> Timestamp? { cron.next(after: moment, in: zone) }

  /// When the firing of a due time takes place.
  func start(of due: Timestamp) -> Timestamp {
    guard jitterSeconds > 0 else { return due }
    return due.adding(
      seconds: Firing(scheduleId: scheduleId, due: due).delay(atMost: jitterSeconds))
  }

  /// The last due time whose firing should have taken place by `now`, of those from `first` on,
  /// which is one of them: after a time in which no daemon ran, a schedule fires once for all it
  /// has missed.
  func latest(from first: Timestamp, now: Timestamp) -> Timestamp {
    var due = first
    // All that are due before this moment have started, whatever their share.
    let certain = now.adding(seconds: -Double(jitterSeconds))
    // Begins near the end where that is possible, not with the first of thousands of minutes.
    for hours: Double in [1, 24, 24 * 40, 24 * 400] {
      let start = certain.adding(seconds: -3600 * hours)
      guard start > first else { break }
      if let found = next(after: start), found <= certain {
        due = found
        break
      }
    }
    var candidate = due
    while let later = next(after: candidate), later <= now {
      candidate = later
      if self.start(of: later) <= now { due = later }
    }
    return due
  }

  /// The firings to come, from the one of `first` on.
  func times(from first: Timestamp?, count: Int) -> [ScheduleTime] {
    var times: [ScheduleTime] = []
    var due = first
    while let one = due, times.count < count {
      times.append(ScheduleTime(dueAt: one, firesAt: start(of: one)))
      due = next(after: one)
    }
    return times
  }
}
