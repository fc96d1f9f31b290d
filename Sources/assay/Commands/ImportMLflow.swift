// `assay import mlflow`: runs from a local store of MLflow.

import ArgumentParser
import Imports

struct ImportMLflow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mlflow",
    abstract: "Import the runs of a local store of MLflow, with their artifacts.",
    discussion: """
      PLACE is a database (mlflow.db), a folder mlruns, a folder with one of them, or their URI. \
      The store is only read; MLflow may go on working with it.

      Examples:
        assay import mlflow mlflow.db
        assay import mlflow mlruns/ --dry-run
        assay import mlflow sqlite:////srv/mlflow/mlflow.db --artifacts /srv/mlflow/mlartifacts
      """)

  @Argument(help: "The store.", completion: .file())
  var place: String

  @Flag(help: "Import runs that were deleted in MLflow, too.")
  var deleted = false

  @Option(
    help: ArgumentHelp(
      "Where the artifacts lie (EXPERIMENT/RUN/artifacts), if they were moved.",
      valueName: "folder"),
    completion: .directory)
  var artifacts: String?

  @Flag(help: "Leave the artifacts out.")
  var noArtifacts = false

  @Flag(
    help: ArgumentHelp(
      "Take ±1.7976931348623157e308, as which MLflow's database keeps infinities, for these."))
  var infinities = false

  @OptionGroup var arguments: ImportArguments
  @OptionGroup var common: CommonOptions

  func run() async throws {
    var options = MLflowOptions(
      common: ImportOptions(experiment: arguments.experiment))
    options.deleted = deleted
    options.artifacts = !noArtifacts
    options.artifactsFolder = artifacts.map { ImportArguments.absolute($0) }
    options.infinities = infinities
    let source = try ImportArguments.failing { () throws(ImportError) in
      try MLflowStore.open(place, options: options) { ImportArguments.absolute($0) }
    }
    try await arguments.run(source, title: "importing from MLflow", common: common)
  }
}
