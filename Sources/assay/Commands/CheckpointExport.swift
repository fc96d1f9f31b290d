// `assay checkpoint export`: a state as a safetensors file; one that was not kept is computed again.

import ArgumentParser
import Client
import Experiments
import Wire

struct CheckpointExport: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a checkpoint or snapshot as a safetensors file.",
    discussion: """
      Of an epoch whose whole state is kept that is written, else its weights. The state of an \
      epoch that was not kept is computed by training again on this machine, from the nearest \
      earlier state that is whole or from the beginning; its SHA-256 must then be the one that was \
      recorded, or nothing is written.

      The file appears whole or not at all. An existing one is kept unless --force is given. \
      --output - writes it to standard output.

      Examples:
        assay checkpoint export 12 --checkpoint best --output model.safetensors
        assay checkpoint export 12 --epoch 7 --whole
        assay checkpoint export 12 --output - | sha256sum
      """)

  @Argument(help: ArgumentHelp("The run.", valueName: "run"))
  var name: String

  @Option(help: "best, latest, or the number of an epoch.")
  var checkpoint: CheckpointChoice = .best

  @Option(help: "The number of an epoch, kept or not.")
  var epoch: Int?

  @Flag(help: "The whole state, computed again where only the weights are kept.")
  var whole = false

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The file; by default run-RUN-epoch-EPOCH.safetensors.", valueName: "file"),
    completion: .file(extensions: ["safetensors"]))
  var output: String?

  @Flag(help: "Replace an existing file.")
  var force = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if let epoch, epoch < 1 { throw ValidationError("--epoch \(epoch): epochs begin with 1") }
  }

  func run() async throws {
    try await common.withClient { client in
      let run = try await client.run(name)
      let kept = try await client.checkpoints(String(run.id)).items
      let found = kept.first(where: isMeant)
      if let found, found.kind == .checkpoint || !whole {
        return try await export(found, client)
      }
      guard let epoch = found?.epoch ?? meantEpoch else { throw notThere(kept) }
      let file = try output(run: run.id, epoch: epoch)
      let rebuild = StateRebuild(client: client, run: run, kept: kept, epoch: epoch)
      let content = try await rebuild.write(to: file)
      if output == "-" { return }
      let exported = RebuiltCheckpoint(
        runId: run.id, epoch: epoch, sha256: content.sha256, rawBytes: content.rawBytes, file: file)
      try common.print(exported) {
        Terminal.print(
          "run \(run.id), epoch \(epoch), checkpoint, trained again: \(file), "
            + Quantities.bytes(content.rawBytes))
      }
    }
  }

  private func export(_ found: Checkpoint, _ client: AssayClient) async throws {
    let run = String(found.runId)
    if output == "-" {
      return Terminal.write(try await client.checkpointBytes(run, .epoch(found.epoch)))
    }
    let file = try output(run: found.runId, epoch: found.epoch)
    let size = try await client.checkpointFile(run, .epoch(found.epoch), to: file)
    try common.print(ExportedCheckpoint(checkpoint: found, file: file)) {
      Terminal.print(
        "run \(run), epoch \(found.epoch), \(found.kind.rawValue): \(file), "
          + Quantities.bytes(size))
    }
  }

  private func output(run: Int64, epoch: Int) throws -> String {
    let file = output ?? "run-\(run)-epoch-\(epoch).safetensors"
    if file != "-" { try LocalFile.checkThatAbsent(file, unless: force) }
    return file
  }

  private var meantEpoch: Int? {
    if let epoch { return epoch }
    if case .epoch(let epoch) = checkpoint { return epoch }
    return nil
  }

  private func isMeant(_ candidate: Checkpoint) -> Bool {
    if let meantEpoch { return candidate.epoch == meantEpoch }
    return checkpoint == .latest ? candidate.isLatest : candidate.isBest
  }

  private func notThere(_ all: [Checkpoint]) -> CommandError {
    let epochs = all.map { Int64($0.epoch) }
    return .badArgument(
      "run \(name) has no checkpoint \(checkpoint)",
      hint: epochs.isEmpty ? "it has none at all" : "it has \(NumberList.text("epoch", epochs))")
  }
}

/// What `--json` says of an export: the checkpoint, and the file beside its own keys.
private struct ExportedCheckpoint: Encodable {
  var checkpoint: Checkpoint
  var file: String

  private enum CodingKeys: CodingKey {
    case file
  }

  func encode(to encoder: any Encoder) throws {
    try checkpoint.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(file, forKey: .file)
  }
}

private struct RebuiltCheckpoint: Encodable {
  var runId: Int64
  var kind = CheckpointKind.checkpoint
  var epoch: Int
  var sha256: String
  var rawBytes: Int64
  var rebuilt = true
  var file: String
}
