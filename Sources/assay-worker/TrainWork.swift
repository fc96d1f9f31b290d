// Trains a network as a job: loads the data, goes on from the given checkpoint, records each epoch,
// and keeps the test predictions and the model's graph as artifacts. Runs on a thread of its own.
import Checkpoints
import Crypto
import Experiments
import Foundation
import Synchronization
import Training
import Wire

struct TrainWork {
  let spec: JobSpec
  let train: TrainSpec
  let clock: WallClock
  let outbox: Outbox
  let gauge: Gauge
  /// The checkpoint to go on from: a safetensors file's content.
  let resume: SafetensorsFile?
  /// The checkpoint policy's metric in the epochs before that.
  let earlierValues: [Double]
  /// Hash of the dataset that the run has seen before.
  let knownDataset: String?

  /// What the training cost by itself, for the attempt's cost.
  struct Measure: Sendable {
    var seconds = 0.0
    var steps = 0
    var samples = 0
    var flopsPerStep = 0.0
  }

  /// Trains to the end, or throws a `TrainingError`, `WorkerError` or `CheckpointError`.
  func run(measure: inout Measure) throws {
    let (csv, hash) = try DatasetFile.read(train.dataset)
    if let knownDataset, knownDataset != hash {
      throw WorkerError.datasetChanged(
        path: DatasetFile.label(train.dataset), was: knownDataset, now: hash)
    }
    let data: PreparedData
    do {
      data = try DataLoader.load(train, csv: csv)
    } catch {
      throw WorkerError.data(of: DatasetFile.label(train.dataset), error)
    }
    outbox.put(.dataset(DatasetFile.info(train.dataset, sha256: hash, data: data)))
    for warning in data.warnings { WorkerLog.write("warning: \(warning)") }
    WorkerLog.write(
      "\(data.train.count) training, \(data.validation.count) validation, "
        + "\(data.test.count) test rows of \(data.train.features.columns) features")

    let trainer = try Trainer(spec: train, data: data)
    if let resume {
      let state = TrainingState(tensors: resume.tensors, metadata: resume.metadata)
      try trainer.restore(state)
      WorkerLog.write("goes on from the checkpoint of epoch \(trainer.epoch)")
      let numerics = NumericsFingerprint.current.description
      if let before = state.numerics, before != numerics {
        WorkerLog.write(
          "warning: the checkpoint was made with other numerics (\(before)) than these "
            + "(\(numerics)), so the last bits may differ from an undisturbed training")
      }
    }
    let graph = ModelGraph(spec: train, features: data.train.features.columns)
    measure.flopsPerStep = graph.flopsPerStep
    gauge.epochs.store(train.epochs, ordering: .relaxed)
    gauge.steps.store(train.epochs * trainer.stepsPerEpoch, ordering: .relaxed)
    gauge.epoch.store(trainer.epoch, ordering: .relaxed)
    gauge.step.store(trainer.step, ordering: .relaxed)

    let metadata = try Self.modelMetadata(train, data.preprocessing)
    let states = EpochStates(outbox: outbox, metadata: metadata, policy: train.checkpoints)
    do {
      try epochs(of: trainer, data: data, states: states, measure: &measure)
    } catch {
      // However it ends, what it was up to here is kept; and why it ended is what is told.
      do {
        try states.finish()
      } catch let other {
        WorkerLog.write("the last states are not kept: \(Failures.describe(other).message)")
      }
      throw error
    }
    try states.finish()
    try finish(trainer, data: data, graph: graph)
  }

  private func epochs(
    of trainer: Trainer, data: PreparedData, states: EpochStates, measure: inout Measure
  ) throws {
    var best = BestEpoch(metric: train.checkpoints.best)
    for value in earlierValues { _ = best.isImproved(by: value) }
    while trainer.epoch < train.epochs {
      let report = try trainer.trainEpoch(
        shouldStop: { gauge.stop.load(ordering: .relaxed) },
        onStep: { step in
          gauge.step.store(step, ordering: .relaxed)
          gauge.samples.add(train.batchSize, ordering: .relaxed)
        })
      gauge.epoch.store(report.epoch, ordering: .relaxed)
      measure.seconds += report.seconds
      measure.steps += trainer.stepsPerEpoch
      measure.samples += data.train.count
      var metrics = report.metrics
      metrics.append(("samples_per_second", report.samplesPerSecond))
      put(metrics, step: report.step, epoch: report.epoch)
      WorkerLog.write(
        "epoch \(report.epoch)/\(train.epochs)"
          + report.metrics.map { "  \($0.key) \(Self.short($0.value))" }.joined())
      try states.take(
        trainer.state(), epoch: report.epoch, step: Int64(report.step),
        isKept: report.epoch.isMultiple(of: train.checkpoints.every)
          || report.epoch == train.epochs,
        isBest: best.isImproved(by: report[train.checkpoints.best]))
    }
  }

  private func finish(_ trainer: Trainer, data: PreparedData, graph: ModelGraph) throws {
    if data.test.count > 0 {
      put(
        try trainer.evaluate(data.test, prefix: "test_"), step: trainer.step, epoch: trainer.epoch)
      let scores = try trainer.predict(data.test.features)
      let table = Predictions.csv(
        scores: scores, part: data.test, classes: data.classes)
      let (manifest, chunks) = try ArtifactCoder.encode(
        path: "predictions.csv", mediaType: "text/csv", bytes: table)
      outbox.put(.artifact(manifest, chunks))
    }
    let (manifest, chunks) = try ArtifactCoder.encode(
      path: "model.json", mediaType: "application/json",
      bytes: [UInt8](try WireCoding.encoder().encode(graph)))
    outbox.put(.artifact(manifest, chunks))
  }

  private func put(_ metrics: [(key: String, value: Double)], step: Int, epoch: Int) {
    let now = clock.now()
    outbox.put(
      .metrics(
        metrics.map {
          MetricPoint(
            key: $0.key, step: Int64(step), epoch: Int64(epoch), time: now, value: $0.value)
        }))
  }

  /// What a checkpoint carries beside the state, so that it can be used by itself. Nothing here
  /// depends on when, where or by which attempt it was made.
  static func modelMetadata(
    _ train: TrainSpec, _ preprocessing: Preprocessing
  ) throws -> [String: String] {
    var model = JobSpec(name: "model", experiment: "default", work: .train(train))
    if case .csv(var csv) = train.dataset {
      csv.path = csv.path.split(separator: "/").last.map(String.init) ?? csv.path
      var copy = train
      copy.dataset = .csv(csv)
      model.work = .train(copy)
    }
    return [
      "assay.format": "1",
      "assay.spec": model.json.canonicalText,
      "assay.preprocessing": String(
        decoding: try CheckpointJSON.encoder().encode(preprocessing), as: UTF8.self),
    ]
  }

  static func short(_ value: Double) -> String {
    guard value.isFinite else { return MetricValue.text(value) }
    return String(format: "%.5g", value)
  }
}

/// JSON inside checkpoints: plain keys, sorted, so that equal content has equal bytes.
enum CheckpointJSON {
  static func encoder() -> JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }
}
