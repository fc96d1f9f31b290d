// `assay logs`: what a run's worker wrote, as it wrote it.

import ArgumentParser
import Client
import Experiments
import Wire

struct LogsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs",
    abstract: "Print the log of a run.",
    discussion: """
      The logs of all attempts of the run stand one after another. With --json each line is one \
      piece of the log with its byte offset.

      Examples:
        assay logs 12
        assay logs @latest -f
      """)

  @Argument(help: ArgumentHelp("The run.", valueName: "run"))
  var name: String

  @Flag(name: .shortAndLong, help: "Go on until the run has ended.")
  var follow = false

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      if follow {
        // one run all the way, though @latest may mean another one meanwhile
        let id = try await client.run(name).id
        for try await event in client.followLog(String(id)) {
          if common.json {
            Terminal.print(try JSONOutput.text(event, indented: false))
          } else {
            Terminal.write(event.text)
          }
        }
      } else {
        try await printAll(client)
      }
    }
  }

  private func printAll(_ client: AssayClient) async throws {
    var name = name
    var offset: Int64 = 0
    while true {
      let page = try await client.log(name, offset: offset, limit: Limits.logPieceBytes)
      if common.json {
        Terminal.print(try JSONOutput.text(page, indented: false))
      } else {
        Terminal.write(page.text)
      }
      if page.next == offset { break }
      offset = page.next
      name = String(page.runId)
    }
  }
}
