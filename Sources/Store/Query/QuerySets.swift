// An expression as sets of runs: each comparison is one walk along an index (or, where there is
// none, over the runs), and and/or join the sets. This bounds the worst case, several conditions
// that each hold for many runs and together for few, to one walk per condition.

import Experiments
import GRDB

struct QuerySets {
  let runner: QueryRunner
  let sql: QuerySQL

  /// The runs for which it holds.
  /// - Parameter node: normalized.
  func runs(_ node: QueryNode) throws -> RunSet {
    switch node {
    case .and(let children):
      // Those that may be empty first, since then the rest need no walk.
      var result: RunSet?
      for child in children.sorted(by: { isIndexed($0) && !isIndexed($1) }) {
        let own = try runs(child)
        if result == nil { result = own } else { result?.formIntersection(own) }
        if result?.isEmpty ?? false { break }
      }
      return result ?? RunSet()
    case .or(let children):
      var result = RunSet()
      for child in children { result.formUnion(try runs(child)) }
      return result
    case .isNull(let field) where Self.hasRows(field):
      var result = try allRuns()
      result.subtract(try runs(.not(node)))
      return result
    default:
      return try runner.set(rows(of: node))
    }
  }

  /// All that exist.
  func allRuns() throws -> RunSet { try runner.set(SQLPiece(sql: "SELECT id FROM runs")) }

  /// Whether its value stands in a row of its own, or the lack of it in an index.
  private static func hasRows(_ field: QueryField) -> Bool {
    switch field {
    case .metric(_, .step): false
    case .metric, .param, .tag, .attribute(.deleted): true
    case .attribute: false
    }
  }

  // MARK: Estimates

  /// For how many runs it holds at most, told by indexes; nil if for more than `limit`.
  func count(_ node: QueryNode, upTo limit: Int) throws -> Int? {
    switch node {
    case .and(let children):
      var least: Int?
      for child in children where isIndexed(child) {
        least = try count(child, upTo: least ?? limit) ?? least
        if least == 0 { break }
      }
      return least
    case .or(let children):
      var total = 0
      for child in children {
        guard isIndexed(child), let own = try count(child, upTo: limit - total) else { return nil }
        total += own
      }
      return total
    default:
      guard isIndexed(node), limit >= 0 else { return nil }
      let count = try runner.count(rows(of: node), upTo: limit + 1)
      return count <= limit ? count : nil
    }
  }

  /// Whether an index leads to the runs, and it makes sense to count them there.
  func isIndexed(_ node: QueryNode) -> Bool {
    switch node {
    case .and(let children): children.contains(where: isIndexed)
    case .or(let children): children.allSatisfy(isIndexed)
    case .not(.isNull(let field)): Self.hasRows(field)
    case .compare(let field, let comparison, let value):
      switch (field, value) {
      case (.metric(_, .last), _), (.param, .number): comparison != .notEqual
      case (.param, _), (.tag, _): comparison == .equal
      case (.attribute(let attribute), _):
        comparison == .equal && Self.isIndexed(attribute)
          || comparison != .notEqual && (attribute == .started || attribute == .id)
      case (.metric, _): false
      }
    case .isIn(let field, _):
      switch field {
      case .metric(_, .last), .param, .tag: true
      case .attribute(let attribute): Self.isIndexed(attribute)
      case .metric: false
      }
    case .not, .like, .matches, .isNull: false
    }
  }

  private static func isIndexed(_ attribute: QueryAttribute) -> Bool {
    switch attribute {
    case .status, .experiment, .id, .uid, .job, .parent, .started: true
    default: false
    }
  }

  // MARK: Rows

  /// A query for the numbers of the runs for which a comparison holds, over the table that has its
  /// field.
  private func rows(of node: QueryNode) -> SQLPiece {
    switch Self.field(of: node) {
    case .metric(_, .step), .attribute:
      let condition = sql.leaf(node, .run)
      return SQLPiece(
        sql: "SELECT r.id FROM runs r WHERE \(condition.sql)", values: condition.values)
    case .metric(let key, let part): return metric(node, key, part)
    case .param(let key): return keyed(node, "params", key)
    case .tag(let key): return keyed(node, "tags", key)
    }
  }

