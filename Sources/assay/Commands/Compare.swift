// `assay compare`: runs side by side, or two sides of runs with a verdict per metric.

import ArgumentParser
import Client
import Experiments
import Wire

struct CompareCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compare runs: side by side, or a reference with a candidate.",
    discussion: """
      Single runs are set side by side: the params that differ, and the metrics with the best one \
      marked. Two sides of which one is a baseline or a set of runs (2-6) are judged: the reference \
      comes first, and each metric gets a verdict.

      Examples:
        assay compare 3 4 5
        assay compare @nightly @latest
        assay compare 2-6 7-11 --metrics test_f1,test_loss
      """)

  @Argument(help: ArgumentHelp("Runs, or two sides.", valueName: "run"))
  var names: [String]

  @Option(
    help: ArgumentHelp("Only these metrics, separated by commas.", valueName: "keys"))
  var metrics: String?

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard names.count > 1 || RunName.mayBeSeveral(names.first ?? "") else {
      throw ValidationError("a comparison needs two runs or more")
    }
  }

  func run() async throws {
    let keys = metrics.map { $0.split(separator: ",").map { String($0) } }
    try await common.withClient { client in
      if names.count == 2, names.contains(where: RunName.mayBeSeveral) {
        let comparison = try await client.compare(
          CompareRequest(reference: [names[0]], candidate: [names[1]], metrics: keys))
        try common.print(comparison) {
          Terminal.print(
            VerdictReport(comparison, reference: names[0], candidate: names[1])
              .lines(width: Terminal.width, style: Terminal.style))
        }
      } else {
        var runs: [Run] = []
        for id in try await client.resolve(names) { runs.append(try await client.run(String(id))) }
        try common.print(Page(items: runs)) {
          Terminal.print(
            SideBySide(runs, metrics: keys).lines(width: Terminal.width, style: Terminal.style))
        }
      }
    }
  }
}

/// What can be told of a run's name without asking the daemon.
enum RunName {
  static let latest = "@latest"

  /// Whether the name may mean more than one run: a baseline or a range.
  static func mayBeSeveral(_ name: String) -> Bool {
    if name.hasPrefix("@") { return name != latest }
    return name.contains("-") || name.contains(",")
  }
}
