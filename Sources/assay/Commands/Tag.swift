// `assay tag`: sets and removes a run's tags.

import ArgumentParser
import Client
import Experiments
import Wire

struct TagCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tag",
    abstract: "Set or remove tags of a run.",
    discussion: """
      Examples:
        assay tag 12 purpose=release reviewed=yes
        assay tag 12 --remove reviewed
      """)

  @Argument(help: ArgumentHelp("The run.", valueName: "run"))
  var name: String

  @Argument(help: ArgumentHelp("Tags to set.", valueName: "key=value"))
  var tags: [Assignment] = []

  @Option(help: ArgumentHelp("A tag to remove; may be repeated.", valueName: "key"))
  var remove: [String] = []

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if tags.isEmpty && remove.isEmpty {
      throw ValidationError("no tag is given: KEY=VALUE sets one, --remove KEY removes one")
    }
  }

  func run() async throws {
    var changes: [String: String?] = [:]
    for key in remove { changes.updateValue(nil, forKey: key) }
    for tag in tags { changes[tag.key] = tag.value }
    try await common.withClient { [changes] client in
      let run = try await client.changeRun(name, RunChange(tags: changes))
      try common.print(run) {
        let tags = run.tags.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }
        let text = tags.isEmpty ? "no tags" : tags.joined(separator: ", ")
        Terminal.print("run \(run.id): \(ShownText.line(text))")
      }
    }
  }
}
