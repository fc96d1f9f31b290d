// Every gradient against finite differences of an independent network in Double.

import Experiments
import Foundation
import Testing
import Training

@Suite struct GradientTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var model: [LayerSpec]
    var loss: LossName
    /// 0: a regression.
    var classes: Int
    var testDescription: String {
      let layers = model.map { layer in
        switch layer {
        case .dense(let dense):
          "\(dense.units) \(dense.activation.rawValue)\(dense.useBias ? "" : " without bias")"
            + (dense.l1 == 0 ? "" : " l1") + (dense.l2 == 0 ? "" : " l2")
        case .dropout(let rate): "dropout \(rate)"
        }
      }
      return layers.joined(separator: ", ") + ", \(loss.rawValue), \(classes) classes"
    }
  }

  static let cases: [Case] = {
    // What can be at the end: units, activation, loss, classes.
    var ends: [(Int, ActivationName, LossName, Int)] = []
    for activation in ActivationName.allCases {
      ends.append((1, activation, .meanSquaredError, 0))
      ends.append((3, activation, .meanSquaredError, 3))
    }
    ends += [ActivationName.sigmoid, .tanh, .linear, .relu].map { (1, $0, .binaryCrossentropy, 2) }
    for activation in [ActivationName.softmax, .sigmoid] {
      ends.append((3, activation, .categoricalCrossentropy, 3))
      ends.append((3, activation, .sparseCategoricalCrossentropy, 3))
    }
    var cases: [Case] = []
    for (units, activation, loss, classes) in ends {
      let last = LayerSpec.dense(DenseSpec(units: units, activation: activation))
      for hidden in ActivationName.allCases {
        cases.append(
          Case(
            model: [.dense(DenseSpec(units: 5, activation: hidden)), last], loss: loss,
            classes: classes))
      }
    }
    let sigmoid = LayerSpec.dense(DenseSpec(units: 1, activation: .sigmoid))
    for (l1, l2) in [(0.01, 0.0), (0.0, 0.01), (0.02, 0.03)] {
      cases.append(
        Case(
          model: [
            .dense(DenseSpec(units: 5, activation: .tanh, l1: l1, l2: l2)),
            .dense(DenseSpec(units: 1, activation: .sigmoid, l1: l1, l2: l2)),
          ], loss: .binaryCrossentropy, classes: 2))
    }
    let hidden = LayerSpec.dense(DenseSpec(units: 5, activation: .tanh))
    let softmax = LayerSpec.dense(DenseSpec(units: 3, activation: .softmax, useBias: false))
    let linear = LayerSpec.dense(DenseSpec(units: 1))
    for (model, loss, classes) in [
      ([sigmoid], LossName.binaryCrossentropy, 2),
      ([softmax], .sparseCategoricalCrossentropy, 3),
      (
        [.dense(DenseSpec(units: 5, activation: .relu, useBias: false)), softmax],
        .sparseCategoricalCrossentropy, 3
      ),
      ([hidden, .dropout(rate: 0.4), sigmoid], .binaryCrossentropy, 2),
      (
        [.dropout(rate: 0.3), hidden, .dropout(rate: 0), .dropout(rate: 0.5), sigmoid],
        .binaryCrossentropy, 2
      ),
      (
        [hidden, .dropout(rate: 0.4), hidden, .dropout(rate: 0.2), softmax],
        .categoricalCrossentropy, 3
      ),
      ([hidden, linear, .dropout(rate: 0.4)], .meanSquaredError, 0),
      ([hidden, linear, hidden, linear], .meanSquaredError, 0),
    ] {
      cases.append(Case(model: model, loss: loss, classes: classes))
    }
    return cases
  }()

  @Test(arguments: cases)
  func gradientsAgreeWithFiniteDifferences(_ test: Case) throws {
    let (rows, columns, seed) = (7, 6, 5)
    let features = FixtureNumbers.features(40, rows, columns)
    let classes = test.classes == 0 ? [] : FixtureNumbers.classes(41, rows, of: test.classes)
    let values = test.classes == 0 ? FixtureNumbers.features(42, rows, 1).values : []
    let data = prepared(
      train: DataPart(features, classes: classes, values: values), classes: test.classes)
    // One step of plain descent with rate 1 shows the gradient: the weights before less those after.
    let spec = trainSpec(
      test.model, test.loss, .sgd(learningRate: 1), batchSize: rows, seed: seed)
    let trainer = try Trainer(spec: spec, data: data)
    let weights = start(trainer.network.weights)
    try trainer.network.setWeights(weights)
    _ = try trainer.trainEpoch(order: (0..<Int32(rows)).map { $0 })
    let after = trainer.network.weights

    let reference = try referenceNetwork(test, weights, rows: rows, columns: columns, seed: seed)
    let inputs = (0..<rows).map { row in
      (0..<columns).map { Double(features.values[row * columns + $0]) }
    }
    let loss = reference.loss(inputs, classes: classes, values: values)
    #expect(abs(trainer.lastStepLoss - loss) <= 2e-6 * max(abs(loss), 0.1))

    for (index, name) in weights.map(\.name).enumerated() {
      let before = try #require(weights[index].floats)
      let moved = try #require(after[index].floats)
      for i in before.indices {
        let gradient = Double(before[i]) - Double(moved[i])
        let expected = derivative(of: reference, tensor: name, at: i) {
          $0.loss(inputs, classes: classes, values: values)
        }
        #expect(
          abs(gradient - expected) <= 5e-6 + 2e-5 * abs(expected),
          "\(name)[\(i)]: \(gradient), not \(expected)")
      }
    }
  }

  private func start(_ tensors: [Tensor]) -> [Tensor] {
    tensors.enumerated().map { index, tensor in
      let values = FixtureNumbers.weights(
        UInt64(50 + index), tensor.shape.reduce(1, *), sixteenths: 10)
      return Tensor(name: tensor.name, shape: tensor.shape, floats: values)
    }
  }

  private func referenceNetwork(
    _ test: Case, _ weights: [Tensor], rows: Int, columns: Int, seed: Int
  ) throws -> ReferenceNetwork {
    var network = ReferenceNetwork(loss: test.loss)
    var width = columns
    for (index, spec) in test.model.enumerated() {
      var layer = ReferenceNetwork.Layer(spec: spec)
      switch spec {
      case .dense(let dense):
        let kernel = try #require(weights.first { $0.name == "model.\(index).kernel" }?.floats)
        layer.kernel = (0..<width).map { input in
          (0..<dense.units).map { Double(kernel[input * dense.units + $0]) }
        }
        let bias = weights.first { $0.name == "model.\(index).bias" }?.floats
        layer.bias = (bias ?? [Float](repeating: 0, count: dense.units)).map { Double($0) }
        width = dense.units
      case .dropout(let rate):
        var random = RandomStream(seed: seed, purpose: .dropout, layer: index, index: 0)
        layer.mask = (0..<rows).map { _ in
          (0..<width).map { _ in
            rate == 0 ? 1 : Double(random.nextWord()) < rate * 0x1p32 ? 0 : 1 / (1 - rate)
          }
        }
      }
      network.layers.append(layer)
    }
    return network
  }

  private func derivative(
    of network: ReferenceNetwork, tensor: String, at place: Int,
    _ loss: (ReferenceNetwork) -> Double
  ) -> Double {
    let parts = tensor.split(separator: ".")
    guard let layer = Int(parts[1]) else { return .nan }
    let step = 1e-5
    func moved(_ distance: Double) -> Double {
      var network = network
      if parts[2] == "bias" {
        network.layers[layer].bias[place] += distance
      } else {
        let units = network.layers[layer].bias.count
        network.layers[layer].kernel[place / units][place % units] += distance
      }
      return loss(network)
    }
    return (moved(step) - moved(-step)) / (2 * step)
  }
}
