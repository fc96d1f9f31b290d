// How a row of raw input becomes features, as fitted on the training part alone. It goes into the
// checkpoint, so that new data meets exactly the transformation that the model was trained with.

package import Experiments
import Foundation

package struct Preprocessing: Sendable, Equatable {
  package struct Column: Sendable, Equatable, Codable {
    package var name: String
    package var kind: Kind

    package init(name: String, kind: Kind) {
      self.name = name
      self.kind = kind
    }

    /// How many features the column becomes.
    package var width: Int {
      switch kind {
      case .number: 1
      case .categories(let categories, _): categories.count
      }
    }
  }

  package enum Kind: Sendable, Equatable {
    /// Becomes `(value - mean) / standardDeviation` (0 and 1 without standardisation), a missing
    /// value first becomes `imputation`.
    case number(imputation: Double?, mean: Double, standardDeviation: Double)
    /// One feature per category, 1 for the row's own and 0 for the others; all 0 for one that is
    /// not listed. These are not standardised: 0 and 1 keep their meaning.
    case categories([String], imputation: String?)
  }

  package var task: TaskKind
  package var target: String
  /// Labels by class index; empty in a regression.
  package var classes: [String]
  /// The class at index 1 of two; nil if there are more, or none.
  package var positive: String? { classes.count == 2 ? classes[1] : nil }
  /// In the order of the features.
  package var columns: [Column]
  package var isStandardized: Bool
  package var missing: MissingPolicy
  package var missingValues: [String]

  package init(
    task: TaskKind, target: String, classes: [String], columns: [Column], isStandardized: Bool,
    missing: MissingPolicy, missingValues: [String]
  ) {
    self.task = task
    self.target = target
    self.classes = classes
    self.columns = columns
    self.isStandardized = isStandardized
    self.missing = missing
    self.missingValues = missingValues
  }

  /// The model's number of inputs.
  package var featureCount: Int { columns.reduce(0) { $0 + $1.width } }

  /// One name per feature: the column's, or `column=category`.
  package var featureNames: [String] {
    columns.flatMap { column in
      switch column.kind {
      case .number: [column.name]
      case .categories(let categories, _): categories.map { "\(column.name)=\($0)" }
      }
    }
  }

  /// As JSON with sorted keys: equal values have equal texts.
  package func jsonText() throws(DataError) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    } catch {
      throw .badPreprocessing("\(error)")
    }
  }

  package init(jsonText: String) throws(DataError) {
    do {
      self = try JSONDecoder().decode(Self.self, from: Data(jsonText.utf8))
    } catch {
      throw .badPreprocessing("\(error)")
    }
  }
}

extension Preprocessing: Codable {
  private enum CodingKeys: String, CodingKey {
    case task, target, classes, columns, missing
    case isStandardized = "standardized"
    case missingValues = "missing_values"
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func name<Value: RawRepresentable<String>>(_ key: CodingKeys) throws -> Value {
      let text = try container.decode(String.self, forKey: key)
      guard let value = Value(rawValue: text) else {
        throw DecodingError.dataCorruptedError(
          forKey: key, in: container, debugDescription: "\"\(text)\" is not known")
      }
      return value
    }
    task = try name(.task)
    target = try container.decode(String.self, forKey: .target)
    classes = try container.decode([String].self, forKey: .classes)
    columns = try container.decode([Column].self, forKey: .columns)
    isStandardized = try container.decode(Bool.self, forKey: .isStandardized)
    missing = try name(.missing)
    missingValues = try container.decode([String].self, forKey: .missingValues)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(task.rawValue, forKey: .task)
    try container.encode(target, forKey: .target)
    try container.encode(classes, forKey: .classes)
    try container.encode(columns, forKey: .columns)
    try container.encode(isStandardized, forKey: .isStandardized)
    try container.encode(missing.rawValue, forKey: .missing)
    try container.encode(missingValues, forKey: .missingValues)
  }
}

extension Preprocessing.Kind: Codable {
  private enum CodingKeys: String, CodingKey {
    case kind, imputation, mean, categories
    case standardDeviation = "standard_deviation"
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    switch try container.decode(String.self, forKey: .kind) {
    case "number":
      self = .number(
        imputation: try container.decodeIfPresent(Double.self, forKey: .imputation),
        mean: try container.decode(Double.self, forKey: .mean),
        standardDeviation: try container.decode(Double.self, forKey: .standardDeviation))
    case "categories":
      self = .categories(
        try container.decode([String].self, forKey: .categories),
        imputation: try container.decodeIfPresent(String.self, forKey: .imputation))
    case let kind:
      throw DecodingError.dataCorruptedError(
        forKey: .kind, in: container, debugDescription: "\"\(kind)\" is not known")
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .number(let imputation, let mean, let standardDeviation):
      try container.encode("number", forKey: .kind)
      try container.encodeIfPresent(imputation, forKey: .imputation)
      try container.encode(mean, forKey: .mean)
      try container.encode(standardDeviation, forKey: .standardDeviation)
    case .categories(let categories, let imputation):
      try container.encode("categories", forKey: .kind)
      try container.encode(categories, forKey: .categories)
      try container.encodeIfPresent(imputation, forKey: .imputation)
    }
  }
}
