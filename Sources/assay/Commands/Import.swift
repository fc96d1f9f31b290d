// `assay import`: runs from elsewhere. One subcommand per kind of source.

import ArgumentParser

struct ImportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Bring in runs from elsewhere.",
    discussion: """
      An import may be repeated: what is here already is not brought in twice, and one that was \
      interrupted goes on where it was.

      Examples:
        assay import archive quickstart.tar
      """,
    subcommands: [
      ImportArchive.self
    ])
}
