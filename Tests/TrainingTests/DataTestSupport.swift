// Small datasets and specs for the tests of data.

import Experiments
import Foundation
import Training

enum Fixture {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Fixtures")
  static let examples = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../tools/examples").standardizedFileURL

  static func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: folder.appending(path: name)))
  }
}

enum Small {
  static func dataset(
    target: String = "y", features: [String] = [], exclude: [String] = [],
    categorical: [String] = [], missing: MissingPolicy = .error,
    missingValues: [String] = CSVDataset.defaultMissingValues,
    task: TaskKind = .regression, positive: String? = nil
  ) -> CSVDataset {
    CSVDataset(
      name: "small", path: "/data/small.csv", target: target, features: features,
      exclude: exclude, categorical: categorical, missing: missing, missingValues: missingValues,
      task: task, positive: positive)
  }

  static func spec(
    _ dataset: DatasetSpec, split: SplitSpec = SplitSpec(validation: 0, test: 0),
    standardize: Bool = false, outputs: Int = 1
  ) -> TrainSpec {
    TrainSpec(
      dataset: dataset, split: split, standardize: standardize,
      model: [.dense(DenseSpec(units: outputs))], loss: .meanSquaredError, optimizer: .adam(),
      metrics: [])
  }

  /// The whole file as training part, unscaled, of a regression unless `dataset` says otherwise.
  static func load(
    _ csv: String, _ dataset: CSVDataset = dataset(), split: SplitSpec? = nil,
    standardize: Bool = false, outputs: Int = 1
  ) throws(DataError) -> PreparedData {
    try DataLoader.load(
      spec(
        .csv(dataset), split: split ?? SplitSpec(validation: 0, test: 0),
        standardize: standardize, outputs: outputs),
      csv: Array(csv.utf8))
  }

  static func error(
    _ csv: String, _ dataset: CSVDataset = dataset(), split: SplitSpec? = nil, outputs: Int = 1
  ) -> DataError? {
    do {
      _ = try load(csv, dataset, split: split, outputs: outputs)
      return nil
    } catch {
      return error
    }
  }
}
