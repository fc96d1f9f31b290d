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
      ScheduleAdd.self, ScheduleList.self, ScheduleShow.self, SchedulePause.self,
      ScheduleResume.self, ScheduleRemove.self, ScheduleRun.self, ScheduleHistory.self,
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

      Where the clock is changed, each time that CRON names still comes once; docs/schedules.md has \
      the table.

      Examples:
        assay schedule add "0 2 * * *" reference.yaml --check @nightly
        assay schedule add "0 * * * *" reference.yaml --jitter 10m --catch-up none
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

  @Option(
    help: ArgumentHelp(
      "What was missed while no daemon ran: fire once for all of it (one) or not (none).",
      valueName: "policy"))
  var catchUp = ScheduleCatchUp.one

  @Option(
    help: ArgumentHelp(
      "While its last job is under way: skip the firing, or allow it.", valueName: "policy"))
  var overlap = ScheduleOverlap.skip

  @Option(
    help: ArgumentHelp(
      "Spread the firings over so long after their time, e.g. 90s, 10m, 1h.", valueName: "span"))
  var jitter: JitterSpan?

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let spec = try SpecFile(path: file)
    let checked = try spec.checked()
    try await common.withClient { client in
      let schedule = try await client.addSchedule(
        ScheduleRequest(
          name: name ?? checked.name, cron: cron, timeZone: timeZone, spec: spec.value,
          checkBaseline: check.map(BaselineName.bare), context: GitContext.current(),
          catchUp: catchUp, overlap: overlap, jitterSeconds: jitter?.seconds))
      guard !common.json else { return try common.print(schedule) {} }
      let times = try await client.scheduleTimes(schedule.id).items
      Terminal.print(ScheduleText.added(schedule, now: Moments.now()))
      Terminal.print(ScheduleText.times(times, isPaused: false, now: Moments.now()))
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

  @Argument(help: "Number or name of the schedule.")
  var schedule: String

  @OptionGroup var common: CommonOptions

  func run() async throws { try await ScheduleName.pause(schedule, true, common) }
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

  @Argument(help: "Number or name of the schedule.")
  var schedule: String

  @OptionGroup var common: CommonOptions

  func run() async throws { try await ScheduleName.pause(schedule, false, common) }
}

struct ScheduleRemove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rm",
    abstract: "Remove a schedule; its jobs and runs stay.",
    discussion: """
      Example:
        assay schedule rm 1
      """)

  @Argument(help: "Number or name of the schedule.")
  var schedule: String

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      let id = try await ScheduleName.number(schedule, client)
      let answer = try await client.deleteSchedule(id)
      try common.print(answer) { Terminal.print("schedule \(id) is removed") }
    }
  }
}

struct ScheduleRun: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Fire a schedule now, as if it were due.",
    discussion: """
      Nothing is submitted while the schedule's last job is still under way, unless it was added \
      with --overlap allow. Its own times stay as they are.

      Examples:
        assay schedule run 1
        assay schedule run nightly --wait
      """)

  @Argument(help: "Number or name of the schedule.")
  var schedule: String

  @Flag(help: "Wait for the job's end, and for its verdict if it is checked.")
  var wait = false

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      let id = try await ScheduleName.number(schedule, client)
      let firing = try await client.runSchedule(id)
      guard let job = firing.job else {
        return try common.print(firing) {
          Terminal.print("nothing submitted: the last job of schedule \(id) is under way")
        }
      }
      guard wait else {
        return try common.print(firing) { Terminal.print(SubmitCommand.line(job)) }
      }
      try await JobEnding.await([job], client: client, mode: .wait, json: common.json)
      guard firing.schedule.checkBaseline != nil, !common.json else { return }
      let check = try await verdict(of: job, client)
      Terminal.print(CheckText.lines(check))
    }
  }

  /// The check follows the job's end within moments.
  private func verdict(of job: Job, _ client: AssayClient) async throws -> Check {
    while true {
      if let check = try await client.checks(limit: 100).items.first(where: { $0.jobId == job.id })
      {
        return check
      }
      try await Task.sleep(for: .milliseconds(50))
    }
  }
}

/// Schedules are named by their number or their name.
enum ScheduleName {
  static func number(_ text: String, _ client: AssayClient) async throws -> Int64 {
    if let number = Int64(text) { return number }
    let schedules = try await client.schedules().items
    if let found = schedules.first(where: { $0.name == text }) { return found.id }
    throw CommandError.badArgument(
      "there is no schedule \(text)"
        + NearestName.question(for: text, among: schedules.map(\.name)),
      hint: "see: assay schedule list")
  }

  static func pause(_ name: String, _ paused: Bool, _ common: CommonOptions) async throws {
    try await common.withClient { client in
      let id = try await number(name, client)
      let schedule = try await client.changeSchedule(id, ScheduleChange(paused: paused))
      try common.print(schedule) {
        Terminal.print(
          schedule.paused
            ? "schedule \(id) is paused"
            : "schedule \(id) goes on; \(ScheduleText.next(schedule, now: Moments.now()))")
      }
    }
  }
}
