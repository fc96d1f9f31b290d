// The trainer as its callers see it: exact resume, reports, stopping, divergence, and what it
// refuses.

import Experiments
import Testing
import Training

@Suite struct TrainerTests {
  static let optimizers: [OptimizerSpec] = [
    .sgd(learningRate: 0.05), .sgd(learningRate: 0.05, momentum: 0.9, nesterov: true), .adam(),
    .rmsprop(momentum: 0.5, centered: true),
  ]

  @Test(arguments: optimizers)
  func resumedTrainingIsBitForBitTheUndisturbedOne(_ optimizer: OptimizerSpec) throws {
    let spec = SmallProblem.spec(optimizer)
    let undisturbed = try Trainer(spec: spec, data: SmallProblem.data)
    var expected: [EpochReport] = []
    for _ in 0..<4 { expected.append(try undisturbed.trainEpoch()) }

    let first = try Trainer(spec: spec, data: SmallProblem.data)
    for _ in 0..<2 { _ = try first.trainEpoch() }
    let second = try Trainer(spec: spec, data: SmallProblem.data)
    try second.restore(first.state())
    var reports: [EpochReport] = []
    for _ in 0..<2 { reports.append(try second.trainEpoch()) }

    #expect(second.state() == undisturbed.state())
    #expect(first.state() != second.state())
    for (report, other) in zip(reports, expected[2...]) {
      #expect(report.epoch == other.epoch && report.step == other.step)
      #expect(report.metrics.map(\.key) == other.metrics.map(\.key))
      #expect(report.metrics.map(\.value) == other.metrics.map(\.value))
    }
  }

