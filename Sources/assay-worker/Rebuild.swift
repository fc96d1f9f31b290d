// Computes the state of an epoch that was not kept, by training again. Told by a file, which
// `assay checkpoint export` writes; the result is one beside it.
import Checkpoints
import Experiments
import Foundation
import Training
import Wire

struct Rebuild {
  let orderPath: String

  func run() throws -> Int32 {
    // The text "NaN" (a common mark of missing values) is text in a spec.
    let decoder = WireCoding.decoder()
    decoder.nonConformingFloatDecodingStrategy = .throw
    let order = try decoder.decode(
      RebuildOrder.self, from: Data(contentsOf: URL(fileURLWithPath: orderPath)))
    var result = RebuildResult()
    do {
      try build(order, &result)
    } catch {
      result.failure = Failures.describe(error)
    }
    try WireCoding.encoder().encode(result).write(
      to: URL(fileURLWithPath: orderPath + ".result"), options: .atomic)
    return result.failure == nil ? 0 : 1
  }

  private func build(_ order: RebuildOrder, _ result: inout RebuildResult) throws {
    guard case .train(let train) = try JobSpec.parse(order.spec).work else {
      throw WorkerError.checkpointUnusable("the run's spec is not that of a training")
    }
    let (csv, hash) = try DatasetFile.read(train.dataset)
    if let known = order.datasetSha256, known != hash {
      throw WorkerError.datasetChanged(
        path: DatasetFile.label(train.dataset), was: known, now: hash)
    }
    let data: PreparedData
    do {
      data = try DataLoader.load(train, csv: csv)
    } catch {
      throw WorkerError.data(of: DatasetFile.label(train.dataset), error)
    }
    let trainer = try Trainer(spec: train, data: data)
    if let path = order.state {
      let file = try SafetensorsFile(
        parsing: [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))))
      let state = TrainingState(tensors: file.tensors, metadata: file.metadata)
      try trainer.restore(state)
      result.stateNumerics = state.numerics
    }
    result.numerics = NumericsFingerprint.current.description
    let first = trainer.epoch
    while trainer.epoch < order.epoch {
      let report = try trainer.trainEpoch()
      Self.say(
        "trained epoch \(report.epoch) of \(first + 1) to \(order.epoch)"
          + (report["loss"].map { "  loss \(TrainWork.short($0))" } ?? ""))
    }
    let state = trainer.state()
    let metadata = state.metadata.merging(
      try TrainWork.modelMetadata(train, data.preprocessing)
    ) { own, _ in own }
    let bytes = try SafetensorsFile(tensors: state.tensors, metadata: metadata).serialized()
    result.content = ContentSummary(
      sha256: ContentHash.sha256Hex(bytes), rawBytes: Int64(bytes.count))
    try Data(bytes).write(to: URL(fileURLWithPath: order.output))
  }

  private static func say(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
  }
}
