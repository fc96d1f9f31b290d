// Whole trainings against the numbers of Keras and PyTorch in Fixtures/, which
// make_keras_fixture.py made.

import Experiments
import Foundation
import Testing
import Training

@Suite struct KerasTests {
  // The reference network, from the same weights in the same order of batches.

  struct Reference: Decodable {
    struct Numbers: Decodable {
      var step_losses: [Double]
      var first_epoch_loss: Double
      var first_epoch_accuracy: Double?
      var test_loss: Double?
      var test_accuracy: Double
    }
    struct Checks: Decodable {
      var feature_0_0: Float
      var feature_last: Float
      var positives: Int
      var weight_0_0: Float
      var order_sum: Int
    }
    var checks: Checks
    var keras: Numbers
    var torch: Numbers
  }

  @Test func referenceNetworkTrainsAsInKerasAndPyTorch() throws {
    let fixture = try fixture("keras_reference.json", as: Reference.self)
    let (rows, trainRows, columns, informative) = (10_000, 6_000, 100, 20)
    let whole = FixtureNumbers.wholeFeatures(1, rows * columns)
    let rule = FixtureNumbers.integers(2, informative).map { Int($0 >> 56) - 128 }
    let noise = FixtureNumbers.integers(3, rows).map { Int($0 >> 40) - (1 << 23) }
    let classes = (0..<rows).map { row -> Int32 in
      var score = noise[row]
      for i in 0..<informative { score += whole[row * columns + i] * rule[i] }
      return score > 0 ? 1 : 0
    }
    let values = whole.map { Float($0) / 32_768 }
    let part = { (range: Range<Int>) in
      DataPart(
        Matrix(
          rows: range.count, columns: columns,
          values: Array(values[range.lowerBound * columns..<range.upperBound * columns])),
        classes: Array(classes[range]))
    }
    let data = prepared(
      train: part(0..<trainRows), test: part(trainRows..<rows), classes: 2)
    let spec = trainSpec(
      [
        .dense(DenseSpec(units: 64, activation: .relu)),
        .dense(DenseSpec(units: 32, activation: .relu)),
        .dense(DenseSpec(units: 1, activation: .sigmoid)),
      ], .binaryCrossentropy, metrics: [.accuracy])
    let trainer = try Trainer(spec: spec, data: data)
    let kernels = [
      FixtureNumbers.weights(10, 100 * 64, sixteenths: 3),
      FixtureNumbers.weights(11, 64 * 32, sixteenths: 4),
      FixtureNumbers.weights(12, 32, sixteenths: 7),
    ]
    try trainer.network.setWeights(
      trainer.network.weights.enumerated().map { index, tensor in
        index.isMultiple(of: 2)
          ? Tensor(name: tensor.name, shape: tensor.shape, floats: kernels[index / 2]) : tensor
      })
    let order = FixtureNumbers.order(100, trainRows)
    #expect(values[0] == fixture.checks.feature_0_0)
    #expect(values.last == fixture.checks.feature_last)
    #expect(classes.reduce(0) { $0 + Int($1) } == fixture.checks.positives)
    #expect(kernels[0][0] == fixture.checks.weight_0_0)
    #expect(
      order.enumerated().reduce(0) { $0 + $1.offset * Int($1.element) } == fixture.checks.order_sum)

    var losses: [Double] = []
    let first = try trainer.trainEpoch(
      order: order,
      onStep: { step in
        if step <= 50 { losses.append(trainer.lastStepLoss) }
      })
    for epoch in 1..<10 {
      _ = try trainer.trainEpoch(order: FixtureNumbers.order(UInt64(100 + epoch), trainRows))
    }
    let test = try trainer.evaluate(data.test, prefix: "test_")
    let accuracy = try #require(test.first { $0.key == "test_accuracy" }?.value)
    let epochLoss = try #require(first["loss"])

