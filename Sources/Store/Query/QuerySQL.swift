// Tree to SQL with bound values. A field is a scalar expression over `runs r`, NULL where the run
// has no such thing (or NaN), and comparisons follow SQL's three-valued logic: what is unknown
// matches neither a condition nor its negation.

import Experiments
import GRDB

/// A piece of SQL and the values of its question marks.
struct SQLPiece {
  var sql: String
  var values: [DatabaseValue] = []

  var arguments: StatementArguments { StatementArguments(values) }
}

struct QuerySQL {
  /// Where a field's expression stands: over a run `r`, or over its own row (`p` of params or tags,
  /// `m` of metrics).
  enum Scope { case run, row }

  private let metricKeys: [String: Int64]
  /// Of the regular expressions' bounds.
  private let query = RegexFunction.nextQuery()

  /// - Parameter fields: all that will be spoken of.
  init(_ db: Database, _ fields: [QueryField]) throws {
    var keys: [String: Int64] = [:]
    for case .metric(let key, _) in fields where keys[key] == nil {
      keys[key] = try db.int64("SELECT id FROM metric_keys WHERE name = ?", [key])
    }
    metricKeys = keys
  }

  /// The id of a metric's key; one that no row has if there is no such metric.
  func keyId(_ metric: String) -> DatabaseValue { (metricKeys[metric] ?? -1).databaseValue }

  // MARK: Conditions

  /// Over `runs r`. The most deeply nested part comes first, where SQLite's parser, whose stack has
  /// 100 places, needs one place per level.
  /// - Parameter node: normalized.
  func condition(_ node: QueryNode) -> SQLPiece {
    switch node {
    case .and(let children): joined(children, " AND ")
    case .or(let children): joined(children, " OR ")
    default: leaf(node, .run)
    }
  }

  private func joined(_ children: [QueryNode], _ joint: String) -> SQLPiece {
    let pieces = children.sorted { Self.depth($0) > Self.depth($1) }.map { child in
      let piece = condition(child)
      return Self.depth(child) > 0
        ? SQLPiece(sql: "(\(piece.sql))", values: piece.values) : piece
    }
    return SQLPiece(
      sql: pieces.map(\.sql).joined(separator: joint), values: pieces.flatMap(\.values))
  }

  private static func depth(_ node: QueryNode) -> Int {
    switch node {
    case .and(let children), .or(let children): 1 + (children.map(depth).max() ?? 0)
    case .not(let inner): depth(inner)
    default: 0
    }
  }

  /// A comparison, or one that is negated.
  func leaf(_ node: QueryNode, _ scope: Scope) -> SQLPiece {
    switch node {
    case .not(.isNull(let field)):
      let value = raw(field, scope)
      return SQLPiece(sql: "\(value.sql) IS NOT NULL", values: value.values)
    case .not(let inner):
      let piece = leaf(inner, scope)
      return SQLPiece(sql: "NOT (\(piece.sql))", values: piece.values)
    case .compare(let field, let comparison, let value):
      return compare(field, comparison, value, scope)
    case .isIn(let field, let values):
      return isIn(field, values, scope)
    case .like(let field, let pattern, let ignoringCase):
      let text = text(field, scope)
      let value = ignoringCase ? pattern : Self.glob(pattern)
      return SQLPiece(
        sql: "\(text.sql) \(ignoringCase ? "LIKE" : "GLOB") ?",
        values: text.values + [value.databaseValue])
    case .matches(let field, let pattern):
      let text = text(field, scope)
      return SQLPiece(
        sql: "\(RegexFunction.name)(?, \(text.sql), ?)",
        values: [pattern.text.databaseValue] + text.values + [query.databaseValue])
    case .isNull(let field):
      let value = raw(field, scope)
      return SQLPiece(sql: "\(value.sql) IS NULL", values: value.values)
    case .and, .or: return condition(node)
    }
  }

