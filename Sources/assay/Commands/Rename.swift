// `assay rename`: gives a run another name.

import ArgumentParser
import Client
import Experiments
import Wire

struct RenameCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rename",
    abstract: "Give a run another name.",
    discussion: """
      Example:
        assay rename 12 wide-net
      """)

  @Argument(help: ArgumentHelp("The run.", valueName: "run"))
  var name: String

  @Argument(help: "Its new name.")
  var newName: String

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      let run = try await client.changeRun(name, RunChange(name: newName))
      try common.print(run) { Terminal.print("run \(run.id) is \(ShownText.line(run.name))") }
    }
  }
}
