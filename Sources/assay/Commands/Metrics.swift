// `assay metrics`: the series of a run, drawn small, or one of them value by value.

import ArgumentParser
import Client
import Experiments
import Wire

struct MetricsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics",
    abstract: "Show the metrics of a run, or one of them point by point.",
    discussion: """
      Without KEY: every metric with its course, last and best value. With KEY: its points too. On \
      a terminal a long series is thinned out, and says so; --json and a pipe get every point.

      Examples:
        assay metrics 12
        assay metrics @latest val_loss
      """)

  @Argument(help: ArgumentHelp("The run.", valueName: "run"))
  var name: String

  @Argument(help: "A metric, such as val_loss.")
  var key: String?

  @OptionGroup var common: CommonOptions

  /// A drawn series looks the same with so many points as with all.
  private static let plotPoints = 2_000
  /// Series that are asked for at once.
  private static let together = 8

  func run() async throws {
    try await common.withClient { client in
      if let key {
        let isShown = Terminal.isInteractive && !common.json
        let history = try await client.history(
          name, key: key, points: isShown ? Self.plotPoints : nil)
        try common.print(history) {
          let most = Terminal.isInteractive ? HistoryReport.mostRows : Int.max
          Terminal.print(HistoryReport.lines(history, mostRows: most, style: Terminal.style))
        }
      } else {
        let histories = try await histories(client)
        try common.print(Page(items: histories)) {
          guard !histories.isEmpty else { return Terminal.print("no metrics yet") }
          Terminal.print(HistoryReport.table(histories))
        }
      }
    }
  }

  private func histories(_ client: AssayClient) async throws -> [MetricHistory] {
    let run = try await client.run(name)
    let keys = run.metrics.keys.sorted(by: MetricOrder.isBefore)
    var found: [String: MetricHistory] = [:]
    try await withThrowingTaskGroup(of: MetricHistory.self) { group in
      for (index, key) in keys.enumerated() {
        if index >= Self.together, let history = try await group.next() {
          found[history.key] = history
        }
        let points = common.json ? nil : Self.plotPoints
        group.addTask { try await client.history(String(run.id), key: key, points: points) }
      }
      for try await history in group { found[history.key] = history }
    }
    return keys.compactMap { found[$0] }
  }
}
