// Reads the parts of a job spec about data: `dataset` and `split`.

extension DatasetSpec {
  static let types = ["csv", "synthetic"]

  static func read(_ reader: inout SpecReader) -> DatasetSpec? {
    switch reader.read("type", .oneOf(types) { types.contains($0) ? $0 : nil }) {
    case "csv": return CSVDataset.read(&reader, needsTarget: true).map { .csv($0) }
    case "synthetic": return SyntheticDataset.read(&reader).map { .synthetic($0) }
    default:
      reader.ignoreRest()
      return nil
    }
  }

  /// What the target is; synthetic data has two classes.
  package var task: TaskKind {
    switch self {
    case .csv(let dataset): dataset.task
    case .synthetic: .classification
    }
  }
}

extension CSVDataset {
  /// The longest path, as Linux has it.
  static let pathCharacters = 4_096

  /// The name for a file: its own without folder and ending, other characters than a name may have
  /// replaced by `-`.
  package static func defaultName(path: String) -> String {
    let file = path.split(separator: "/").last ?? ""
    let stem = file.lastIndex(of: ".").map { file[..<$0] } ?? file
    return SpecName.made(from: stem) ?? SpecName.made(from: file) ?? "data"
  }

  static func read(_ reader: inout SpecReader, needsTarget: Bool) -> CSVDataset? {
    let path = reader.read("path", .text(upTo: pathCharacters))
    let name = reader.read(
      "name", .identifier(), default: defaultName(path: path ?? ""))
    let target = reader.read(
      "target", .cell(orEmpty: !needsTarget), default: needsTarget ? nil : "")
    let features = reader.columns("features")
    let exclude = reader.columns("exclude")
    let categorical = reader.columns("categorical")
    let missing = reader.read("missing", .name, default: MissingPolicy.error)
    let missingValues = reader.list(
      "missing_values", .cell(orEmpty: true), upTo: 1_000, default: defaultMissingValues)
    let task = reader.read("task", .name, default: TaskKind.classification)
    let positive = reader.readIfPresent("positive", .cell(orEmpty: true))
    if let target, !target.isEmpty {
      reader.checkTarget(target, in: [features, exclude, categorical])
    }
    if let features, let exclude, let categorical {
      reader.checkColumns(features: features, exclude: exclude, categorical: categorical)
    }
    guard let path, let name, let target, let features, let exclude, let categorical, let missing,
      let missingValues, let task, positive != nil || !reader.has("positive")
    else { return nil }
    return CSVDataset(
      name: name, path: path, target: target, features: features, exclude: exclude,
      categorical: categorical, missing: missing, missingValues: missingValues, task: task,
      positive: positive)
  }
}

extension SpecReader {
  fileprivate mutating func columns(_ key: String) -> [String]? {
    list(key, .cell(), upTo: Limits.csvColumns, default: [])
  }

  /// Said of the target in `features`, `exclude` and `categorical`, in that order.
  fileprivate func checkTarget(_ target: String, in lists: [[String]?]) {
    for (key, columns) in zip(["features", "exclude", "categorical"], lists) {
      if let index = columns?.firstIndex(of: target) {
        mistake("\(key).\(index)", "\(JSONValue.string(target).shown) is the target")
      }
    }
  }

  /// Lists of columns that contradict each other.
  fileprivate func checkColumns(features: [String], exclude: [String], categorical: [String]) {
    let used = Set(features)
    let excluded = Set(exclude)
    for (index, column) in exclude.enumerated() where used.contains(column) {
      mistake("exclude.\(index)", "\(JSONValue.string(column).shown) is in features too")
    }
    for (index, column) in categorical.enumerated() {
      let shown = JSONValue.string(column).shown
      if excluded.contains(column) {
        mistake("categorical.\(index)", "\(shown) is in exclude too")
      } else if !features.isEmpty, !used.contains(column) {
        let question = NearestName.question(for: column, among: features)
        mistake("categorical.\(index)", "\(shown) is not in features\(question)")
      }
    }
  }
}

extension SyntheticDataset {
  static func read(_ reader: inout SpecReader) -> SyntheticDataset? {
    let standard = SyntheticDataset()
    let name = reader.read("name", .identifier(), default: standard.name)
    let rows = reader.read("rows", .whole(10...Limits.syntheticValues), default: standard.rows)
    let features = reader.read(
      "features", .whole(1...Limits.csvColumns), default: standard.features)
    let informative = reader.read(
      "informative", .whole(1...Limits.csvColumns),
      default: min(standard.informative, features ?? standard.informative))
    let separation = reader.read(
      "class_separation", .number(.from(0, to: 1_000)), default: standard.classSeparation)
    let noise = reader.read(
      "label_noise", .number(.from(0, to: 0.5)), default: standard.labelNoise)
    let seed = reader.read("seed", .whole(0...Int.max), default: standard.seed)
    if let features, let informative, informative > features {
      reader.mistake(
        "informative", "\(informative) is more than all features, which are \(features)")
    }
    if let rows, let features, rows * features > Limits.syntheticValues {
      reader.log.add(
        reader.path,
        """
        \(rows) rows of \(features) features are too many; \
        rows × features may be at most \(Limits.syntheticValues)
        """)
    }
    guard let name, let rows, let features, let informative, let separation, let noise, let seed
    else { return nil }
    return SyntheticDataset(
      name: name, rows: rows, features: features, informative: informative,
      classSeparation: separation, labelNoise: noise, seed: seed)
  }
}

extension SplitSpec {
  /// - Parameter dataset: says whether there are classes to stratify by; nil if it is not known.
  static func read(_ reader: inout SpecReader, dataset: DatasetSpec?) -> SplitSpec? {
    let standard = SplitSpec()
    let fraction = SpecRule<Double>.number(.from(0, below: 1))
    let hasClasses = dataset?.task != .regression
    let validation = reader.read("validation", fraction, default: standard.validation)
    let test = reader.read("test", fraction, default: standard.test)
    let stratify = reader.read("stratify", .flag, default: hasClasses)
    let seed = reader.read("seed", .whole(0...Int.max), default: standard.seed)
    if let validation, let test, validation + test >= 1 {
      reader.log.add(
        reader.path,
        """
        validation \(validation.shown) and test \(test.shown) leave no rows for training; \
        their sum must be below 1
        """)
    }
    if stratify == true, !hasClasses {
      reader.mistake("stratify", "a regression has no classes to stratify by; leave it out")
    }
    guard let validation, let test, let stratify, let seed else { return nil }
    return SplitSpec(validation: validation, test: test, stratify: stratify, seed: seed)
  }
}
