// From a spec to data that can be trained on: reads or generates the rows, splits them, fits the
// preprocessing on the training part alone, and applies it to all parts.

package import Experiments

package enum DataLoader {
  /// - Parameter csv: The bytes of the dataset's file; nil for a synthetic one.
  package static func load(
    _ spec: TrainSpec, csv: [UInt8]?
  ) throws(DataError) -> PreparedData {
    switch spec.dataset {
    case .csv(let dataset):
      guard let csv else { throw .noFile }
      return try load(dataset, csv: csv, spec: spec)
    case .synthetic(let dataset):
      return try load(dataset, spec: spec)
    }
  }

  /// New data through a run's own preprocessing. Which columns are read and how missing values are
  /// treated is the run's; of `dataset` only the target's name counts, if it has one. Columns may
  /// stand in another order, and further ones are ignored.
  package static func apply(
    _ preprocessing: Preprocessing, dataset: CSVDataset, csv: [UInt8]
  ) throws(DataError) -> DataPart {
    var warnings: [String] = []
    return try apply(preprocessing, dataset: dataset, csv: csv, warnings: &warnings)
  }

  /// - Parameter warnings: Gets a sentence per column with categories not seen in training.
  package static func apply(
    _ preprocessing: Preprocessing, dataset: CSVDataset, csv: [UInt8], warnings: inout [String]
  ) throws(DataError) -> DataPart {
    let table = try CSVTable.read(csv) { (header) throws(DataError) -> ColumnPlan in
      try ColumnPlan(preprocessing: preprocessing, target: dataset.target, header: header)
    }
    let encoder = try FeatureEncoder(table, preprocessing: preprocessing)
    let rows = Array(0..<table.rows)
    return DataPart(
      features: try encoder.encode(rows, part: "new data", warnings: &warnings),
      classIndexes: table.targetCodes, values: table.targetValues, rowNumbers: rows.map { $0 + 1 })
  }

  private static func load(
    _ dataset: CSVDataset, csv: [UInt8], spec: TrainSpec
  ) throws(DataError) -> PreparedData {
    let table = try CSVTable.read(csv) { (header) throws(DataError) -> ColumnPlan in
      let mistakes = CSVHeader.mistakes(in: dataset, header: header)
      guard mistakes.isEmpty else { throw .header(mistakes) }
      return ColumnPlan(dataset: dataset, header: header)
    }
    var classes: [String] = []
    var classIndexes: [Int32] = []
    if dataset.task == .classification {
      classes = try ClassOrder.classes(
        of: table.labels.texts, column: dataset.target, positive: dataset.positive)
      try checkOutputs(of: spec, fit: classes)
      let indexes = Dictionary(uniqueKeysWithValues: zip(classes, Int32(0)...))
      let indexOfCode = table.labels.texts.map { indexes[$0] ?? 0 }
      classIndexes = table.targetCodes.map { indexOfCode[Int($0)] }
    }
    let split = try Split(
      rows: table.rows, classIndexes: classes.isEmpty ? nil : classIndexes, spec: spec.split)
    let preprocessing = try Preprocessing.fit(
      table, rows: split.train, classes: classes, standardize: spec.standardize)
    let encoder = try FeatureEncoder(table, preprocessing: preprocessing)
    var warnings = unevenClasses(classIndexes, classes: classes, split: split)
    func part(_ rows: [Int], _ name: String) throws(DataError) -> DataPart {
      DataPart(
        features: try encoder.encode(rows, part: name, warnings: &warnings),
        classIndexes: classes.isEmpty ? [] : rows.map { classIndexes[$0] },
        values: classes.isEmpty ? rows.map { table.targetValues[$0] } : [],
        rowNumbers: rows.map { $0 + 1 })
    }
    return PreparedData(
      train: try part(split.train, "training"),
      validation: try part(split.validation, "validation"),
      test: try part(split.test, "test"),
      classes: classes, preprocessing: preprocessing, warnings: warnings)
  }

  private static func load(
    _ dataset: SyntheticDataset, spec: TrainSpec
  ) throws(DataError) -> PreparedData {
    let (count, overflows) = dataset.rows.multipliedReportingOverflow(by: dataset.features)
    guard !overflows, count <= Limits.syntheticValues else {
      throw .tooManyValues(rows: dataset.rows, features: dataset.features)
    }
    let generator = SyntheticData(dataset)
    let labels = generator.labels
    try checkOutputs(of: spec, fit: SyntheticData.classes)
    if Set(labels).count < 2 {
      throw .oneClass(column: SyntheticData.target, label: "\(labels.first ?? 0)")
    }
    let split = try Split(rows: dataset.rows, classIndexes: labels, spec: spec.split)
    var train = generator.features(ofRows: split.train)
    var validation = generator.features(ofRows: split.validation)
    var test = generator.features(ofRows: split.test)
    var scale: ColumnScale?
    if spec.standardize {
      let fitted = ColumnScale(train.values, columns: train.columns, rows: 0..<train.rows)
      fitted.apply(to: &train)
      fitted.apply(to: &validation)
      fitted.apply(to: &test)
      scale = fitted
    }
    let columns = generator.featureNames.enumerated().map { index, name in
      Preprocessing.Column(
        name: name,
        kind: .number(
          imputation: nil, mean: scale?.means[index] ?? 0,
          standardDeviation: scale?.deviations[index] ?? 1))
    }
    func part(_ features: Matrix, _ rows: [Int]) -> DataPart {
      DataPart(
        features: features, classIndexes: rows.map { labels[$0] }, values: [],
        rowNumbers: rows.map { $0 + 1 })
    }
    return PreparedData(
      train: part(train, split.train), validation: part(validation, split.validation),
      test: part(test, split.test), classes: SyntheticData.classes,
      preprocessing: Preprocessing(
        task: .classification, target: SyntheticData.target, classes: SyntheticData.classes,
        columns: columns, isStandardized: spec.standardize, missing: .error,
        missingValues: CSVDataset.defaultMissingValues),
      warnings: unevenClasses(labels, classes: SyntheticData.classes, split: split))
  }

  /// One output stands for two classes, more for as many.
  private static func checkOutputs(
    of spec: TrainSpec, fit classes: [String]
  ) throws(DataError) {
    guard case .dense(let last)? = spec.model.last else { return }
    guard classes.count == (last.units == 1 ? 2 : last.units) else {
      throw .classCount(classes: classes, outputs: last.units, layer: spec.model.count - 1)
    }
  }

  /// A class without rows in a part can be trained with, but its metrics there say little.
  private static func unevenClasses(
    _ classIndexes: [Int32], classes: [String], split: Split
  ) -> [String] {
    let parts = [
      ("training", split.train), ("validation", split.validation), ("test", split.test),
    ]
    return parts.flatMap { name, rows -> [String] in
      var isPresent = [Bool](repeating: rows.isEmpty, count: classes.count)
      if !classes.isEmpty { for row in rows { isPresent[Int(classIndexes[row])] = true } }
      return zip(classes, isPresent).filter { !$0.1 }
        .map { "\(name): no row has the class \"\($0.0)\"" }
    }
  }
}
