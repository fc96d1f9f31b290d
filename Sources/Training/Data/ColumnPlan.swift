// Says what each column of a CSV file is read as: made from a spec and the file's header when a
// dataset is prepared, from a run's preprocessing when new data is read.

import Experiments

struct ColumnPlan {
  enum Role: Equatable {
    case ignored
    /// Place among the number columns, in the order of the features.
    case number(Int)
    /// Place among the categorical columns, likewise.
    case category(Int)
    case target
  }

  let header: [String]
  /// Per column of the file.
  private(set) var roles: [Role]
  /// Names and roles of the feature columns, in the order of the features.
  private(set) var features: [(name: String, role: Role)] = []
  let target: String
  let task: TaskKind
  /// Labels that the target may have; nil while they are still to be found.
  let classes: [String]?
  let missing: MissingPolicy
  let markers: MissingMarkers

  private(set) var numberCount = 0
  private(set) var categoryCount = 0

  /// For a dataset that is to be trained on. The header has passed `CSVHeader.mistakes`.
  init(dataset: CSVDataset, header: [String]) {
    self.header = header
    target = dataset.target
    task = dataset.task
    classes = nil
    missing = dataset.missing
    markers = MissingMarkers(dataset.missingValues)
    roles = header.map { $0 == dataset.target ? .target : .ignored }
    let categorical = Set(dataset.categorical)
    for index in CSVHeader.featureIndexes(of: dataset, header: header) {
      add(header[index], at: index, isCategory: categorical.contains(header[index]))
    }
  }

  /// For new data: the columns of the run, wherever they stand in the file.
  /// - Parameter target: The target's name in the new data; empty for that of the run.
  init(preprocessing: Preprocessing, target: String, header: [String]) throws(DataError) {
    self.header = header
    self.target = target.isEmpty ? preprocessing.target : target
    task = preprocessing.task
    classes = preprocessing.classes
    missing = preprocessing.missing
    markers = MissingMarkers(preprocessing.missingValues)
    roles = header.map { _ in .ignored }
    let needed = preprocessing.columns.map(\.name) + [self.target]
    var places: [String: Int] = [:]
    var repeated: Set<String> = []
    for (index, name) in header.enumerated() {
      if places.updateValue(index, forKey: name) != nil { repeated.insert(name) }
    }
    let absent = needed.filter { places[$0] == nil }
    guard absent.isEmpty else { throw .noColumns(absent, header: header) }
    if let name = needed.first(where: { repeated.contains($0) }) { throw .ambiguousColumn(name) }
    for column in preprocessing.columns {
      guard let index = places[column.name] else { continue }
      let isCategory = if case .categories = column.kind { true } else { false }
      add(column.name, at: index, isCategory: isCategory)
    }
    if let index = places[self.target] { roles[index] = .target }
  }

  private mutating func add(_ name: String, at index: Int, isCategory: Bool) {
    let role = isCategory ? Role.category(categoryCount) : .number(numberCount)
    if isCategory { categoryCount += 1 } else { numberCount += 1 }
    roles[index] = role
    features.append((name, role))
  }
}

/// The texts that mean "no value". Most cells are told apart by their first byte.
struct MissingMarkers {
  /// As they were given.
  let texts: [String]
  private let trimmed: [[UInt8]]
  private let isFirstByte: [Bool]
  private let includesEmpty: Bool

  init(_ markers: [String]) {
    texts = markers
    trimmed = markers.map { marker in
      let isSpace: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
      let start = marker.utf8.drop(while: isSpace)
      return Array(start.reversed().drop(while: isSpace).reversed())
    }
    var firsts = [Bool](repeating: false, count: 256)
    for case let first? in trimmed.map(\.first) { firsts[Int(first)] = true }
    isFirstByte = firsts
    includesEmpty = trimmed.contains([])
  }

  func contain(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let first = text.first else { return includesEmpty }
    return isFirstByte[Int(first)] && trimmed.contains { $0.elementsEqual(text) }
  }
}
