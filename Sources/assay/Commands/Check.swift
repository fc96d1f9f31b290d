// `assay check`: compares runs with a baseline, keeps the verdict, and makes it the exit code.

import ArgumentParser
import Client
import Experiments
import Wire

struct CheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check runs against a baseline; the exit code is the verdict.",
    discussion: """
      Without RUN: the newest finished run of the baseline's experiment that is not in the baseline. \
      The verdict is kept and listed by assay checks.

      Exit codes: 0 nothing got worse, 1 worse, 2 an error, 3 not enough data.

      Examples:
        assay check @nightly
        assay check @nightly 7-11 --json
      """)

  @Argument(help: ArgumentHelp("The baseline.", valueName: "@name"))
  var baseline: String

  @Argument(help: ArgumentHelp("The runs to check.", valueName: "run"))
  var names: [String] = []

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let name = BaselineName.bare(baseline)
    let check = try await common.withClient { client in
      try await client.check(CheckRequest(baseline: name, runs: names))
    }
    try common.print(check) { Terminal.print(CheckText.lines(check)) }
    switch check.comparison.verdict {
    case .worse: throw Ending.failed
    case .notEnoughData: throw Ending.notEnoughData
    case .better, .equivalent, .different: break
    }
  }
}

/// Baselines are written with an @ where runs may stand too, and have none of their own.
enum BaselineName {
  static func bare(_ name: String) -> String {
    name.hasPrefix("@") ? String(name.dropFirst()) : name
  }
}
