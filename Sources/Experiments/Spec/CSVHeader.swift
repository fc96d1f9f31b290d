// What can be said about a CSV dataset from its header line alone, before a job is queued: whether
// there is a header, and whether the columns that the spec names stand in it.

package enum CSVHeader {
  /// The column names in the file's order, spaces around them removed.
  /// - Parameter bytes: The file or a beginning of it that holds the header line.
  /// - Throws: One mistake at `dataset.path` if there is no readable header.
  package static func parse(_ bytes: [UInt8]) throws(SpecMistakes) -> [String] {
    try bytes.withUnsafeBufferPointer { (buffer) throws(SpecMistakes) -> [String] in
      var records = CSVRecords(buffer)
      return try read(&records)
    }
  }

  /// All that a file's beginning tells against a dataset's spec; each mistake in the file itself
  /// names the file.
  package static func mistakes(in dataset: CSVDataset, beginning bytes: [UInt8]) -> [SpecMistake] {
    do {
      return mistakes(in: dataset, header: try parse(bytes))
    } catch {
      return error.mistakes.map {
        SpecMistake(path: $0.path, message: "\(dataset.path): \($0.message)")
      }
    }
  }

  /// Reads the header as the first record, so that the data rows come next.
  package static func read(_ records: inout CSVRecords) throws(SpecMistakes) -> [String] {
    if records.bytes.starts(with: [0xFF, 0xFE]) || records.bytes.starts(with: [0xFE, 0xFF]) {
      throw mistake("the file is UTF-16; save it as UTF-8")
    }
    let isThere: Bool
    do throws(CSVSyntaxError) {
      isThere = try records.next()
    } catch {
      throw mistake("\(error.message); \(error.hint)")
    }
    guard isThere else {
      throw mistake("the file is empty; its first line must name the columns")
    }
    guard !records.isBlank else {
      throw mistake("the first line is blank; it must name the columns")
    }
    guard records.cells.count <= Limits.csvColumns else {
      throw mistake("\(records.cells.count) columns are more than \(Limits.csvColumns)")
    }
    var names: [String] = []
    for (index, cell) in records.cells.enumerated() {
      guard let name = records.text(cell) else {
        throw mistake("the name of column \(index + 1) is not UTF-8; save the file as UTF-8")
      }
      names.append(name)
    }
    return names
  }

  /// Everything that is wrong with the columns which `dataset` names, each at its path. An empty
  /// target (the run's own, in an `evaluate` job) is not looked at.
  package static func mistakes(in dataset: CSVDataset, header: [String]) -> [SpecMistake] {
    var check = HeaderCheck(dataset: dataset, header: header)
    check.names()
    check.target()
    check.list(dataset.features, "features")
    check.list(dataset.exclude, "exclude")
    check.list(dataset.categorical, "categorical")
    check.features()
    return check.mistakes
  }

  /// The feature columns as indexes into the header: those listed, in their order, or all but the
  /// target and the excluded ones.
  package static func featureIndexes(of dataset: CSVDataset, header: [String]) -> [Int] {
    if !dataset.features.isEmpty {
      return dataset.features.compactMap { header.firstIndex(of: $0) }
    }
    let without = Set(dataset.exclude + [dataset.target])
    return header.indices.filter { !without.contains(header[$0]) }
  }

  private static func mistake(_ message: String) -> SpecMistakes {
    SpecMistakes([SpecMistake(path: "dataset.path", message: message)])
  }
}

private struct HeaderCheck {
  let dataset: CSVDataset
  let header: [String]
  private let known: Set<String>
  private(set) var mistakes: [SpecMistake] = []

  init(dataset: CSVDataset, header: [String]) {
    self.dataset = dataset
    self.header = header
    known = Set(header)
  }

  mutating func names() {
    var first: [String: Int] = [:]
    for (index, name) in header.enumerated() {
      if let earlier = first[name] {
        let what = name.isEmpty ? "have no name" : "are both named \"\(name)\""
        note("path", "columns \(earlier + 1) and \(index + 1) \(what); each needs its own")
      } else {
        first[name] = index
      }
    }
    if let index = first[""], header.count(where: \.isEmpty) == 1, dataset.features.isEmpty {
      note("path", "column \(index + 1) has no name; name it, or list the features to use")
    }
  }

  mutating func target() {
    guard !dataset.target.isEmpty else { return }
    exists(dataset.target, "target")
  }

  mutating func list(_ names: [String], _ field: String) {
    for (index, name) in names.enumerated() { exists(name, "\(field).\(index)") }
  }

  mutating func features() {
    let used = Set(CSVHeader.featureIndexes(of: dataset, header: header).map { header[$0] })
    if used.isEmpty, dataset.features.isEmpty {
      note("path", "no feature column is left beside the target and the excluded ones")
    }
    for (index, name) in dataset.categorical.enumerated()
    where known.contains(name) && !used.contains(name) {
      note("categorical.\(index)", "\"\(name)\" is not among the features")
    }
  }

  private mutating func exists(_ name: String, _ field: String) {
    guard !known.contains(name) else { return }
    let file = dataset.path.split(separator: "/").last.map(String.init) ?? dataset.path
    var message = "\"\(name)\" is no column of \(file)"
    let question = NearestName.question(for: name, among: header)
    if !question.isEmpty {
      message += question
    } else {
      let shown = header.prefix(8).joined(separator: ", ")
      message += ", which has \(shown)" + (header.count > 8 ? ", …" : "")
    }
    note(field, message)
  }

  private mutating func note(_ field: String, _ message: String) {
    mistakes.append(SpecMistake(path: "dataset.\(field)", message: message))
  }
}
