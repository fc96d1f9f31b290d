// `assay import`: runs from elsewhere. One subcommand per kind of source.

import ArgumentParser

struct ImportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Bring in runs from elsewhere.",
    discussion: """
      An import may be repeated: what is there already stays, what is new is added, and one that was \
      broken off is finished. At its end it says what was skipped, and why.

      Examples:
        assay import mlflow mlflow.db
        assay import tensorboard runs/
        assay import archive quickstart.tar
      """,
    subcommands: [
      ImportMLflow.self, ImportTensorBoard.self, ImportCSV.self, ImportJSONLines.self,
      ImportArchive.self,
    ])
}
