// Where a job's data comes from.

package enum DatasetSpec: Sendable, Equatable {
  case csv(CSVDataset)
  case synthetic(SyntheticDataset)
}

/// A table in a CSV file (RFC 4180) with a header line.
package struct CSVDataset: Sendable, Equatable {
  /// Names the dataset across runs; by default the file's name without its ending.
  package var name: String
  /// Absolute once submitted.
  package var path: String
  /// The column to predict. Empty only in an `evaluate` job, where the run's own is meant.
  package var target: String
  /// The columns to learn from; empty means all but the target and `exclude`.
  package var features: [String]
  package var exclude: [String]
  /// Feature columns taken as categories (one-hot) even if all their values are numbers. Columns
  /// with text are never guessed to be categories: they must be listed here.
  package var categorical: [String]
  package var missing: MissingPolicy
  /// Cell texts that mean "no value"; compared after trimming spaces.
  package var missingValues: [String]
  /// What the target is: classes, or a number.
  package var task: TaskKind
  /// The class that counts as positive in a binary task; nil: the greater of the two in order.
  package var positive: String?

  package init(
    name: String, path: String, target: String, features: [String] = [], exclude: [String] = [],
    categorical: [String] = [], missing: MissingPolicy = .error,
    missingValues: [String] = CSVDataset.defaultMissingValues,
    task: TaskKind = .classification, positive: String? = nil
  ) {
    self.name = name
    self.path = path
    self.target = target
    self.features = features
    self.exclude = exclude
    self.categorical = categorical
    self.missing = missing
    self.missingValues = missingValues
    self.task = task
    self.positive = positive
  }

  package static let defaultMissingValues = ["", "NA", "N/A", "NaN", "nan", "null", "?"]
}

package enum TaskKind: String, Sendable, CaseIterable {
  case classification, regression
}

/// What a missing value becomes. Statistics are of the training part only.
package enum MissingPolicy: String, Sendable, CaseIterable {
  /// An error that names the row and the column.
  case error
  /// The column's mean (numeric columns; categories take the most frequent one).
  case mean
  case median
  case mostFrequent = "most_frequent"
}

/// A generated binary classification problem: two Gaussian classes in the informative features,
/// noise in the others.
package struct SyntheticDataset: Sendable, Equatable {
  package var name: String
  package var rows: Int
  package var features: Int
  package var informative: Int
  /// Distance between the class means, in standard deviations of one feature, spread over the
  /// informative features.
  package var classSeparation: Double
  /// Fraction of labels that are flipped.
  package var labelNoise: Double
  /// Seeds the data alone, so that runs with different seeds see the same rows.
  package var seed: Int

  package init(
    name: String = "synthetic", rows: Int = 10_000, features: Int = 20, informative: Int = 10,
    classSeparation: Double = 2.5, labelNoise: Double = 0.01, seed: Int = 0
  ) {
    self.name = name
    self.rows = rows
    self.features = features
    self.informative = informative
    self.classSeparation = classSeparation
    self.labelNoise = labelNoise
    self.seed = seed
  }
}

/// Fractions of the rows kept for validation and test; the rest is for training.
package struct SplitSpec: Sendable, Equatable {
  package var validation: Double
  package var test: Double
  /// Whether each part has the classes in the same proportions.
  package var stratify: Bool
  /// Seeds the split alone: runs with different seeds are tested on the same rows.
  package var seed: Int

  package init(
    validation: Double = 0.1, test: Double = 0.1, stratify: Bool = true, seed: Int = 0
  ) {
    self.validation = validation
    self.test = test
    self.stratify = stratify
    self.seed = seed
  }
}
