// `assay show`: all that is known of one run.

import ArgumentParser
import Client
import Wire

struct ShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show all that is known of a run.",
    discussion: """
      State, data, metrics, params, the model's graph, attempts, checkpoints, artifacts and cost.

      Examples:
        assay show 12
        assay show @latest --json
      """)

  @Argument(help: ArgumentHelp("The run.", valueName: "run"))
  var name: String

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      let detail = try await client.detail(name)
      try common.print(detail) {
        Terminal.print(
          RunReport(detail, now: Moments.now()).lines(
            width: Terminal.width, style: Terminal.style))
      }
    }
  }
}
