// Generated data is what its spec says, and the same everywhere.

import Experiments
import Testing
import Training

@Suite struct SyntheticDataTests {
  private func load(
    _ dataset: SyntheticDataset, split: SplitSpec = SplitSpec(validation: 0, test: 0),
    standardize: Bool = false
  ) throws -> PreparedData {
    try DataLoader.load(
      Small.spec(.synthetic(dataset), split: split, standardize: standardize), csv: nil)
  }

  @Test func hasTheShapeAskedFor() throws {
    let data = try load(SyntheticDataset(rows: 1_000, features: 20), split: SplitSpec())
    #expect([data.train.count, data.validation.count, data.test.count] == [800, 100, 100])
    #expect(data.train.features.columns == 20)
    #expect(data.classes == ["0", "1"])
    #expect(data.preprocessing.featureNames.first == "feature_0")
    #expect(data.preprocessing.featureCount == 20)
  }

  @Test func theSameSeedGivesTheSameRowsForeverAndEverywhere() throws {
    let dataset = SyntheticDataset(rows: 100, features: 3, informative: 2, seed: 11)
    let data = try load(dataset)
    #expect(try load(dataset) == data)
    var other = dataset
    other.seed = 12
    #expect(try load(other).train.features != data.train.features)
    #expect(data.train.classIndexes.prefix(8) == [0, 1, 1, 0, 1, 0, 0, 0])
    // The same bits come from NumPy with SciPy's `norm.ppf`.
    #expect(
      data.train.features.values.prefix(6).map(\.bitPattern) == [
        1_067_167_329, 1_076_669_067, 1_052_312_969, 1_062_943_331, 3_200_303_530, 1_066_944_255,
      ])
  }

  /// How a row is split does not change it.
  @Test func aRowDependsOnItsNumberAlone() throws {
    let dataset = SyntheticDataset(rows: 500, features: 5, informative: 3)
    let whole = try load(dataset).train
    let parts = try load(dataset, split: SplitSpec(validation: 0.3, test: 0.3, seed: 9))
    for part in [parts.train, parts.validation, parts.test] {
      for (index, row) in part.rowNumbers.enumerated() {
        #expect(
          part.features.values[(index * 5)..<(index * 5 + 5)]
            == whole.features.values[((row - 1) * 5)..<(row * 5)])
        #expect(part.classIndexes[index] == whole.classIndexes[row - 1])
      }
    }
  }

  @Test(arguments: [(4, 40, 2.5), (20, 20, 1.0), (1, 2, 4.0)])
  func classMeansAreTheSeparationApart(
    _ informative: Int, _ features: Int, _ separation: Double
  ) throws {
    let rows = 20_000
    let data = try load(
      SyntheticDataset(
        rows: rows, features: features, informative: informative, classSeparation: separation,
        labelNoise: 0)
    ).train
    var square = 0.0
    for feature in 0..<features {
      var sums = [0.0, 0.0]
      var squares = [0.0, 0.0]
      var counts = [0.0, 0.0]
      for row in 0..<rows {
        let index = Int(data.classIndexes[row])
        let value = Double(data.features.values[row * features + feature])
        sums[index] += value
        squares[index] += value * value
        counts[index] += 1
      }
      let means = [sums[0] / counts[0], sums[1] / counts[1]]
      for index in 0..<2 {
        let variance = squares[index] / counts[index] - means[index] * means[index]
        #expect(abs(variance - 1) < 0.06)
      }
      // standard error of the difference: 0.014
      if feature >= informative { #expect(abs(means[1] - means[0]) < 0.07) }
      if feature < informative { square += (means[1] - means[0]) * (means[1] - means[0]) }
    }
    #expect(abs(square.squareRoot() - separation) < 0.08)
  }

  @Test func theTailsAreThoseOfANormalDistribution() throws {
    let data = try load(
      SyntheticDataset(rows: 100_000, features: 2, informative: 1, classSeparation: 0))
    let noise = stride(from: 1, to: 200_000, by: 2).map { data.train.features.values[$0] }
    for (bound, share) in [(0.5, 0.308538), (1.0, 0.158655), (2.0, 0.022750), (3.0, 0.001350)] {
      let above = Double(noise.count { Double($0) > bound }) / 100_000
      let below = Double(noise.count { Double($0) < -bound }) / 100_000
      let error = 5 * (share * (1 - share) / 100_000).squareRoot()
      #expect(abs(above - share) < error)
      #expect(abs(below - share) < error)
    }
  }

  @Test func labelsAreFlippedAtTheRateAskedFor() throws {
    var dataset = SyntheticDataset(rows: 50_000, features: 1, informative: 1, labelNoise: 0)
    let clean = try load(dataset).train.classIndexes
    dataset.labelNoise = 0.2
    let noisy = try load(dataset).train.classIndexes
    let flipped = zip(clean, noisy).count { $0 != $1 }
    #expect((9_600...10_400).contains(flipped))
    #expect((24_000...26_000).contains(clean.count { $0 == 1 }))
  }

  @Test func standardisationIsFittedOnTheTrainingPart() throws {
    let dataset = SyntheticDataset(rows: 400, features: 3, informative: 3, classSeparation: 3)
    let split = SplitSpec(validation: 0.2, test: 0.2)
    let raw = try load(dataset, split: split)
    let scaled = try load(dataset, split: split, standardize: true)
    for feature in 0..<3 {
      guard case .number(_, let mean, let deviation) = scaled.preprocessing.columns[feature].kind
      else { continue }
      let training = (0..<raw.train.count).map {
        Double(raw.train.features.values[$0 * 3 + feature])
      }
      #expect(abs(mean - training.reduce(0, +) / Double(training.count)) < 1e-12)
      let value = Double(raw.test.features.values[feature])
      #expect(scaled.test.features.values[feature] == Float((value - mean) / deviation))
    }
  }

  @Test func tooManyValuesAreRefused() {
    #expect(throws: DataError.tooManyValues(rows: 1 << 31, features: 2)) {
      try load(SyntheticDataset(rows: 1 << 31, features: 2))
    }
  }

  @Test func twoClassesNeedOneOutputOrTwo() throws {
    let dataset = SyntheticDataset(rows: 100, features: 2, informative: 2)
    for outputs in [1, 2] {
      _ = try DataLoader.load(
        Small.spec(.synthetic(dataset), outputs: outputs), csv: nil)
    }
    #expect(throws: DataError.classCount(classes: ["0", "1"], outputs: 3, layer: 0)) {
      try DataLoader.load(Small.spec(.synthetic(dataset), outputs: 3), csv: nil)
    }
  }
}
