// `assay checkpoint diff`: how far two states are from each other, tensor by tensor.

import ArgumentParser
import Checkpoints
import Client
import Experiments
import Wire

struct CheckpointDiff: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Compare two checkpoints tensor by tensor.",
    discussion: """
      Each side is a run, and after a colon best (the default), latest or an epoch. Where one of \
      them is a snapshot, the weights alone are compared. The relative distance is the norm of the \
      difference by that of the first; the cosine is that of the angle between both.

      Exit codes: 0 all that is compared is identical, 1 something differs.

      Examples:
        assay checkpoint diff 12:3 12:4
        assay checkpoint diff 12 13
      """)

  @Argument(help: ArgumentHelp("The first: RUN or RUN:EPOCH.", valueName: "first"))
  var first: String

  @Argument(help: ArgumentHelp("The second.", valueName: "second"))
  var second: String

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let result = try await common.withClient { client in
      let sides = (try await side(first, client), try await side(second, client))
      let isWhole = sides.0.checkpoint.kind == .checkpoint && sides.1.checkpoint.kind == .checkpoint
      return CheckpointComparison(
        first: sides.0.checkpoint, second: sides.1.checkpoint,
        tensors: TensorDifference.all(
          isWhole ? sides.0.tensors : sides.0.weights, isWhole ? sides.1.tensors : sides.1.weights))
    }
    try common.print(result) {
      Terminal.print("\(Self.title(result.first)) against \(Self.title(result.second))")
      Terminal.print(Self.table(result.tensors))
    }
    guard result.tensors.allSatisfy({ $0.state == .identical }) else { throw Ending.failed }
  }

  private struct Side {
    var checkpoint: Checkpoint
    var tensors: [Tensor]
    /// Of a file from elsewhere, whose names say nothing of that, all.
    var weights: [Tensor] {
      let own = tensors.filter { $0.name.hasPrefix(CheckpointManifest.weightsPrefix) }
      return own.isEmpty ? tensors : own
    }
  }

  private func side(_ text: String, _ client: AssayClient) async throws -> Side {
    var name = text
    var choice = CheckpointChoice.best
    if let colon = text.lastIndex(of: ":") {
      let rest = String(text[text.index(after: colon)...])
      guard let chosen = CheckpointChoice(rest) else {
        throw CommandError.badArgument(
          "\"\(rest)\" in \(text) is no checkpoint", hint: "use best, latest or an epoch's number")
      }
      (name, choice) = (String(text[..<colon]), chosen)
    }
    let all = try await client.checkpoints(name).items
    let found = all.first { candidate in
      switch choice {
      case .best: candidate.isBest
      case .latest: candidate.isLatest
      case .epoch(let epoch): candidate.epoch == epoch
      }
    }
    guard let found else {
      let epochs = all.map { Int64($0.epoch) }
      throw CommandError.badArgument(
        "run \(name) has no checkpoint \(choice)",
        hint: epochs.isEmpty ? "it has none at all" : "it has \(NumberList.text("epoch", epochs))")
    }
    let bytes = try await client.checkpointBytes(String(found.runId), .epoch(found.epoch))
    do {
      return Side(checkpoint: found, tensors: try SafetensorsFile(parsing: bytes).tensors)
    } catch {
      throw CommandError.answered(
        ErrorBody(code: error.code, message: error.message, hint: error.hint))
    }
  }

  private static func title(_ checkpoint: Checkpoint) -> String {
    "run \(checkpoint.runId) epoch \(checkpoint.epoch) (\(checkpoint.kind.rawValue))"
  }

  private static func table(_ tensors: [TensorDifference]) -> TextTable {
    var table = TextTable([
      .left("tensor", flexible: true), .left("type"), .left("shape"), .right("max |difference|"),
      .right("relative"), .right("cosine"), .left(""),
    ])
    for tensor in tensors {
      let numbers = [tensor.maxAbsDifference, tensor.relativeL2, tensor.cosine]
      table.add(
        [
          .init(tensor.name), .init(tensor.dtype),
          .init(tensor.shape.map { String($0) }.joined(separator: " × ")),
        ] + numbers.map { .init($0.map { Numbers.metric($0) } ?? "") }
          + [.init(tensor.state.text, tensor.state == .identical ? .good : .plain)])
    }
    return table
  }
}

struct CheckpointComparison: Encodable {
  var first: Checkpoint
  var second: Checkpoint
  var tensors: [TensorDifference]
}
