// Prints how fast the reference network trains. It asserts nothing about time: that is the
// machine's affair.

import Experiments
import Testing
import Training

@Suite struct TrainingSpeedTests {
  @Test func referenceNetworkPrintsItsSpeed() throws {
    let (rows, columns) = (20_000, 100)
    let features = FixtureNumbers.features(1, rows, columns)
    let classes = (0..<rows).map { Int32(features.values[$0 * columns] > 0 ? 1 : 0) }
    let spec = trainSpec(
      [
        .dense(DenseSpec(units: 64, activation: .relu)),
        .dense(DenseSpec(units: 32, activation: .relu)),
        .dense(DenseSpec(units: 1, activation: .sigmoid)),
      ], .binaryCrossentropy)
    let trainer = try Trainer(
      spec: spec, data: prepared(train: DataPart(features, classes: classes), classes: 2))
    var fastest = 0.0
    for _ in 0..<3 { fastest = max(fastest, try trainer.trainEpoch().samplesPerSecond) }
    print("reference network: \(Int(fastest)) samples/s, \(NumericsFingerprint.current.coreName)")
    #expect(trainer.step == 3 * 625)
  }
}
