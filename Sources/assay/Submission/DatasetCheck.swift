// Looks at a spec's CSV file before the job is queued: that it is there, and that its header line
// has the columns which the spec names.

import Experiments

enum DatasetCheck {
  /// Enough for the header line of any table with the allowed number of columns.
  private static let headerBytes = 8 << 20

  static func mistakes(in spec: JobSpec) -> [SpecMistake] {
    switch spec.work {
    case .command: return []
    case .train(let train):
      guard case .csv(let dataset) = train.dataset else { return [] }
      return mistakes(in: dataset)
    case .evaluate(let evaluate):
      return mistakes(in: evaluate.dataset)
    }
  }

  private static func mistakes(in dataset: CSVDataset) -> [SpecMistake] {
    do {
      let bytes = try LocalFile.beginning(of: dataset.path, limit: headerBytes)
      return CSVHeader.mistakes(in: dataset, beginning: bytes)
    } catch {
      return [SpecMistake(path: "dataset.path", message: error.message)]
    }
  }
}
