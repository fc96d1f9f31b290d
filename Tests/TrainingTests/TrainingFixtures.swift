// What the tests of the training core share: numbers made as in make_keras_fixture.py, prepared
// data, and the fixture files.

import Experiments
import Foundation
import Testing
import Training

/// The integers of make_keras_fixture.py and what it makes of them.
enum FixtureNumbers {
  static func integers(_ stream: UInt64, _ count: Int) -> [UInt64] {
    (0..<UInt64(count)).map { index in
      var z = (stream << 32 &+ index &+ 1) &* 0x9E37_79B9_7F4A_7C15
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }

  static func wholeFeatures(_ stream: UInt64, _ count: Int) -> [Int] {
    integers(stream, count).map { z in
      [0, 16, 32, 48].reduce(-131_070) { $0 + Int(z >> $1 & 0xFFFF) }
    }
  }

  static func features(_ stream: UInt64, _ rows: Int, _ columns: Int) -> Matrix {
    Matrix(
      rows: rows, columns: columns,
      values: wholeFeatures(stream, rows * columns).map { Float($0) / 32_768 })
  }

  static func weights(_ stream: UInt64, _ count: Int, sixteenths: Int) -> [Float] {
    integers(stream, count).map { Float((Int($0 >> 44) - (1 << 19)) * sixteenths) / 8_388_608 }
  }

  static func classes(_ stream: UInt64, _ count: Int, of classes: Int) -> [Int32] {
    integers(stream, count).map { Int32($0 % UInt64(classes)) }
  }

  static func order(_ stream: UInt64, _ rows: Int) -> [Int32] {
    let numbers = integers(stream, rows)
    var result = (0..<rows).map { Int32($0) }
    for last in (1..<rows).reversed() { result.swapAt(last, Int(numbers[last] % UInt64(last + 1))) }
    return result
  }
}

func fixture<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
  let url = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Fixtures/\(name)")
  return try JSONDecoder().decode(type, from: Data(contentsOf: url))
}

extension DataPart {
  init(_ features: Matrix, classes: [Int32] = [], values: [Float] = []) {
    self.init(
      features: features, classIndexes: classes, values: values,
      rowNumbers: features.rows == 0 ? [] : Array(1...features.rows))
  }

  static func empty(columns: Int) -> DataPart {
    DataPart(Matrix(rows: 0, columns: columns, values: []))
  }
}

func prepared(
  train: DataPart, validation: DataPart? = nil, test: DataPart? = nil, classes: Int
) -> PreparedData {
  let names = (0..<classes).map { "class \($0)" }
  let none = DataPart.empty(columns: train.features.columns)
  return PreparedData(
    train: train, validation: validation ?? none, test: test ?? none, classes: names,
    preprocessing: Preprocessing(
      task: classes == 0 ? .regression : .classification, target: "y", classes: names, columns: [],
      isStandardized: false, missing: .error, missingValues: []))
}

func trainSpec(
  _ model: [LayerSpec], _ loss: LossName, _ optimizer: OptimizerSpec = .adam(),
  metrics: [MetricName] = [], batchSize: Int = 32, seed: Int = 1
) -> TrainSpec {
  TrainSpec(
    seed: seed, dataset: .synthetic(SyntheticDataset()), model: model, loss: loss,
    optimizer: optimizer, metrics: metrics, batchSize: batchSize)
}

/// 100 rows of 8 features in 2 classes, 70 to train, 20 to validate, 10 to test, and a model for it.
enum SmallProblem {
  static let data: PreparedData = {
    let columns = 8
    let part = { (stream: UInt64, rows: Int) -> DataPart in
      let features = FixtureNumbers.features(stream, rows, columns)
      let classes = (0..<rows).map { row in
        Int32(features.values[row * columns] + features.values[row * columns + 1] > 0 ? 1 : 0)
      }
      return DataPart(features, classes: classes)
    }
    return prepared(train: part(1, 70), validation: part(2, 20), test: part(3, 10), classes: 2)
  }()

  static let model: [LayerSpec] = [
    .dense(DenseSpec(units: 9, activation: .relu, initializer: .heNormal, l2: 0.001)),
    .dropout(rate: 0.25), .dense(DenseSpec(units: 5, activation: .tanh)),
    .dense(DenseSpec(units: 1, activation: .sigmoid)),
  ]

  static func spec(_ optimizer: OptimizerSpec = .adam(learningRate: 0.01), seed: Int = 1)
    -> TrainSpec
  {
    trainSpec(
      model, .binaryCrossentropy, optimizer, metrics: [.accuracy, .f1], batchSize: 16, seed: seed)
  }
}
