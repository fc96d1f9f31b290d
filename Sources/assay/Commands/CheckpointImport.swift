// `assay checkpoint import`: a safetensors file becomes a checkpoint or snapshot of a run.

import ArgumentParser
import Checkpoints
import Client
import Experiments
import Wire

struct CheckpointImport: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Keep a safetensors file as a checkpoint of a run.",
    discussion: """
      A file that was exported from Assay says which epoch it is of; of another one --epoch does. \
      It is kept as a checkpoint if it has the state of an optimizer beside the weights (tensors \
      named optimizer.…), else as a snapshot. The same file again changes nothing. A run whose job \
      is under way takes none.

      Examples:
        assay checkpoint import 12 run-12-epoch-7.safetensors
        assay checkpoint import 12 model.safetensors --epoch 3
      """)

  /// Of a file; the same as of a checkpoint with its header.
  private static let maxBytes = Int(Limits.checkpointBytes)

  @Argument(help: ArgumentHelp("The run.", valueName: "run"))
  var name: String

  @Argument(
    help: ArgumentHelp("The file.", valueName: "file"),
    completion: .file(extensions: ["safetensors"]))
  var file: String

  @Option(help: "The epoch; by default what the file says.")
  var epoch: Int?

  @Option(help: "The optimizer's updates so far; by default what the file says, or 0.")
  var step: Int64?

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if let epoch, epoch < 0 { throw ValidationError("--epoch \(epoch) is below 0") }
    if let step, step < 0 { throw ValidationError("--step \(step) is below 0") }
  }

  func run() async throws {
    let bytes = try LocalFile.beginning(of: file, limit: Self.maxBytes + 1)
    guard bytes.count <= Self.maxBytes else {
      throw CommandError.badArgument(
        "\(file) is larger than \(Quantities.bytes(Limits.checkpointBytes)), the most that a "
          + "checkpoint may have", hint: nil)
    }
    let parsed: SafetensorsFile
    do {
      parsed = try SafetensorsFile(parsing: bytes)
    } catch {
      throw CommandError.answered(
        ErrorBody(code: error.code, message: "\(file): \(error.message)", hint: error.hint))
    }
    guard let epoch = epoch ?? parsed.metadata["epoch"].flatMap({ Int($0) }), epoch >= 0 else {
      throw CommandError.badArgument(
        "\(file) does not say which epoch it is of", hint: "say it with --epoch")
    }
    let step = step ?? parsed.metadata["step"].flatMap { Int64($0) } ?? 0
    let hasMemory = parsed.tensors.contains { $0.name.hasPrefix("optimizer.") }
    try await common.withClient { client in
      let checkpoint = try await client.putCheckpoint(
        run: name, kind: hasMemory ? .checkpoint : .snapshot, epoch: epoch, step: max(0, step),
        file: bytes)
      try common.print(checkpoint) {
        Terminal.print(
          "run \(checkpoint.runId), epoch \(checkpoint.epoch): a \(checkpoint.kind.rawValue) of "
            + "\(checkpoint.tensors) tensors, \(Quantities.bytes(checkpoint.rawBytes)), "
            + "\(Quantities.bytes(checkpoint.storedBytes)) stored")
      }
    }
  }
}