    for numbers in [fixture.keras, fixture.torch] {
      #expect(losses.count == 50 && numbers.step_losses.count == 50)
      for (step, (loss, expected)) in zip(losses, numbers.step_losses).enumerated() {
        #expect(
          abs(loss - expected) <= 1e-5 * expected, "step \(step + 1): \(loss), not \(expected)")
      }
      #expect(abs(epochLoss - numbers.first_epoch_loss) <= 3e-4 * numbers.first_epoch_loss)
      #expect(abs(accuracy - numbers.test_accuracy) <= 0.01)
      if let expected = numbers.first_epoch_accuracy {
        let found = try #require(first["accuracy"])
        #expect(abs(found - expected) <= 1e-3)
      }
    }
  }

  // Small networks: every optimizer, activation, loss and penalty.

  struct Cases: Decodable {
    var cases: [Case]
  }

  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    struct Layer: Decodable, Sendable {
      var spec: DenseSpec

      init(from decoder: any Decoder) throws {
        var list = try decoder.unkeyedContainer()
        let units = try list.decode(Int.self)
        let activation = try #require(ActivationName(rawValue: list.decode(String.self)))
        let l1 = try list.decode(Double.self)
        let l2 = try list.decode(Double.self)
        spec = DenseSpec(
          units: units, activation: activation, useBias: try list.decode(Bool.self), l1: l1, l2: l2)
      }
    }
    struct Optimizer: Decodable, Sendable {
      var type: String
      var learning_rate: Double
      var momentum: Double?
      var nesterov: Bool?
      var beta_1: Double?
      var beta_2: Double?
      var epsilon: Double?
      var rho: Double?
      var centered: Bool?

      var spec: OptimizerSpec {
        switch type {
        case "sgd":
          .sgd(
            learningRate: learning_rate, momentum: momentum ?? 0, nesterov: nesterov ?? false)
        case "adam":
          .adam(
            learningRate: learning_rate, beta1: beta_1 ?? 0.9, beta2: beta_2 ?? 0.999,
            epsilon: epsilon ?? 1e-7)
        default:
          .rmsprop(
            learningRate: learning_rate, rho: rho ?? 0.9, momentum: momentum ?? 0,
            epsilon: epsilon ?? 1e-7, centered: centered ?? false)
        }
      }
    }
    var name: String
    var layers: [Layer]
    var loss: String
    var optimizer: Optimizer
    var classes: Int
    var step_losses: [Double]
    var weights: [Double]
    var evaluated_loss: Double

    var testDescription: String { name }
  }

  @Test func smallNetworksTrainAsInKeras() throws {
    let cases = try fixture("keras_cases.json", as: Cases.self).cases
    #expect(cases.count == 28)
    for test in cases { try check(test) }
  }

  private func check(_ test: Case) throws {
    let (rows, columns) = (56, 6)
    let classes = test.classes == 0 ? [] : FixtureNumbers.classes(22, rows, of: test.classes)
    let values = test.classes == 0 ? FixtureNumbers.features(21, rows, 1).values : []
    let part = DataPart(
      FixtureNumbers.features(20, rows, columns), classes: classes, values: values)
    let loss = try #require(LossName(rawValue: test.loss))
    let trainer = try Trainer(
      spec: trainSpec(
        test.layers.map { .dense($0.spec) }, loss, test.optimizer.spec, batchSize: 7),
      data: prepared(train: part, classes: test.classes))
    try trainer.network.setWeights(
      trainer.network.weights.map { tensor in
        let isBias = tensor.name.hasSuffix("bias")
        let layer = try #require(Int(tensor.name.split(separator: ".")[1]))
        return Tensor(
          name: tensor.name, shape: tensor.shape,
          floats: FixtureNumbers.weights(
            UInt64((isBias ? 31 : 30) + 2 * layer), tensor.shape.reduce(1, *),
            sixteenths: isBias ? 2 : 8))
      })
    var losses: [Double] = []
    _ = try trainer.trainEpoch(
      order: (0..<Int32(rows)).map { $0 }, onStep: { _ in losses.append(trainer.lastStepLoss) })
    #expect(losses.count == test.step_losses.count)
    for (step, (loss, expected)) in zip(losses, test.step_losses).enumerated() {
      #expect(
        abs(loss - expected) <= 5e-6 * abs(expected),
        "\(test.name), step \(step + 1): \(loss), not \(expected)")
    }
    let weights = try trainer.network.weights.flatMap { try #require($0.floats) }
    #expect(weights.count == test.weights.count)
    for (index, (weight, expected)) in zip(weights, test.weights).enumerated() {
      #expect(
        abs(Double(weight) - expected) <= 1e-5,
        "\(test.name), weight \(index): \(weight), not \(expected)")
    }
    let evaluated = try #require(trainer.evaluate(part, prefix: "").first?.value)
    #expect(abs(evaluated - test.evaluated_loss) <= 5e-6 * test.evaluated_loss)
  }

  @Test(arguments: [(-40.0, 15.942_385), (40, 0), (3, 0.048_587_35)])
  func saturatedProbabilitiesCostWhatTheyDoInKeras(logit: Double, loss: Double) throws {
    // A row of class 0 has the complement's limit, one of class 1 the probability's own.
    for (isPositive, expected) in [(false, loss), (true, loss > 15 ? 16.118_095 : loss)] {
      let x = Matrix(rows: 1, columns: 1, values: [Float(isPositive ? logit : -logit)])
      let network = try Network(
        model: [.dense(DenseSpec(units: 1, activation: .sigmoid))], features: 1,
        weights: [
          Tensor(name: "model.0.kernel", shape: [1, 1], floats: [1]),
          Tensor(name: "model.0.bias", shape: [1], floats: [0]),
        ])
      let result = try network.evaluate(
        DataPart(x, classes: [isPositive ? 1 : 0]), loss: .binaryCrossentropy, metrics: [],
        prefix: "")
      let tolerance = 2e-6 * max(1, expected)
      #expect(abs((result.first?.value ?? .nan) - expected) <= tolerance)
    }
  }
}