  private static func field(of node: QueryNode) -> QueryField {
    switch node {
    case .compare(let field, _, _), .isIn(let field, _), .like(let field, _, _),
      .matches(let field, _), .isNull(let field):
      field
    case .not(let inner): self.field(of: inner)
    case .and(let children), .or(let children): self.field(of: children[0])
    }
  }

  private func metric(_ node: QueryNode, _ key: String, _ part: MetricPart) -> SQLPiece {
    let start = SQLPiece(
      sql: "SELECT m.run_id FROM metrics m WHERE m.key_id = ?", values: [sql.keyId(key)])
    if case .not(.isNull) = node { return start }
    // The index has the last values in order, the text NaN after all numbers.
    if part.resolved(for: key) == .last,
      case .compare(_, let comparison, .number(let number, _)) = node
    {
      let sign = comparison == .notEqual ? "<>" : comparison.rawValue
      return SQLPiece(
        sql: "\(start.sql) AND m.last \(sign) ? AND m.last <= 9e999",
        values: start.values + [number.databaseValue])
    }
    let condition = sql.leaf(node, .row)
    return SQLPiece(
      sql: "\(start.sql) AND \(condition.sql)", values: start.values + condition.values)
  }

  /// Over params or tags. Each part of the query has an index of its own: short texts, long texts
  /// by their beginning, numbers.
  private func keyed(_ node: QueryNode, _ table: String, _ key: String) -> SQLPiece {
    func rows(_ conditions: [SQLPiece]) -> SQLPiece {
      let all = [SQLPiece(sql: "p.key = ?", values: [key.databaseValue])] + conditions
      return SQLPiece(
        sql: "SELECT p.run_id FROM \(table) p WHERE " + all.map(\.sql).joined(separator: " AND "),
        values: all.flatMap(\.values))
    }
    let parts: [SQLPiece]
    switch node {
    case .not(.isNull): parts = [rows([Self.isShort]), rows([Self.isLong])]
    case .compare(_, .equal, let value): parts = Self.equalities([value]).map(rows)
    case .isIn(_, let values): parts = Self.equalities(values).map(rows)
    case .compare(_, let comparison, .number) where comparison != .notEqual:
      parts = [rows([sql.leaf(node, .row)])]
    default:
      let condition = sql.leaf(node, .row)
      parts = [rows([Self.isShort, condition]), rows([Self.isLong, condition])]
    }
    return SQLPiece(
      sql: parts.map(\.sql).joined(separator: " UNION ALL "), values: parts.flatMap(\.values))
  }

  /// The conditions of rows that are one of the numbers or texts.
  private static func equalities(_ values: [QueryValue]) -> [[SQLPiece]] {
    var numbers: [DatabaseValue] = []
    var texts: [String] = []
    for value in values {
      switch value {
      case .number(let number, let written):
        numbers.append(number.databaseValue)
        texts.append(written)
      case .text(let text): texts.append(text)
      case .time(let time): numbers.append(time.databaseValue)
      }
    }
    let long = texts.filter { length($0) > shortCharacters }
    let short = texts.filter { length($0) <= shortCharacters }
    var parts: [[SQLPiece]] = []
    if !numbers.isEmpty { parts.append([isIn("p.number", numbers)]) }
    if !short.isEmpty { parts.append([isShort, isIn("p.value", short.map(\.databaseValue))]) }
    if !long.isEmpty {
      let starts = long.map {
        String(String.UnicodeScalarView($0.unicodeScalars.prefix(shortCharacters))).databaseValue
      }
      parts.append([
        isLong, isIn("substr(p.value, 1, 40)", starts),
        isIn("p.value", long.map(\.databaseValue)),
      ])
    }
    return parts
  }

  private static let shortCharacters = 40
  private static let isShort = SQLPiece(sql: "length(p.value) <= 40")
  private static let isLong = SQLPiece(sql: "length(p.value) > 40")

  /// As SQLite counts: up to a zero.
  private static func length(_ text: String) -> Int {
    text.unicodeScalars.prefix { $0.value != 0 }.count
  }

  private static func isIn(_ expression: String, _ values: [DatabaseValue]) -> SQLPiece {
    SQLPiece(sql: "\(expression) IN (\(QuerySQL.marks(values.count)))", values: values)
  }
}
