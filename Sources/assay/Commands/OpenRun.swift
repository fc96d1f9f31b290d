// `assay open`, `assay renew` and `assay end`: a run that somebody does outside of Assay, such as a
// shell script. It lives by a lease, so that one whose script has died does not run for ever.

import ArgumentParser
import Client
import Experiments
import Wire

struct OpenCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "open",
    abstract: "Open a run that Assay does not do itself.",
    discussion: """
      Prints the run's number. Every write to the run renews its lease; a run that nothing is heard \
      of for so long is lost, with its last write as its end, and comes back with the next one. \
      --lease 0 opens a run that is never lost.

      Examples:
        assay open backup --tag host=laptop
        assay open sweep --experiment cooling --param speed=3 --lease 3600
      """)

  /// Long enough for a step that says nothing, short enough to hear of a crash the same hour.
  static let leaseSeconds = 600

  @Argument(help: "Name of the run.")
  var name: String

  @Option(help: "The experiment it belongs to; by default \"default\".")
  var experiment: String?

  @Option(
    name: .customLong("param"),
    help: ArgumentHelp("A param; may be repeated.", valueName: "key=value"))
  var params: [Assignment] = []

  @Option(
    name: .customLong("tag"),
    help: ArgumentHelp("A tag; may be repeated.", valueName: "key=value"))
  var tags: [Assignment] = []

  @Option(help: ArgumentHelp("How long it may be silent.", valueName: "seconds"))
  var lease = OpenCommand.leaseSeconds

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard lease == 0 || Limits.leaseSeconds.contains(lease) else {
      let range = Limits.leaseSeconds
      throw ValidationError(
        "--lease \(lease) is neither 0 nor from \(range.lowerBound) to \(range.upperBound)")
    }
  }

  func run() async throws {
    let opening = OpenRun(
      uid: Identifier(at: Moments.now()), name: name, experiment: experiment,
      params: Dictionary(params.map { ($0.key, .string($0.value)) }) { $1 },
      tags: Dictionary(tags.map { ($0.key, $0.value) }) { $1 },
      leaseSeconds: lease == 0 ? nil : lease)
    try await common.withClient { client in
      let run = try await client.openRun(opening)
      try common.print(run) { Terminal.print(String(run.id)) }
    }
  }
}

struct RenewCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "renew",
    abstract: "Say that a run which was opened goes on.",
    discussion: """
      Needed only where nothing is recorded for longer than the lease.

      Example:
        assay renew 12
      """)

  @Argument(help: ArgumentHelp("The run.", valueName: "run"))
  var name: String

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      let lease = try await client.renewRun(name)
      try common.print(lease) {
        let length = Quantities.duration(Double(lease.seconds))
        Terminal.print("run \(lease.runId) goes on for another \(length)")
      }
    }
  }
}

struct EndCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "end",
    abstract: "End a run that was opened.",
    discussion: """
      Examples:
        assay end 12
        assay end 12 --status failed
      """)

  @Argument(help: ArgumentHelp("The run.", valueName: "run"))
  var name: String

  @Option(help: "finished, failed, cancelled, timed_out or lost.")
  var status = RunStatus.finished

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      let run = try await client.endRun(name, EndRun(status: status))
      try common.print(run) { Terminal.print("run \(run.id) \(StateText.text(run.status))") }
    }
  }
}
