// `assay schedule show`: one schedule, its terms and when it fires next; `assay schedule history`:
// what became of its due times.

import ArgumentParser
import Client
import Experiments
import Wire

struct ScheduleShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show a schedule and its next five times.",
    discussion: """
      Example:
        assay schedule show nightly
      """)

  @Argument(help: "Number or name of the schedule.")
  var schedule: String

  @OptionGroup var common: CommonOptions

  struct Shown: Codable {
    var schedule: Schedule
    /// Empty if it will never fire, or cannot.
    var times: [ScheduleTime]
  }

  func run() async throws {
    try await common.withClient { client in
      let id = try await ScheduleName.number(schedule, client)
      let schedule = try await client.schedule(id)
      let shown = Shown(
        schedule: schedule,
        times: schedule.problem == nil ? try await client.scheduleTimes(id).items : [])
      try common.print(shown) {
        Terminal.print(
          ScheduleText.fields(schedule, now: Moments.now()).lines(style: Terminal.style))
        Terminal.print(
          ScheduleText.times(shown.times, isPaused: schedule.paused, now: Moments.now()))
      }
    }
  }
}

struct ScheduleHistory: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "List what became of a schedule's times, newest first.",
    discussion: """
      Example:
        assay schedule history nightly --limit 7
      """)

  @Argument(help: "Number or name of the schedule.")
  var schedule: String

  @Option(help: "List at most this many.")
  var limit = 20

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (1...Limits.pageItems).contains(limit) else {
      throw ValidationError("--limit \(limit) is not from 1 to \(Limits.pageItems)")
    }
  }

  func run() async throws {
    try await common.withClient { client in
      let id = try await ScheduleName.number(schedule, client)
      let page = try await client.scheduleHistory(id, limit: limit)
      try common.print(page) {
        guard !page.items.isEmpty else {
          return Terminal.print("schedule \(id) has not fired yet; see: assay schedule show \(id)")
        }
        Terminal.print(ScheduleText.history(page.items))
      }
    }
  }
}

extension ScheduleCatchUp: ExpressibleByArgument {}

extension ScheduleOverlap: ExpressibleByArgument {}

/// Seconds, or a number with `s`, `m` or `h`.
struct JitterSpan: ExpressibleByArgument {
  let seconds: Int

  init?(argument: String) {
    let factor: Int
    switch argument.last {
    case "s": factor = 1
    case "m": factor = 60
    case "h": factor = 3600
    default: factor = 0
    }
    let digits = factor == 0 ? argument[...] : argument.dropLast()
    guard let number = Int(digits), (0...Limits.jitterSeconds).contains(number),
      number * max(factor, 1) <= Limits.jitterSeconds
    else { return nil }
    seconds = number * max(factor, 1)
  }
}
