// `assay checkpoint`: the kept states of a training.

import ArgumentParser
import Client
import Experiments
import Wire

struct CheckpointCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoint",
    abstract: "List, export and verify a run's checkpoints.",
    discussion: """
      Examples:
        assay checkpoint list 12
        assay checkpoint export 12 --checkpoint best --output model.safetensors
        assay checkpoint verify 12
      """,
    subcommands: [CheckpointList.self, CheckpointExport.self, CheckpointVerify.self])
}

struct CheckpointList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the checkpoints of a run.",
    discussion: """
      Example:
        assay checkpoint list 12
      """)

  @Argument(help: ArgumentHelp("The run.", valueName: "run"))
  var name: String

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      let page = try await client.checkpoints(name)
      try common.print(page) {
        guard !page.items.isEmpty else { return Terminal.print("no checkpoints") }
        Terminal.print(Self.table(page.items))
      }
    }
  }

  private static func table(_ checkpoints: [Checkpoint]) -> TextTable {
    var table = TextTable([
      .right("epoch"), .right("step"), .right("tensors"), .right("size"), .right("stored"),
      .left("made"), .left("sha256"), .left(""),
    ])
    for checkpoint in checkpoints {
      let marks = [checkpoint.isBest ? "best" : nil, checkpoint.isLatest ? "latest" : nil]
      table.add([
        .init(String(checkpoint.epoch)), .init(String(checkpoint.step)),
        .init(String(checkpoint.tensors)), .init(Quantities.bytes(checkpoint.rawBytes)),
        .init(Quantities.bytes(checkpoint.storedBytes)),
        .init(Moments.localToTheSecond(checkpoint.createdAt)),
        .init(String(checkpoint.sha256.prefix(16))),
        .init(marks.compactMap { $0 }.joined(separator: ", "), .good),
      ])
    }
    return table
  }
}

struct CheckpointExport: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a checkpoint as a safetensors file.",
    discussion: """
      The file appears whole or not at all. An existing one is kept unless --force is given. \
      --output - writes it to standard output.

      Examples:
        assay checkpoint export 12 --checkpoint best --output model.safetensors
        assay checkpoint export 12 --output - | sha256sum
      """)

  @Argument(help: ArgumentHelp("The run.", valueName: "run"))
  var name: String

  @Option(help: "best, latest, or the number of an epoch.")
  var checkpoint: CheckpointChoice = .best

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The file; by default run-RUN-epoch-EPOCH.safetensors.", valueName: "file"),
    completion: .file(extensions: ["safetensors"]))
  var output: String?

  @Flag(help: "Replace an existing file.")
  var force = false

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      let found = try await found(client)
      if output == "-" {
        return Terminal.write(
          try await client.checkpointBytes(String(found.runId), .epoch(found.epoch)))
      }
      let file = output ?? "run-\(found.runId)-epoch-\(found.epoch).safetensors"
      try LocalFile.checkThatAbsent(file, unless: force)
      let size = try await client.checkpointFile(
        String(found.runId), .epoch(found.epoch), to: file)
      try common.print(ExportedCheckpoint(checkpoint: found, file: file)) {
        Terminal.print(
          "run \(found.runId), epoch \(found.epoch): \(file), \(Quantities.bytes(size))")
      }
    }
  }

  private func found(_ client: AssayClient) async throws -> Checkpoint {
    let all = try await client.checkpoints(name).items
    let match = all.first { candidate in
      switch checkpoint {
      case .best: candidate.isBest
      case .latest: candidate.isLatest
      case .epoch(let epoch): candidate.epoch == epoch
      }
    }
    guard let match else {
      let epochs = all.map { Int64($0.epoch) }
      throw CommandError.badArgument(
        "run \(name) has no checkpoint \(checkpoint)",
        hint: epochs.isEmpty ? "it has none at all" : "it has \(NumberList.text("epoch", epochs))")
    }
    return match
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

struct CheckpointVerify: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Read every checkpoint of a run and compare all hashes.",
    discussion: """
      Exit codes: 0 all are intact, 1 one is damaged.

      Example:
        assay checkpoint verify 12
      """)

  @Argument(help: ArgumentHelp("The run.", valueName: "run"))
  var name: String

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let page = try await common.withClient { try await $0.verifyCheckpoints(name) }
    try common.print(page) {
      guard !page.items.isEmpty else { return Terminal.print("no checkpoints") }
      var table = TextTable([.right("epoch"), .left("sha256"), .left("state")])
      for item in page.items {
        let state = item.intact ? "intact" : "DAMAGED: " + (item.problem ?? "unknown")
        table.add([
          .init(String(item.epoch)), .init(String(item.sha256.prefix(16))),
          .init(state, item.intact ? .good : .bad),
        ])
      }
      Terminal.print(table)
    }
    guard page.items.allSatisfy(\.intact) else { throw Ending.failed }
  }
}
