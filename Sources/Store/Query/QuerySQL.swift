// Tree to SQL with bound values. A field is a scalar expression over `runs r`, NULL where the run
// has no such thing (or NaN), and comparisons follow SQL's three-valued logic: what is unknown
// matches neither a condition nor its negation.

import Experiments
import GRDB

/// A piece of SQL and the values of its question marks.
struct SQLPiece {
  var sql: String
  var values: [DatabaseValue] = []
}

enum QuerySQL {
  /// FROM clause that every field's expression relies on.
  static let source = """
    runs r JOIN experiments e ON e.id = r.experiment_id LEFT JOIN datasets d ON d.id = r.dataset_id
    """

  static func condition(_ node: QueryNode) -> SQLPiece { condition(node, isNegated: false) }

  /// `not` is carried down to the comparisons (De Morgan), so that what remains is and/or; and the
  /// most deeply nested part comes first, where SQLite's parser, whose stack has 100 places, needs
  /// one place per level.
  private static func condition(_ node: QueryNode, isNegated: Bool) -> SQLPiece {
    switch node {
    case .not(let inner): return condition(inner, isNegated: !isNegated)
    case .and(let children):
      return joined(children, isNegated ? " OR " : " AND ", isNegated: isNegated)
    case .or(let children):
      return joined(children, isNegated ? " AND " : " OR ", isNegated: isNegated)
    default:
      let leaf = leaf(node)
      return isNegated ? SQLPiece(sql: "NOT (\(leaf.sql))", values: leaf.values) : leaf
    }
  }

  private static func joined(
    _ children: [QueryNode], _ joint: String, isNegated: Bool
  ) -> SQLPiece {
    let pieces = children.sorted { depth($0) > depth($1) }.map { child in
      let piece = condition(child, isNegated: isNegated)
      return depth(child) > 0 ? SQLPiece(sql: "(\(piece.sql))", values: piece.values) : piece
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

  private static func leaf(_ node: QueryNode) -> SQLPiece {
    switch node {
    case .compare(let field, let comparison, let value):
      return compare(field, comparison, value)
    case .isIn(let field, let values):
      return isIn(field, values)
    case .like(let field, let pattern):
      let text = text(of: field)
      return SQLPiece(
        sql: "\(text.sql) LIKE ?", values: text.values + [pattern.databaseValue])
    case .isNull(let field):
      let presence = presence(of: field)
      return SQLPiece(sql: "\(presence.sql) IS NULL", values: presence.values)
    case .and, .or, .not: return condition(node)
    }
  }

  private static func compare(
    _ field: QueryField, _ comparison: QueryComparison, _ value: QueryValue
  ) -> SQLPiece {
    let sign = comparison == .notEqual ? "<>" : comparison.rawValue
    switch value {
    case .number(let number, let written):
      guard case .param = field else {
        return binary(self.number(of: field), sign, number.databaseValue)
      }
      let asNumber = binary(self.number(of: field), sign, number.databaseValue)
      guard comparison == .equal || comparison == .notEqual else { return asNumber }
      // A param that is no number still differs from one, or is written the same.
      let asText = binary(text(of: field), sign, written.databaseValue)
      return SQLPiece(
        sql: "COALESCE(\(asNumber.sql), \(asText.sql))", values: asNumber.values + asText.values)
    case .text(let text):
      return binary(self.text(of: field), sign, text.databaseValue)
    case .time(let time):
      return binary(self.number(of: field), sign, time.databaseValue)
    }
  }

  /// As comparisons by `=` joined by `or`, but no higher for SQLite, however long the list.
  private static func isIn(_ field: QueryField, _ values: [QueryValue]) -> SQLPiece {
    var numbers: [DatabaseValue] = []
    var texts: [DatabaseValue] = []
    for value in values {
      switch value {
      case .number(let number, let written):
        numbers.append(number.databaseValue)
        if case .param = field { texts.append(written.databaseValue) }
      case .time(let time): numbers.append(time.databaseValue)
      case .text(let text): texts.append(text.databaseValue)
      }
    }
    let pieces = [(number(of: field), numbers), (text(of: field), texts)]
      .filter { !$0.1.isEmpty }
      .map { operand, list in
        let marks = Array(repeating: "?", count: list.count).joined(separator: ", ")
        return SQLPiece(sql: "\(operand.sql) IN (\(marks))", values: operand.values + list)
      }
    return SQLPiece(
      sql: "(" + pieces.map(\.sql).joined(separator: " OR ") + ")",
      values: pieces.flatMap(\.values))
  }

  private static func binary(
    _ left: SQLPiece, _ sign: String, _ right: DatabaseValue
  ) -> SQLPiece {
    SQLPiece(sql: "\(left.sql) \(sign) ?", values: left.values + [right])
  }

  /// NULL for a NaN.
  static func number(of field: QueryField) -> SQLPiece {
    switch field {
    case .metric(let key):
      return metric("CASE typeof(m.last) WHEN 'real' THEN m.last END", key)
    case .param(let key): return keyed("number", "params", key)
    case .tag, .attribute: return text(of: field)
    }
  }

  static func text(of field: QueryField) -> SQLPiece {
    switch field {
    case .metric(let key): metric("m.last", key)
    case .param(let key): keyed("value", "params", key)
    case .tag(let key): keyed("value", "tags", key)
    case .attribute(let attribute): SQLPiece(sql: column(attribute))
    }
  }

  /// NULL only where the run has no such thing; a NaN is one.
  private static func presence(of field: QueryField) -> SQLPiece { text(of: field) }

  private static func metric(_ expression: String, _ key: String) -> SQLPiece {
    SQLPiece(
      sql: """
        (SELECT \(expression) FROM metrics m WHERE m.run_id = r.id
        AND m.key_id = (SELECT k.id FROM metric_keys k WHERE k.name = ?))
        """, values: [key.databaseValue])
  }

  private static func keyed(_ column: String, _ table: String, _ key: String) -> SQLPiece {
    SQLPiece(
      sql: "(SELECT p.\(column) FROM \(table) p WHERE p.run_id = r.id AND p.key = ?)",
      values: [key.databaseValue])
  }

  private static func column(_ attribute: QueryAttribute) -> String {
    switch attribute {
    case .status: "r.status"
    case .name: "r.name"
    case .id: "r.id"
    case .experiment: "e.name"
    case .seed: "r.seed"
    case .started: "r.started_at"
    case .ended: "r.ended_at"
    case .created: "r.created_at"
    case .note: "r.note"
    case .job: "r.job_id"
    case .dataset: "d.name"
    case .parent: "r.parent_run_id"
    }
  }
}
