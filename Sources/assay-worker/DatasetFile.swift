// A dataset as the worker sees it: its bytes read once, hashed and handed on, so that what was
// hashed is what is learnt from.
import Checkpoints
import Experiments
import Foundation
import Training

enum DatasetFile {
  /// The file's bytes (nil for generated data) and the dataset's SHA-256: of the bytes, or of the
  /// generator's parameters.
  static func read(_ dataset: DatasetSpec) throws -> (csv: [UInt8]?, sha256: String) {
    switch dataset {
    case .csv(let csv):
      let bytes = try read(path: csv.path)
      return (bytes, ContentHash.sha256Hex(bytes))
    case .synthetic(let synthetic):
      let text =
        "synthetic 1: rows \(synthetic.rows), features \(synthetic.features), informative "
        + "\(synthetic.informative), class_separation \(synthetic.classSeparation), label_noise "
        + "\(synthetic.labelNoise), seed \(synthetic.seed)"
      return (nil, ContentHash.sha256Hex([UInt8](text.utf8)))
    }
  }

  static func read(path: String) throws -> [UInt8] {
    do {
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      let bytes = (attributes[.size] as? NSNumber)?.int64Value ?? 0
      guard bytes <= Limits.csvBytes else {
        throw WorkerError.datasetTooLarge(path: path, bytes: bytes)
      }
      return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    } catch let error as WorkerError {
      throw error
    } catch {
      throw WorkerError.datasetUnreadable(path: path, reason: error.localizedDescription)
    }
  }

  static func label(_ dataset: DatasetSpec) -> String {
    switch dataset {
    case .csv(let csv): csv.path
    case .synthetic(let synthetic): "the generated dataset \(synthetic.name)"
    }
  }

  static func info(_ dataset: DatasetSpec, sha256: String, data: PreparedData) -> DatasetInfo {
    let rows = data.train.count + data.validation.count + data.test.count
    return switch dataset {
    case .csv(let csv):
      DatasetInfo(
        name: csv.name, type: "csv", path: csv.path, sha256: sha256, rows: rows,
        features: data.train.features.columns, classes: data.classes, trainRows: data.train.count,
        validationRows: data.validation.count, testRows: data.test.count)
    case .synthetic(let synthetic):
      DatasetInfo(
        name: synthetic.name, type: "synthetic", path: nil, sha256: sha256, rows: rows,
        features: data.train.features.columns, classes: data.classes, trainRows: data.train.count,
        validationRows: data.validation.count, testRows: data.test.count)
    }
  }
}
