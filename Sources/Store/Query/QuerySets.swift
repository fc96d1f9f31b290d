// An expression as sets of runs: each comparison is one walk along an index (or, where there is
// none, over the runs), and and/or join the sets. This bounds the worst case, several conditions
// that each hold for many runs and together for few, to one walk per condition.

import Experiments
import GRDB

struct QuerySets {
  let runner: QueryRunner
  let sql: QuerySQL

  private var db: Database { runner.db }

  /// The runs for which it holds. Where it complements a set there may be numbers of no run.
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
      var result = RunSet(upTo: try db.int64("SELECT MAX(id) FROM runs") ?? 0)
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

  /// The part of the expression by which its runs are found soonest, if that are no more than
  /// `limit`; nil if no part is so selective.
  func driver(_ node: QueryNode, atMost limit: Int) throws -> QueryNode? {
    try estimate(node, atMost: limit).map(\.node)
  }

  private func estimate(
    _ node: QueryNode, atMost limit: Int
  ) throws -> (node: QueryNode, count: Int)? {
    switch node {
    case .and(let children):
      var best: (node: QueryNode, count: Int)?
      for child in children where isIndexed(child) {
        // Worth counting only up to the best so far.
        guard let own = try estimate(child, atMost: best?.count ?? limit) else { continue }
        best = own
        if own.count == 0 { break }
      }
      return best
    case .or(let children):
      var total = 0
      for child in children {
        guard isIndexed(child), let own = try estimate(child, atMost: limit - total) else {
          return nil
        }
        total += own.count
      }
      return (node, total)
    default:
      guard isIndexed(node) else { return nil }
      let count = try runner.count(rows(of: node), upTo: limit + 1)
      return count <= limit ? (node, count) : nil
    }
  }

  /// Whether an index leads to the runs, and it makes sense to count them there.
  private func isIndexed(_ node: QueryNode) -> Bool {
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

  private func keyed(_ node: QueryNode, _ table: String, _ key: String) -> SQLPiece {
    let start = SQLPiece(
      sql: "SELECT p.run_id FROM \(table) p WHERE p.key = ?", values: [key.databaseValue])
    func with(_ conditions: SQLPiece...) -> SQLPiece {
      SQLPiece(
        sql: ([start] + conditions).map(\.sql).joined(separator: " AND "),
        values: start.values + conditions.flatMap(\.values))
    }
    switch node {
    case .not(.isNull): return start
    case .compare(_, .equal, .text(let text)):
      return with(Self.begins([text]), Self.isText([text]))
    case .compare(_, .equal, let value): return either(with, [value])
    case .isIn(_, let values): return either(with, values)
    default: return with(sql.leaf(node, .row))
    }
  }

  /// Rows that are one of the numbers, or one of the texts: each part has an index of its own.
  private func either(_ with: (SQLPiece...) -> SQLPiece, _ values: [QueryValue]) -> SQLPiece {
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
    let asText = with(Self.begins(texts), Self.isText(texts))
    guard !numbers.isEmpty else { return asText }
    let asNumber = with(
      SQLPiece(sql: "p.number IN (\(QuerySQL.marks(numbers.count)))", values: numbers))
    return SQLPiece(
      sql: "\(asNumber.sql) UNION ALL \(asText.sql)", values: asNumber.values + asText.values)
  }

  private static let indexedCharacters = 40

  /// What the indexes by value hold.
  private static func begins(_ texts: [String]) -> SQLPiece {
    SQLPiece(
      sql: "substr(p.value, 1, 40) IN (\(QuerySQL.marks(texts.count)))",
      values: texts.map {
        String(String.UnicodeScalarView($0.unicodeScalars.prefix(indexedCharacters))).databaseValue
      })
  }

  /// Needed only where the index does not hold the whole of it.
  private static func isText(_ texts: [String]) -> SQLPiece {
    guard texts.contains(where: { $0.unicodeScalars.count >= indexedCharacters }) else {
      return SQLPiece(sql: "1")
    }
    return SQLPiece(
      sql: "p.value IN (\(QuerySQL.marks(texts.count)))", values: texts.map(\.databaseValue))
  }
}
