// `assay checks`: the verdicts so far, or one of them with its whole comparison.

import ArgumentParser
import Client
import Experiments
import Wire

struct ChecksCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checks",
    abstract: "List the checks against baselines, newest first, or show one.",
    discussion: """
      Checks come from assay check and from schedules with a baseline.

      Examples:
        assay checks --limit 7
        assay checks 12
      """)

  @Argument(help: ArgumentHelp("A check to show as it was judged.", valueName: "check"))
  var id: Int64?

  @Option(help: "List at most this many.")
  var limit = 30

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (1...Limits.pageItems).contains(limit) else {
      throw ValidationError("--limit \(limit) is not from 1 to \(Limits.pageItems)")
    }
  }

  func run() async throws {
    try await common.withClient { client in
      if let id {
        let check = try await client.check(id)
        return try common.print(check) { Terminal.print(CheckText.lines(check)) }
      }
      let page = try await client.checks(limit: limit)
      try common.print(page) {
        guard !page.items.isEmpty else {
          return Terminal.print("no checks yet; make one with: assay check @NAME")
        }
        Terminal.print(Self.table(page.items, now: Moments.now()))
      }
    }
  }

  private static func table(_ checks: [Check], now: Timestamp) -> TextTable {
    var table = TextTable([
      .right("check"), .left("when"), .left("baseline"), .left("runs"), .left("from"),
      .left("verdict"), .left("worse", flexible: true),
    ])
    for check in checks {
      let comparison = check.comparison
      let worse = comparison.metrics.filter { $0.verdict == .worse }.map(\.metric)
      table.add([
        .init(String(check.id)), .init(Moments.localAndRelative(check.createdAt, now: now)),
        .init("@" + check.baseline), .init(NumberList.text(comparison.candidateRunIds)),
        .init(check.scheduleId.map { "schedule \($0)" } ?? "assay check"),
        .init(VerdictText.text(comparison.verdict), VerdictText.tint(comparison.verdict)),
        .init(worse.joined(separator: ", ")),
      ])
    }
    return table
  }
}
