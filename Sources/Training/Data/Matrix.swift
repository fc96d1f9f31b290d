// The data as the trainer sees it: dense matrices with one row per example, in three parts.

/// Row-major [rows, columns].
package struct Matrix: Sendable, Equatable {
  package let rows: Int
  package let columns: Int
  package var values: [Float]

  package init(rows: Int, columns: Int, values: [Float]) {
    assert(values.count == rows * columns)
    self.rows = rows
    self.columns = columns
    self.values = values
  }
}

/// Rows that belong together: the training, validation or test part, or new data.
package struct DataPart: Sendable, Equatable {
  /// [count, features]
  package var features: Matrix
  /// 0-based class per row in a classification, empty in a regression.
  package var classIndexes: [Int32]
  /// Target per row in a regression, empty in a classification.
  package var values: [Float]
  /// 1-based data row numbers in the source, ascending.
  package var rowNumbers: [Int]

  package var count: Int { features.rows }

  package init(features: Matrix, classIndexes: [Int32], values: [Float], rowNumbers: [Int]) {
    self.features = features
    self.classIndexes = classIndexes
    self.values = values
    self.rowNumbers = rowNumbers
  }
}

/// A dataset split and encoded, with what encodes more of it.
package struct PreparedData: Sendable, Equatable {
  package var train: DataPart
  package var validation: DataPart
  package var test: DataPart
  /// Labels by class index; empty in a regression. Of two classes the positive one is at 1.
  package var classes: [String]
  package var preprocessing: Preprocessing
  /// Sentences about what was unusual but no mistake, for the run's log.
  package var warnings: [String]

  package init(
    train: DataPart, validation: DataPart, test: DataPart, classes: [String],
    preprocessing: Preprocessing, warnings: [String] = []
  ) {
    self.train = train
    self.validation = validation
    self.test = test
    self.classes = classes
    self.preprocessing = preprocessing
    self.warnings = warnings
  }
}
