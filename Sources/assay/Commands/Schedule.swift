// `assay schedule`: jobs that are submitted by the clock.

import ArgumentParser
import Client
import Experiments
import Wire

struct ScheduleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schedule",
    abstract: "Submit jobs by the clock, and check them.",
    discussion: """
      Examples:
        assay schedule add "0 2 * * *" reference.yaml --check @nightly
        assay schedule list
        assay schedule run 1
      """,
    subcommands: [
      ScheduleAdd.self, ScheduleList.self, SchedulePause.self, ScheduleResume.self,
      ScheduleRemove.self, ScheduleRun.self,
    ])
}

struct ScheduleAdd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Add a schedule for a spec file.",
    usage: "assay schedule add CRON FILE [--check @NAME] [options]",
    discussion: """
      CRON has five fields: minute, hour, day of month, month, day of week. Each firing gets a seed \
      of its own, which is recorded. With --check the finished run is compared with the baseline; \
      assay checks lists the verdicts.

      Example:
        assay schedule add "0 2 * * *" reference.yaml --check @nightly
      """)

  @Argument(help: "When, as a cron expression in quotes.")
  var cron: String

  @Argument(help: "The job spec.", completion: .file(extensions: ["yaml", "yml", "json"]))
  var file: String

  @Option(help: ArgumentHelp("Compare each finished run with this baseline.", valueName: "@name"))
  var check: String?

  @Option(help: "Name of the schedule; by default the spec's.")
  var name: String?

  @Option(
    help: ArgumentHelp(
      "Zone of the times, such as Europe/Berlin; by default the machine's.", valueName: "zone"))
  var timeZone: String?

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let spec = try SpecFile(path: file)
    let checked = try spec.checked()
    try await common.withClient { client in
      let schedule = try await client.addSchedule(
        ScheduleRequest(
          name: name ?? checked.name, cron: cron, timeZone: timeZone, spec: spec.value,
          checkBaseline: check.map(BaselineName.bare), context: GitContext.current()))
      try common.print(schedule) {
        Terminal.print(ScheduleText.added(schedule, now: Moments.now()))
      }
    }
  }
}

struct ScheduleList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the schedules and when they fire next.",
    discussion: """
      Example:
        assay schedule list
      """)

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      let page = try await client.schedules()
      try common.print(page) {
        guard !page.items.isEmpty else {
          return Terminal.print("no schedules yet; add one with: assay schedule add CRON FILE")
        }
        Terminal.print(ScheduleText.table(page.items, now: Moments.now()))
      }
    }
  }
}

struct SchedulePause: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pause",
    abstract: "Stop a schedule from firing.",
    discussion: """
      Example:
        assay schedule pause 1
      """)

  @Argument(help: "Number of the schedule.")
  var schedule: Int64

  @OptionGroup var common: CommonOptions

  func run() async throws { try await ScheduleText.pause(schedule, true, common) }
}

struct ScheduleResume: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Let a paused schedule fire again.",
    discussion: """
      Times that passed meanwhile are not made up for.

      Example:
        assay schedule resume 1
      """)

  @Argument(help: "Number of the schedule.")
  var schedule: Int64

  @OptionGroup var common: CommonOptions

  func run() async throws { try await ScheduleText.pause(schedule, false, common) }
}

struct ScheduleRemove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rm",
    abstract: "Remove a schedule; its jobs and runs stay.",
    discussion: """
      Example:
        assay schedule rm 1
      """)

  @Argument(help: "Number of the schedule.")
  var schedule: Int64

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      let answer = try await client.deleteSchedule(schedule)
      try common.print(answer) { Terminal.print("schedule \(schedule) is removed") }
    }
  }
}

struct ScheduleRun: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Fire a schedule now, as if it were due.",
    discussion: """
      Nothing is submitted while the schedule's last job is still under way.

      Example:
        assay schedule run 1
      """)

  @Argument(help: "Number of the schedule.")
  var schedule: Int64

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      let firing = try await client.runSchedule(schedule)
      try common.print(firing) {
        if let job = firing.job {
          Terminal.print(SubmitCommand.line(job))
        } else {
          Terminal.print("nothing submitted: the last job of schedule \(schedule) is under way")
        }
      }
    }
  }
}

enum ScheduleText {
  static func pause(_ id: Int64, _ paused: Bool, _ common: CommonOptions) async throws {
    try await common.withClient { client in
      let schedule = try await client.changeSchedule(id, ScheduleChange(paused: paused))
      try common.print(schedule) {
        Terminal.print(
          schedule.paused
            ? "schedule \(id) is paused"
            : "schedule \(id) goes on; \(next(schedule, now: Moments.now()))")
      }
    }
  }

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

  private static func next(_ schedule: Schedule, now: Timestamp) -> String {
    "next at " + (schedule.nextAt.map { Moments.localAndRelative($0, now: now) } ?? "no time")
  }
}
