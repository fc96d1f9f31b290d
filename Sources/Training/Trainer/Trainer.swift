// Trains a network on prepared data, one epoch per call, in mini-batches whose order is drawn anew
// each epoch from the run's seed. The result is a function of spec, data and numerics alone: how
// often it was stored and resumed, or where its memory lies, does not change a bit of it.

package import Experiments

/// Belongs to one thread at a time; a call keeps that thread busy until the epoch is over.
package final class Trainer {
  package let spec: TrainSpec
  package let network: Network
  package let stepsPerEpoch: Int
  /// Epochs done.
  package internal(set) var epoch = 0
  /// Updates done.
  package internal(set) var step = 0
  /// The last step's loss: the batch's mean plus the penalties, before the update.
  package private(set) var lastStepLoss = 0.0

  let data: PreparedData
  let optimizer: Optimizer
  private let loss: Loss
  private let gradients: FloatArena
  private let batch: Batch
  private let workspace: Workspace
  /// The outputs of the epoch's forward passes [rows, outputs], by row of the training part.
  private var scores: [Float]
  private var order: [Int32]

  /// Makes the network with random weights. Throws `unsuitableModel` if model, loss and data do not
  /// fit, and `blasUnreliable`.
  package init(spec: TrainSpec, data: PreparedData) throws(TrainingError) {
    self.spec = spec
    self.data = data
    let rows = data.train.count
    guard rows > 0, rows <= Int(Int32.max) else {
      throw .unsuitableModel("the training part has \(rows) rows; it needs 1 or more")
    }
    guard spec.batchSize > 0 else {
      throw .unsuitableModel("batch_size is \(spec.batchSize); it must be 1 or more")
    }
    network = try Network(
      model: spec.model, features: data.train.features.columns, threads: spec.threads)
    loss = try Loss(spec.loss, model: spec.model, outputs: network.outputs)
    try loss.check(classes: data.classes.count)
    for part in [data.train, data.validation, data.test] { try network.check(part) }

    let batchRows = min(spec.batchSize, rows)
    stepsPerEpoch = (rows + batchRows - 1) / batchRows
    let lastRows = rows - (stepsPerEpoch - 1) * batchRows
    try network.checkProducts(rows: [batchRows, lastRows], threads: spec.threads)

    optimizer = Optimizer(spec.optimizer, count: network.parameters.count)
    gradients = FloatArena(count: network.parameters.count)
    workspace = Workspace(
      layers: network.layers, features: network.features, capacity: batchRows, forTraining: true)
    batch = Batch(capacity: batchRows)
    scores = [Float](repeating: 0, count: rows * network.outputs)
    order = []
    network.initialize(seed: spec.seed)
  }

  /// Trains one epoch and validates. `shouldStop` is asked before each step; `onStep` is told the
  /// number of updates done after each. `order`, a permutation of the training rows, replaces the
  /// random one. Throws `diverged` when the loss or a weight is no longer finite, `stopped` when
  /// `shouldStop` says so; after either the trainer cannot go on unless a state is restored.
  package func trainEpoch(
    order givenOrder: [Int32]? = nil, shouldStop: () -> Bool = { false },
    onStep: (Int) -> Void = { _ in }
  ) throws(TrainingError) -> EpochReport {
    guard step == epoch * stepsPerEpoch else {
      throw .badState("the training was broken off in epoch \(epoch + 1)")
    }
    try setOrder(givenOrder)
    let rows = data.train.count
    let clock = ContinuousClock()
    let start = clock.now
    let sum = try Denormals.flushed { () throws(TrainingError) in
      var sum = 0.0
      for first in stride(from: 0, to: rows, by: batch.capacity) {
        if shouldStop() { throw TrainingError.stopped }
        let count = min(batch.capacity, rows - first)
        try trainStep(first: first, count: count)
        sum += lastStepLoss * Double(count)
        onStep(step)
      }
      return sum
    }
    guard Reductions.allFinite(network.parameters.base, count: network.parameters.count) else {
      throw .diverged(epoch: epoch + 1, step: step, metric: "weights", value: .nan)
    }
    let seconds = (clock.now - start) / .seconds(1)

    var metrics = [(key: "loss", value: sum / Double(rows))]
    metrics += scores.withUnsafeBufferPointer {
      EvaluationMetrics.compute(
        spec.metrics, scores: $0, outputs: network.outputs, classIndexes: data.train.classIndexes,
        values: data.train.values)
    }.map { ($0.name.rawValue, $0.value) }
    let validation = try evaluate(data.validation, prefix: "val_")
    if let first = validation.first, !first.value.isFinite {
      throw .diverged(epoch: epoch + 1, step: step, metric: first.key, value: first.value)
    }
    epoch += 1
    return EpochReport(
      epoch: epoch, step: step, metrics: metrics + validation, seconds: seconds,
      samplesPerSecond: Double(rows) / max(seconds, 1e-9))
  }

  /// `loss` and the spec's metrics on `part`, keys with `prefix`; nothing if it has no rows.
  package func evaluate(
    _ part: DataPart, prefix: String
  ) throws(TrainingError) -> [(key: String, value: Double)] {
    try network.evaluate(part, loss: spec.loss, metrics: spec.metrics, prefix: prefix)
  }

  /// Outputs [rows, outputs] for features [rows, features].
  package func predict(_ features: Matrix) throws(TrainingError) -> Matrix {
    try network.predict(features)
  }

  private func setOrder(_ givenOrder: [Int32]?) throws(TrainingError) {
    let rows = Int32(data.train.count)
    if let givenOrder {
      guard givenOrder.count == Int(rows), Set(givenOrder).count == Int(rows),
        givenOrder.allSatisfy({ (0..<rows).contains($0) })
      else { throw .badState("the given order is no permutation of the \(rows) training rows") }
      order = givenOrder
      return
    }
    // From the same start each epoch, so that the order depends on seed and epoch alone.
    order.removeAll(keepingCapacity: true)
    order += 0..<rows
    var random = RandomStream(seed: spec.seed, purpose: .shuffle, index: epoch)
    random.shuffle(&order)
  }

  /// One update from the rows `order[first ..< first + count]`.
  private func trainStep(first: Int, count: Int) throws(TrainingError) {
    let outputs = network.outputs
    guard let outputGradient = workspace.gradients?.0 else { return }
    let targets = order.withUnsafeBufferPointer {
      batch.gather(
        UnsafeBufferPointer(rebasing: $0[first..<first + count]), from: data.train,
        into: workspace.input)
    }
    let output = network.forward(
      workspace.input, rows: count, in: workspace, lastIsLogits: loss.takesLogits,
      dropout: Network.DropoutPosition(seed: spec.seed, step: step))
    let batchLoss = loss.evaluate(
      output, targets: targets, rows: count, gradient: outputGradient, scale: 1 / Float(count))
    lastStepLoss = batchLoss / Double(count) + network.penalty
    guard lastStepLoss.isFinite else {
      throw .diverged(epoch: epoch + 1, step: step + 1, metric: "loss", value: lastStepLoss)
    }
    scores.withUnsafeMutableBufferPointer { scores in
      for row in 0..<count {
        let place = Int(order[first + row]) * outputs
        for i in 0..<outputs { scores[place + i] = output[row * outputs + i] }
      }
    }
    network.backward(
      workspace.input, rows: count, in: workspace, lastIsLogits: loss.takesLogits,
      gradients: gradients.base)
    step += 1
    optimizer.update(weights: network.parameters.base, gradients: gradients.base, step: step)
  }
}
