// Dropout in training: how many values go, how the others are scaled, and on what the masks depend.

import Experiments
import Testing
import Training

@Suite struct DropoutTests {
  /// A network whose loss shows the dropout mask: one weight of 1, all inputs 1, targets 0, so a
  /// row's squared error is its mask's square.
  private func firstLosses(rate: Double, seed: Int, epochs: Int) throws -> [Double] {
    let rows = 2_000
    let ones = Matrix(rows: rows, columns: 1, values: [Float](repeating: 1, count: rows))
    let part = DataPart(ones, values: [Float](repeating: 0, count: rows))
    let spec = trainSpec(
      [.dropout(rate: rate), .dense(DenseSpec(units: 1))], .meanSquaredError,
      .sgd(learningRate: 0), batchSize: rows, seed: seed)
    let trainer = try Trainer(spec: spec, data: prepared(train: part, classes: 0))
    try trainer.network.setWeights([
      Tensor(name: "model.1.kernel", shape: [1, 1], floats: [1]),
      Tensor(name: "model.1.bias", shape: [1], floats: [0]),
    ])
    var losses: [Double] = []
    for _ in 0..<epochs {
      _ = try trainer.trainEpoch()
      losses.append(trainer.lastStepLoss)
    }
    // At inference nothing is dropped.
    #expect(try trainer.predict(ones).values.allSatisfy { $0 == 1 })
    return losses
  }

  @Test(arguments: [0.1, 0.25, 0.5, 0.9])
  func keepsTheExpectedShareAndScalesIt(rate: Double) throws {
    for loss in try firstLosses(rate: rate, seed: 4, epochs: 3) {
      // The mean of mask² is share · (1 / (1 − rate))²; six standard deviations of the share.
      let share = loss * (1 - rate) * (1 - rate)
      #expect(abs(share - (1 - rate)) < 6 * (rate * (1 - rate) / 2_000).squareRoot())
    }
  }

  @Test func rateZeroChangesNothing() throws {
    #expect(try firstLosses(rate: 0, seed: 4, epochs: 2) == [1, 1])
  }

  @Test func masksDependOnSeedAndStepAlone() throws {
    let losses = try firstLosses(rate: 0.5, seed: 4, epochs: 3)
    #expect(losses == (try firstLosses(rate: 0.5, seed: 4, epochs: 3)))
    #expect(losses != (try firstLosses(rate: 0.5, seed: 5, epochs: 3)))
    #expect(Set(losses).count == 3)
  }
}
