// Scores a checkpoint of a run on new data with the run's own preprocessing, as a job of its own.
import Checkpoints
import Experiments
import Foundation
import Training
import Wire

struct EvaluateWork {
  let evaluate: EvaluateSpec
  let clock: WallClock
  let outbox: Outbox
  let gauge: Gauge
  let checkpoint: SafetensorsFile

  func run() throws {
    let metadata = checkpoint.metadata
    guard let specText = metadata["assay.spec"],
      let preprocessingText = metadata["assay.preprocessing"]
    else {
      throw WorkerError.checkpointUnusable(
        "the checkpoint does not say how its model is built; was it made by another program?")
    }
    let decoder = JSONDecoder()
    let spec = try JobSpec.parse(
      try decoder.decode(JSONValue.self, from: Data(specText.utf8)))
    let preprocessing = try decoder.decode(
      Preprocessing.self, from: Data(preprocessingText.utf8))
    guard case .train(let train) = spec.work else {
      throw WorkerError.checkpointUnusable("the checkpoint's spec is not that of a training")
    }
    let bytes = try DatasetFile.read(path: evaluate.dataset.path)
    let part: DataPart
    var warnings: [String] = []
    do {
      part = try DataLoader.apply(
        preprocessing, dataset: evaluate.dataset, csv: bytes, warnings: &warnings)
    } catch {
      throw WorkerError.data(of: evaluate.dataset.path, error)
    }
    for warning in warnings { WorkerLog.write("warning: \(warning)") }
    outbox.put(
      .dataset(
        DatasetInfo(
          name: evaluate.dataset.name, type: "csv", path: evaluate.dataset.path,
          sha256: ContentHash.sha256Hex(bytes), rows: part.count, features: part.features.columns,
          classes: preprocessing.classes, trainRows: 0, validationRows: 0, testRows: part.count)))

    let network = try Network(
      model: train.model, features: part.features.columns, weights: checkpoint.tensors,
      threads: train.threads)
    let results = try network.evaluate(
      part, loss: train.loss, metrics: train.metrics, prefix: "test_")
    let now = clock.now()
    let state = TrainingState(tensors: [], metadata: metadata)
    let epoch = state.epoch.map { Int64($0) }
    let step = Int64(state.step ?? 0)
    outbox.put(
      .metrics(
        results.map {
          MetricPoint(key: $0.key, step: step, epoch: epoch, time: now, value: $0.value)
        }))
    WorkerLog.write(
      "scored \(part.count) rows:"
        + results.map { "  \($0.key) \(TrainWork.short($0.value))" }.joined())
    let (manifest, chunks) = try ArtifactCoder.encode(
      path: "predictions.csv", mediaType: "text/csv",
      bytes: Predictions.csv(
        scores: try network.predict(part.features), part: part, classes: preprocessing.classes))
    outbox.put(.artifact(manifest, chunks))
  }
}