  /// GLOB minds the case, as LIKE in MLflow's filters does; SQLite's LIKE does not.
  private static func glob(_ pattern: String) -> String {
    pattern.reduce(into: "") { result, character in
      switch character {
      case "%": result += "*"
      case "_": result += "?"
      case "*", "?", "[": result += "[\(character)]"
      default: result.append(character)
      }
    }
  }

  private func compare(
    _ field: QueryField, _ comparison: QueryComparison, _ value: QueryValue, _ scope: Scope
  ) -> SQLPiece {
    let sign = comparison == .notEqual ? "<>" : comparison.rawValue
    switch value {
    case .number(let number, let written):
      let asNumber = Self.binary(
        self.number(field, scope), sign, Self.bound(number, written, field))
      guard case .param = field, comparison == .equal || comparison == .notEqual else {
        return asNumber
      }
      // A param that is no number still differs from one, or is written the same.
      let asText = Self.binary(text(field, scope), sign, written.databaseValue)
      return SQLPiece(
        sql: "COALESCE(\(asNumber.sql), \(asText.sql))", values: asNumber.values + asText.values)
    case .text(let text):
      if comparison == .equal, field == .attribute(.experiment) {
        return Self.experiments([text.databaseValue])
      }
      return Self.binary(self.text(field, scope), sign, text.databaseValue)
    case .time(let time):
      return Self.binary(self.number(field, scope), sign, time.databaseValue)
    }
  }

  /// As comparisons by `=` joined by `or`, but no higher for SQLite, however long the list.
  private func isIn(_ field: QueryField, _ values: [QueryValue], _ scope: Scope) -> SQLPiece {
    let (numbers, texts) = Self.lists(values, of: field)
    if field == .attribute(.experiment) { return Self.experiments(texts) }
    func piece(_ operand: SQLPiece, _ list: [DatabaseValue]) -> SQLPiece {
      SQLPiece(
        sql: "\(operand.sql) IN (\(Self.marks(list.count)))", values: operand.values + list)
    }
    if numbers.isEmpty { return piece(text(field, scope), texts) }
    let asNumber = piece(number(field, scope), numbers)
    if texts.isEmpty { return asNumber }
    // A param that is no number is not in the list; what is not there at all is unknown by its text.
    let asText = piece(text(field, scope), texts)
    return SQLPiece(
      sql: "(COALESCE(\(asNumber.sql), 0) OR \(asText.sql))",
      values: asNumber.values + asText.values)
  }

  /// A whole number for an attribute keeps all of its digits: seeds have up to 19.
  static func bound(_ number: Double, _ written: String, _ field: QueryField) -> DatabaseValue {
    if case .attribute = field, let whole = Int64(written) { return whole.databaseValue }
    return number.databaseValue
  }

  static func lists(
    _ values: [QueryValue], of field: QueryField
  ) -> (numbers: [DatabaseValue], texts: [DatabaseValue]) {
    var numbers: [DatabaseValue] = []
    var texts: [DatabaseValue] = []
    for value in values {
      switch value {
      case .number(let number, let written):
        numbers.append(bound(number, written, field))
        if case .param = field { texts.append(written.databaseValue) }
      case .time(let time): numbers.append(time.databaseValue)
      case .text(let text): texts.append(text.databaseValue)
      }
    }
    return (numbers, texts)
  }

  static func marks(_ count: Int) -> String {
    Array(repeating: "?", count: count).joined(separator: ", ")
  }

  private static func experiments(_ names: [DatabaseValue]) -> SQLPiece {
    SQLPiece(
      sql: "r.experiment_id IN (SELECT id FROM experiments WHERE name IN (\(marks(names.count))))",
      values: names)
  }

  private static func binary(
    _ left: SQLPiece, _ sign: String, _ right: DatabaseValue
  ) -> SQLPiece {
    SQLPiece(sql: "\(left.sql) \(sign) ?", values: left.values + [right])
  }
}
