// `assay checkpoint`: the kept states of a training. Each verb that is longer has a file of its own.

import ArgumentParser
import Client
import Experiments
import Wire

struct CheckpointCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoint",
    abstract: "List, export, import, compare and verify a run's checkpoints.",
    discussion: """
      A checkpoint is the whole state of a training, from which it can go on; a snapshot is the \
      weights alone. By default the newest and the best epoch are checkpoints, earlier ones \
      snapshots.

      Examples:
        assay checkpoint list 12
        assay checkpoint export 12 --checkpoint best --output model.safetensors
        assay checkpoint diff 12:3 12:best
        assay checkpoint verify 12
      """,
    subcommands: [
      CheckpointList.self, CheckpointExport.self, CheckpointImport.self, CheckpointDiff.self,
      CheckpointVerify.self,
    ])
}

struct CheckpointList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the checkpoints and snapshots of a run.",
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
      .right("epoch"), .left("kind"), .right("step"), .right("tensors"), .right("size"),
      .right("stored"),
      .left("made"), .left("sha256"), .left(""),
    ])
    for checkpoint in checkpoints {
      let marks = [checkpoint.isBest ? "best" : nil, checkpoint.isLatest ? "latest" : nil]
      table.add([
        .init(String(checkpoint.epoch)), .init(checkpoint.kind.rawValue),
        .init(String(checkpoint.step)), .init(String(checkpoint.tensors)),
        .init(Quantities.bytes(checkpoint.rawBytes)),
        .init(Quantities.bytes(checkpoint.storedBytes)),
        .init(Moments.localToTheSecond(checkpoint.createdAt)),
        .init(String(checkpoint.sha256.prefix(16))),
        .init(marks.compactMap { $0 }.joined(separator: ", "), .good),
      ])
    }
    return table
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
