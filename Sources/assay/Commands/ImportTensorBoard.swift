// `assay import tensorboard`: scalars from event files.

import ArgumentParser
import Imports

struct ImportTensorBoard: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tensorboard",
    abstract: "Import the scalars and hyperparameters of TensorBoard's event files.",
    discussion: """
      Every folder below LOGDIR with event files is a run, named by its path. The checksums are \
      verified: a damaged file is imported up to its damage.

      Examples:
        assay import tensorboard runs/
        assay import tensorboard /srv/logs/may --name may --experiment resnet
      """)

  @Argument(
    help: ArgumentHelp("A folder with event files below it.", valueName: "logdir"),
    completion: .directory)
  var folder: String

  @OptionGroup var source: SourceName
  @OptionGroup var arguments: ImportArguments
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let options = try source.options(arguments)
    let logs = try ImportArguments.failing { () throws(ImportError) in
      try TensorBoardLogs(folder, absolutePath: ImportArguments.absolute(folder), options: options)
    }
    try await arguments.run(logs, title: "importing from TensorBoard", common: common)
  }
}

/// What names runs whose source has no ids for them.
struct SourceName: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Name the source, in place of its path: with the same name it is the same source after it has \
      moved.
      """))
  var name: String?

  func options(_ arguments: ImportArguments) throws(CommandError) -> ImportOptions {
    if let name { try ImportArguments.check(name: name, option: "--name") }
    return ImportOptions(experiment: arguments.experiment, name: name)
  }
}