  @Test func reportsHaveKerasNamesInOrder() throws {
    let trainer = try Trainer(spec: SmallProblem.spec(), data: SmallProblem.data)
    #expect(trainer.stepsPerEpoch == 5)
    var steps: [Int] = []
    var sum = 0.0
    let report = try trainer.trainEpoch(onStep: { step in
      steps.append(step)
      sum += trainer.lastStepLoss * (step == 5 ? 6 : 16)
    })
    #expect(steps == [1, 2, 3, 4, 5])
    #expect(
      report.metrics.map(\.key) == ["loss", "accuracy", "f1", "val_loss", "val_accuracy", "val_f1"])
    #expect(report.epoch == 1 && report.step == 5 && trainer.epoch == 1 && trainer.step == 5)
    #expect(report.samplesPerSecond > 0)
    let loss = try #require(report["loss"])
    #expect(abs(loss - sum / 70) < 1e-12)
    #expect(
      try trainer.evaluate(SmallProblem.data.test, prefix: "test_").map(\.key) == [
        "test_loss", "test_accuracy", "test_f1",
      ])
    let validation = try trainer.evaluate(SmallProblem.data.validation, prefix: "val_")
    #expect(validation.map(\.value) == report.metrics[3...].map(\.value))
    #expect(try trainer.evaluate(.empty(columns: 8), prefix: "x_").isEmpty)
  }

  @Test func trainingMetricsAreOfTheTrainingPasses() throws {
    // Without dropout and with a rate of 0 the passes are those of an evaluation.
    let spec = trainSpec(
      [.dense(DenseSpec(units: 1, activation: .sigmoid, l2: 0.1))], .binaryCrossentropy,
      .sgd(learningRate: 0), metrics: [.accuracy, .rocAUC], batchSize: 16)
    let trainer = try Trainer(spec: spec, data: SmallProblem.data)
    let report = try trainer.trainEpoch()
    let evaluated = try trainer.evaluate(SmallProblem.data.train, prefix: "")
    for (key, value) in evaluated {
      let found = try #require(report[key])
      #expect(abs(found - value) < 1e-6, "\(key)")
    }
  }

  @Test func trainingLearns() throws {
    let trainer = try Trainer(spec: SmallProblem.spec(), data: SmallProblem.data)
    let first = try #require(try trainer.trainEpoch()["loss"])
    for _ in 0..<28 { _ = try trainer.trainEpoch() }
    let report = try trainer.trainEpoch()
    #expect(try #require(report["loss"]) < first / 2)
    #expect(try #require(report["val_accuracy"]) >= 0.8)
  }

  @Test func batchesAreReshuffledEveryEpoch() throws {
    // With a rate of 0 only the order can change the losses of the steps.
    let spec = trainSpec(
      [.dense(DenseSpec(units: 1, activation: .sigmoid))], .binaryCrossentropy,
      .sgd(learningRate: 0), batchSize: 16)
    let trainer = try Trainer(spec: spec, data: SmallProblem.data)
    var epochs: Set<[Double]> = []
    for _ in 0..<3 {
      var losses: [Double] = []
      _ = try trainer.trainEpoch(onStep: { _ in losses.append(trainer.lastStepLoss) })
      epochs.insert(losses)
    }
    #expect(epochs.count == 3)
  }

  @Test func divergenceNamesEpochAndStep() throws {
    var data = SmallProblem.data
    let features = data.train.features
    // One row that is too large for float32 once it is squared, met in step 3 of epoch 1.
    var values = features.values
    values[40 * 8] = 1e30
    data.train.features = Matrix(rows: features.rows, columns: 8, values: values)
    data.train.classIndexes = []
    data.train.values = [Float](repeating: 1, count: 70)
    data.validation = .empty(columns: 8)
    data.test = .empty(columns: 8)
    data.classes = []
    let spec = trainSpec(
      [.dense(DenseSpec(units: 1))], .meanSquaredError, .sgd(learningRate: 0.001), batchSize: 16)
    let trainer = try Trainer(spec: spec, data: data)
    let error = #expect(throws: TrainingError.self) {
      try trainer.trainEpoch(order: (0..<70).map { $0 })
    }
    guard case .diverged(1, 3, "loss", let value) = error else {
      Issue.record("not a divergence in epoch 1 at step 3: \(String(describing: error))")
      return
    }
    #expect(!value.isFinite)
    #expect(error?.code == "training_diverged")
    #expect(error?.message.contains("epoch 1 at step 3: loss is") == true)
    #expect(error?.hint?.contains("learning_rate") == true)
  }

  @Test func nanInTheDataOfAFusedLossIsADivergence() throws {
    for bad in [Float.nan, .infinity] {
      var data = SmallProblem.data
      var values = data.train.features.values
      values[69 * 8] = bad
      data.train.features = Matrix(rows: 70, columns: 8, values: values)
      let trainer = try Trainer(spec: SmallProblem.spec(), data: data)
      let error = #expect(throws: TrainingError.self) {
        try trainer.trainEpoch(order: (0..<70).map { $0 })
      }
      guard case .diverged(1, 5, "loss", _) = error else {
        Issue.record("not a divergence: \(String(describing: error))")
        continue
      }
    }
  }

  @Test func weightsThatOverflowInTheLastStepAreADivergence() throws {
    var data = SmallProblem.data
    data.validation = .empty(columns: 8)
    let spec = trainSpec(
      [.dense(DenseSpec(units: 1, activation: .sigmoid))], .binaryCrossentropy,
      .sgd(learningRate: 1e39), batchSize: 70)
    let trainer = try Trainer(spec: spec, data: data)
    let error = #expect(throws: TrainingError.self) { try trainer.trainEpoch() }
    guard case .diverged(1, 1, "weights", _) = error else {
      Issue.record("not a divergence of the weights: \(String(describing: error))")
      return
    }
  }

  @Test func stopsBetweenStepsAndGoesOnOnlyFromAState() throws {
    let trainer = try Trainer(spec: SmallProblem.spec(), data: SmallProblem.data)
    _ = try trainer.trainEpoch()
    let state = trainer.state()
    let error = #expect(throws: TrainingError.self) {
      try trainer.trainEpoch(shouldStop: { trainer.step == 7 })
    }
    guard case .stopped = error else {
      Issue.record("not stopped: \(String(describing: error))")
      return
    }
    #expect(trainer.step == 7 && trainer.epoch == 1)
    let refused = #expect(throws: TrainingError.self) { try trainer.trainEpoch() }
    #expect(refused?.code == "bad_training_state")

    try trainer.restore(state)
    _ = try trainer.trainEpoch()
    let undisturbed = try Trainer(spec: SmallProblem.spec(), data: SmallProblem.data)
    for _ in 0..<2 { _ = try undisturbed.trainEpoch() }
    #expect(trainer.state() == undisturbed.state())
  }

  @Test func networkOfAStatePredictsWithoutData() throws {
    let trainer = try Trainer(spec: SmallProblem.spec(), data: SmallProblem.data)
    _ = try trainer.trainEpoch()
    let state = trainer.state()
    let test = SmallProblem.data.test
    for weights in [state.weights, state.tensors, trainer.network.weights] {
      let network = try Network(model: SmallProblem.model, features: 8, weights: weights)
      #expect(try network.predict(test.features) == trainer.predict(test.features))
      let found = try network.evaluate(
        test, loss: .binaryCrossentropy, metrics: [.accuracy, .f1], prefix: "test_")
      #expect(try found.map(\.value) == trainer.evaluate(test, prefix: "test_").map(\.value))
    }
    #expect(throws: TrainingError.self) {
      try trainer.predict(Matrix(rows: 1, columns: 7, values: [0, 0, 0, 0, 0, 0, 0]))
    }
  }

  /// Each changes a good state into one that must be refused.
  static let damages: [(String, @Sendable (inout TrainingState) -> Void)] = [
    ("missing", { $0.tensors.removeFirst() }),
    ("twice", { $0.tensors.append($0.tensors[0]) }),
    ("not of this model", { $0.tensors.append(Tensor(name: "x", shape: [1], floats: [0])) }),
    ("shape", { $0.tensors[0].shape.reverse() }),
    ("F64", { $0.tensors[0].type = .f64 }),
    ("bytes", { $0.tensors[1].bytes.removeLast() }),
    ("random.seed", { $0.metadata["random.seed"] = "2" }),
    ("random.generator", { $0.metadata["random.generator"] = nil }),
    ("optimizer", { $0.metadata["optimizer"] = "sgd" }),
    ("format", { $0.metadata["format"] = "other" }),
    ("step", { $0.metadata["step"] = "4" }),
    ("epoch", { $0.metadata["epoch"] = "-1" }),
  ]

  @Test(arguments: damages.indices)
  func damagedStatesAreRefusedAndChangeNothing(_ index: Int) throws {
    let (word, damage) = Self.damages[index]
    let source = try Trainer(spec: SmallProblem.spec(), data: SmallProblem.data)
    _ = try source.trainEpoch()
    var state = source.state()
    damage(&state)
    let trainer = try Trainer(spec: SmallProblem.spec(), data: SmallProblem.data)
    let before = trainer.state()
    let error = #expect(throws: TrainingError.self) { try trainer.restore(state) }
    #expect(error?.code == "bad_training_state")
    #expect(error?.message.contains(word) == true, "\(error?.message ?? "no error")")
    #expect(trainer.state() == before)
  }

  @Test(
    arguments: [
      ([LayerSpec.dense(DenseSpec(units: 2, activation: .sigmoid))], LossName.binaryCrossentropy),
      ([.dense(DenseSpec(units: 1, activation: .sigmoid))], .sparseCategoricalCrossentropy),
      ([.dense(DenseSpec(units: 3, activation: .softmax))], .categoricalCrossentropy),
      ([.dense(DenseSpec(units: 3))], .meanSquaredError),
      ([.dropout(rate: 0.5)], .binaryCrossentropy),
      ([], .binaryCrossentropy),
      ([.dropout(rate: 1), .dense(DenseSpec(units: 1))], .binaryCrossentropy),
    ] as [([LayerSpec], LossName)])
  func unsuitableModelsAreRefused(_ model: [LayerSpec], _ loss: LossName) throws {
    let error = #expect(throws: TrainingError.self) {
      try Trainer(spec: trainSpec(model, loss), data: SmallProblem.data)
    }
    #expect(error?.code == "unsuitable_model")
  }

  @Test func ordersThatAreNoPermutationAreRefused() throws {
    let trainer = try Trainer(spec: SmallProblem.spec(), data: SmallProblem.data)
    for order in [[], [Int32](repeating: 0, count: 70), (1...70).map { Int32($0) }] {
      #expect(throws: TrainingError.self) { try trainer.trainEpoch(order: order) }
    }
    #expect(trainer.step == 0)
  }
}
