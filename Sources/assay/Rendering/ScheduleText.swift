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
      .left("check"), .left("last fired"), .left("next"), .left("problem", flexible: true),
    ])
    for schedule in schedules {
      table.add([
        .init(String(schedule.id)), .init(schedule.name), .init(schedule.cron),
        .init(schedule.timeZone), .init(schedule.checkBaseline.map { "@" + $0 } ?? ""),
        .init(schedule.lastFiredAt.map { Moments.localAndRelative($0, now: now) } ?? "never"),
        schedule.paused
          ? .init("paused", .caution)
          : .init(schedule.nextAt.map { Moments.localAndRelative($0, now: now) } ?? "never"),
        .init(schedule.problem ?? "", .bad),
      ])
    }
    return table
  }

  static func fields(_ schedule: Schedule, now: Timestamp) -> FieldList {
    var fields = FieldList()
    fields.add("schedule", "\(schedule.id)  \(schedule.name)")
    fields.add("cron", "\(schedule.cron) (\(schedule.timeZone))")
    fields.add("job", schedule.spec["kind"]?.stringValue)
    fields.add("check", schedule.checkBaseline.map { "@" + $0 })
    fields.add("catch up", schedule.catchUp.rawValue)
    fields.add("overlap", schedule.overlap.rawValue)
    if schedule.jitterSeconds > 0 {
      fields.add("jitter", Quantities.duration(Double(schedule.jitterSeconds)))
    }
    fields.add("added", Moments.localAndRelative(schedule.createdAt, now: now))
    fields.add(
      "last fired", schedule.lastFiredAt.map { Moments.localAndRelative($0, now: now) } ?? "never")
    if schedule.paused { fields.add("state", "paused", .caution) }
    fields.add("problem", schedule.problem, .bad)
    return fields
  }

  /// One line per coming time.
  static func times(_ times: [ScheduleTime], isPaused: Bool, now: Timestamp) -> [String] {
    guard !times.isEmpty else { return ["it will never fire"] }
    return [isPaused ? "would fire next at" : "fires next at"]
      + times.map { time in
        "  " + Moments.localToTheSecond(time.firesAt)
          + " (\(Moments.relative(time.firesAt, to: now)))"
      }
  }

  static func history(_ firings: [FiringRecord]) -> TextTable {
    var table = TextTable([
      .left("due"), .left("decided"), .left("outcome"), .right("job"), .left("state"),
      .right("run"), .left("verdict"), .left("reason", flexible: true),
    ])
    for firing in firings {
      table.add([
        .init(Moments.localToTheSecond(firing.dueAt)),
        .init(Moments.localToTheSecond(firing.decidedAt)),
        .init(
          firing.manual ? firing.outcome.rawValue + " by hand" : firing.outcome.rawValue,
          firing.outcome == .refused ? .bad : .plain),
        .init(firing.jobId.map(String.init) ?? ""),
        firing.jobState.map { TextTable.Cell(StateText.text($0), StateText.tint($0)) } ?? "",
        .init(firing.runId.map(String.init) ?? ""),
        .init(firing.verdict?.replacing("_", with: " ") ?? ""), .init(firing.reason ?? ""),
      ])
    }
    return table
  }

  static func next(_ schedule: Schedule, now: Timestamp) -> String {
    "next at " + (schedule.nextAt.map { Moments.localAndRelative($0, now: now) } ?? "no time")
  }
}
