// `assay note`: what a person has to say about a run.

import ArgumentParser
import Client
import Experiments
import Wire

struct NoteCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "note",
    abstract: "Write the note of a run, in place of the one before.",
    discussion: """
      An empty text removes the note.

      Example:
        assay note 12 "first run with the new data"
      """)

  @Argument(help: ArgumentHelp("The run.", valueName: "run"))
  var name: String

  @Argument(help: "The note.")
  var text: String

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      let run = try await client.changeRun(name, RunChange(note: text))
      try common.print(run) {
        Terminal.print(
          run.note.isEmpty
            ? "run \(run.id) has no note" : "run \(run.id): \(ShownText.line(run.note))")
      }
    }
  }
}
