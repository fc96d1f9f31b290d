// `assay status`: whether the daemon is well, and what it has to do.

import ArgumentParser
import Client
import Experiments
import Wire

struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show the daemon's state.",
    discussion: """
      Example:
        assay status
      """)

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      let status = try await client.status()
      try common.print(status) {
        Terminal.print(Self.fields(status).lines(style: Terminal.style))
      }
    }
  }

  private static func fields(_ status: DaemonStatus) -> FieldList {
    let jobs = JobState.allCases.compactMap { state in
      status.jobsByState[state.rawValue].flatMap { $0 > 0 ? "\($0) \(StateText.text(state))" : nil }
    }
    var fields = FieldList()
    fields.add("assayd", "\(status.version), process \(status.pid)")
    fields.add("since", Moments.localAndRelative(status.startedAt, now: Moments.now()))
    fields.add("socket", status.socket)
    fields.add("data", "\(status.dataFolder), \(Quantities.bytes(status.databaseBytes))")
    fields.add("slots", "\(status.slotsInUse) of \(status.slots) in use")
    fields.add("jobs", jobs.isEmpty ? "none" : jobs.joined(separator: ", "))
    fields.add("runs", Numbers.count(status.runs))
    fields.add("schedules", String(status.schedules))
    let libraries = status.libraries.sorted { $0.key < $1.key }.map { "\($0) \($1)" }
    fields.add("libraries", libraries.joined(separator: ", "))
    return fields
  }
}
