// Groups of runs that agree in some fields, with statistics of chosen columns: the same experiment
// with several seeds as one line.

package import Experiments
import GRDB

extension Store {
  package struct RunGroup: Sendable, Equatable {
    /// In the order of the fields; nil where the group's runs have no such thing.
    package let key: [JSONValue?]
    package let runs: Int
    /// In the order of the columns.
    package let values: [ValueStatistics]
  }

  /// Of values that are neither missing nor NaN.
  package struct ValueStatistics: Sendable, Equatable {
    package let count: Int
    /// Nil where there is no value.
    package let mean: Double?
    /// Sample standard deviation; nil with fewer than two values.
    package let standardDeviation: Double?
    package let median: Double?
    package let min: Double?
    package let max: Double?

    package init(_ values: [Double]) {
      let sorted = values.filter { !$0.isNaN }.sorted()
      count = sorted.count
      min = sorted.first
      max = sorted.last
      guard !sorted.isEmpty else {
        (mean, standardDeviation, median) = (nil, nil, nil)
        return
      }
      let size = Double(sorted.count)
      let middle = sorted.count / 2
      median =
        sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
      // Equal values have that mean exactly, and no deviation.
      if min == max {
        mean = sorted[0]
        standardDeviation = sorted.count > 1 && sorted[0].isFinite ? 0 : nil
        return
      }
      let average = sorted.reduce(0, +) / size
      mean = average
      let squares = sorted.reduce(0) { $0 + ($1 - average) * ($1 - average) }
      standardDeviation = (squares / (size - 1)).squareRoot()
    }
  }

  /// The groups that the query's runs fall into, and how many groups there are in all. They come in
  /// the order of their keys, numbers before texts and what is missing last, unless the query's
  /// order says otherwise: its terms are fields they are grouped by, or columns, meaning the mean.
  /// A param's texts that are the same number are the same key.
  /// - Parameters:
  ///   - fields: such as `params.lr`, `status`, `dataset`; no metrics.
  ///   - columns: such as `metrics.val_f1`, `best(metrics.loss)`, `duration`, `params.units`.
  /// - Throws: as `runs`, and `invalid_value`.
  package func groups(
    _ query: RunQuery, by fields: [String], columns: [String]
  ) async throws -> (items: [RunGroup], total: Int) {
    try Bounds.page(query.limit)
    let keys = try RunColumns(fields, of: "group_by")
    let columns = try RunColumns(columns, of: "select")
    for case (let name, .metric) in zip(keys.names, keys.fields) {
      throw StoreError.invalidValue(
        field: "group_by", message: "\"\(name)\" is a metric; runs are grouped by what was given")
    }
    for (name, field) in zip(columns.names, columns.fields)
    where field.type == .text || field.type == .status {
      throw StoreError.invalidValue(
        field: "select", message: "\"\(name)\" is no number, so groups have no mean of it")
    }
    let order = try GroupOrder(RunOrder(query.orderBy), keys, columns)
    var query = query
    query.orderBy = []
    query.cursor = nil
    let list = try RunList(query, now: clock.now())
    let groups = try await readAndWork { [query] db in
      try Self.groups(db, list, query, keys, columns)
    }
    let sorted = groups.sorted { order.isBefore($0, $1) }
    return (sorted.prefix(query.limit).map(\.group), sorted.count)
  }

  fileprivate struct Collected {
    let group: RunGroup
    /// What the group is known by, and sorted by.
    let identity: [DatabaseValue]
  }

  private static func groups(
    _ db: Database, _ list: RunList, _ query: RunQuery, _ keys: RunColumns, _ columns: RunColumns
  ) throws -> [Collected] {
    let runner = QueryRunner(db)
    let ids = try list.all(runner, query)
    let sql = try QuerySQL(db, keys.fields + columns.fields)
    let pieces =
      keys.fields.map { sql.raw($0, .run) } + keys.fields.map { sql.sortKey(of: $0) }
      + columns.fields.map { sql.number($0, .run) }
    let width = keys.fields.count
    var indices: [[DatabaseValue]: Int] = [:]
    var groups: [(key: [JSONValue?], identity: [DatabaseValue], runs: Int, values: [[Double]])] =
      []
    let rows = try runner.cursor(values(pieces, of: ids, besides: "r.id"))
    while let row = try rows.next() {
      let identity = (0..<width).map { row[1 + width + $0] as DatabaseValue }
      let index: Int
      if let known = indices[identity] {
        index = known
      } else {
        index = groups.count
        indices[identity] = index
        let key = keys.fields.enumerated().map { json(row[1 + $0], of: $1) }
        groups.append((key, identity, 0, columns.fields.map { _ in [] }))
      }
      groups[index].runs += 1
      for column in columns.fields.indices {
        if let value = row[1 + 2 * width + column] as Double? {
          groups[index].values[column].append(value)
        }
      }
    }
    return groups.map { group in
      Collected(
        group: RunGroup(
          key: group.key, runs: group.runs, values: group.values.map { ValueStatistics($0) }),
        identity: group.identity)
    }
  }
}

/// What groups are sorted by.
private struct GroupOrder {
  private enum Source { case key(Int), column(Int) }
  private let terms: [(source: Source, isDescending: Bool)]

  init(_ order: RunOrder, _ keys: RunColumns, _ columns: RunColumns) throws {
    var terms: [(source: Source, isDescending: Bool)] = try order.terms.map { term in
      if let index = keys.fields.firstIndex(of: term.field) {
        return (.key(index), term.isDescending)
      }
      if let index = columns.fields.firstIndex(of: term.field) {
        return (.column(index), term.isDescending)
      }
      throw StoreError.invalidValue(
        field: "order_by",
        message: "of groups may name what they are grouped by, or a column that is selected")
    }
    terms += keys.fields.indices.map { (.key($0), false) }
    self.terms = terms
  }

  func isBefore(_ a: Store.Collected, _ b: Store.Collected) -> Bool {
    for term in terms {
      let (left, right) = (value(a, term.source), value(b, term.source))
      if left == right { continue }
      // What is missing comes last in either direction.
      if left.isNull || right.isNull { return right.isNull }
      return isLess(left, right) != term.isDescending
    }
    return false
  }

  private func value(_ group: Store.Collected, _ source: Source) -> DatabaseValue {
    switch source {
    case .key(let index): group.identity[index]
    // A mean may be NaN where infinities meet, which a database value turns into NULL.
    case .column(let index): group.group.values[index].mean?.databaseValue ?? .null
    }
  }

  /// As SQLite sorts: numbers, then texts by their bytes.
  private func isLess(_ a: DatabaseValue, _ b: DatabaseValue) -> Bool {
    switch (Self.number(a), Self.number(b)) {
    case (let left?, let right?): return left < right
    case (_?, nil): return true
    case (nil, _?): return false
    case (nil, nil): break
    }
    let (left, right) = (String.fromDatabaseValue(a) ?? "", String.fromDatabaseValue(b) ?? "")
    return left.utf8.lexicographicallyPrecedes(right.utf8)
  }

  private static func number(_ value: DatabaseValue) -> Double? {
    switch value.storage {
    case .int64(let number): Double(number)
    case .double(let number): number
    default: nil
    }
  }
}
