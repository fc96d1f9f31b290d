// What is said of schedules.

import Experiments

enum ScheduleText {
  static func added(_ schedule: Schedule, now: Timestamp) -> String {
    let name = ShownText.line(schedule.name)
    var text = "schedule \(schedule.id)  \(name)  \(schedule.cron) (\(schedule.timeZone))"
    if let baseline = schedule.checkBaseline { text += "  checked against @\(baseline)" }
    return ShownText.line(text) + "  " + next(schedule, now: now)
  }

  static func table(_ schedules: [Schedule], now: Timestamp) -> TextTable {
    var table = TextTable([
      .right("schedule"), .left("name", flexible: true), .left("cron"), .left("zone"),
      .left("check"), .left("last fired"), .left("next"),
    ])
    for schedule in schedules {
      table.add([
        .init(String(schedule.id)), .init(schedule.name), .init(schedule.cron),
        .init(schedule.timeZone), .init(schedule.checkBaseline.map { "@" + $0 } ?? ""),
        .init(schedule.lastFiredAt.map { Moments.localAndRelative($0, now: now) } ?? "never"),
        schedule.paused
          ? .init("paused", .caution)
          : .init(schedule.nextAt.map { Moments.localAndRelative($0, now: now) } ?? "never"),
      ])
    }
    return table
  }

  static func next(_ schedule: Schedule, now: Timestamp) -> String {
    "next at " + (schedule.nextAt.map { Moments.localAndRelative($0, now: now) } ?? "no time")
  }
}
