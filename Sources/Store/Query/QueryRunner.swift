// Runs the statements of a query, and on request explains them.

import GRDB

/// How a list of runs was found.
package struct QueryExplanation: Sendable, Equatable {
  package enum Plan: String, Sendable {
    /// By the most selective condition, then sorted.
    case candidates
    /// Along an index in the list's order, each run looked at until the page is full.
    case walk
    /// The whole expression as sets, then along the index.
    case sets
    /// All runs looked at, then sorted.
    case scan
  }

  package internal(set) var plan = Plan.scan
  /// SQLite's own account (`EXPLAIN QUERY PLAN`) of every statement, in order.
  package internal(set) var steps: [String] = []
}

final class QueryRunner {
  let db: Database
  private(set) var explanation = QueryExplanation()
  private let explains: Bool

  init(_ db: Database, explains: Bool = false) {
    self.db = db
    self.explains = explains
  }

  func take(_ plan: QueryExplanation.Plan) { explanation.plan = plan }

  func set(_ piece: SQLPiece) throws -> RunSet {
    try explain(piece)
    var set = RunSet()
    let ids = try Int64.fetchCursor(db, sql: piece.sql, arguments: piece.arguments)
    while let id = try ids.next() { set.insert(id) }
    return set
  }

  /// How many rows there are, if no more than `limit`; else `limit`.
  func count(_ piece: SQLPiece, upTo limit: Int) throws -> Int {
    let counted = SQLPiece(
      sql: "SELECT COUNT(*) FROM (\(piece.sql) LIMIT ?)",
      values: piece.values + [limit.databaseValue])
    try explain(counted)
    return try Int.fetchOne(db, sql: counted.sql, arguments: counted.arguments) ?? 0
  }

  func rows(_ piece: SQLPiece) throws -> [Row] {
    try explain(piece)
    return try Row.fetchAll(db, sql: piece.sql, arguments: piece.arguments)
  }

  func cursor(_ piece: SQLPiece) throws -> RowCursor {
    try explain(piece)
    return try Row.fetchCursor(db, sql: piece.sql, arguments: piece.arguments)
  }

  private func explain(_ piece: SQLPiece) throws {
    guard explains else { return }
    let rows = try Row.fetchAll(
      db, sql: "EXPLAIN QUERY PLAN \(piece.sql)", arguments: piece.arguments)
    explanation.steps += rows.map { $0["detail"] as String }
  }
}
