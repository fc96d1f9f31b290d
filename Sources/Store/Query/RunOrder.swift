// The order of a list of runs: `-metrics.val_f1`, `params.x`, `started desc`. What a run lacks, and
// NaN, come last in either direction; runs that are equal in everything come newest first.

import Experiments
import GRDB

struct RunOrder {
  struct Term: Equatable {
    let field: QueryField
    let isDescending: Bool
  }

  let terms: [Term]
  private static let maxTerms = 8

  /// - Throws: `invalid_query`, `limit_exceeded`.
  init(_ texts: [String]) throws {
    try Bounds.count(texts.count, of: "order_by", atMost: Self.maxTerms)
    terms = try texts.map { text in
      do throws(QueryMistake) {
        return try Self.term(text)
      } catch {
        throw error.storeError(in: text)
      }
    }
  }

  private static func term(_ text: String) throws(QueryMistake) -> Term {
    var isDescending = false
    var body = Substring(text)
    if body.hasPrefix("-") {
      isDescending = true
      body = body.dropFirst()
    }
    let offset = text.count - body.count
    guard body.utf8.count <= Limits.queryBytes else {
      throw QueryMistake(reason: "the field is too long", position: 0)
    }
    do throws(QueryMistake) {
      var reader = try TokenReader(String(body))
      let field = try reader.field()
      if reader.current.isWord("desc") || reader.current.isWord("asc") {
        isDescending = isDescending != reader.advance().isWord("desc")
      }
      guard reader.current.kind == .end else {
        throw reader.expected("\"asc\", \"desc\" or the end")
      }
      return Term(field: field, isDescending: isDescending)
    } catch {
      throw QueryMistake(reason: error.reason, position: error.position + offset)
    }
  }

  /// What the runs are sorted by: one expression per term.
  func keys(_ sql: QuerySQL) -> [SQLPiece] { terms.map { sql.sortKey(of: $0.field) } }

  /// The metric by whose last value the runs are sorted first: its index has them in that order.
  var leadingMetric: String? {
    if case .metric(let key, .last)? = terms.first?.field { key } else { nil }
  }

  /// Whether the runs come by falling number: the table itself has that order.
  var isNewestFirst: Bool { terms.isEmpty }

  /// ORDER BY over columns `k0`, `k1` … and `id`.
  var clause: String {
    let parts = terms.enumerated().map { index, term in
      "k\(index) IS NULL, k\(index)\(term.isDescending ? " DESC" : "")"
    }
    return (parts + ["id DESC"]).joined(separator: ", ")
  }

  /// The condition that a row comes after the one with these keys, over the columns of `clause`.
  func after(_ keys: [DatabaseValue], id: Int64) -> SQLPiece {
    let columns = terms.indices.map { SQLPiece(sql: "k\($0)") }
    return after(keys, id: id, columns: columns, idColumn: "id")
  }

  /// The same over other expressions.
  func after(
    _ keys: [DatabaseValue], id: Int64, columns: [SQLPiece], idColumn: String
  ) -> SQLPiece {
    var result = SQLPiece(sql: "\(idColumn) < ?", values: [id.databaseValue])
    for (index, term) in terms.enumerated().reversed() {
      let key = keys[index]
      let column = columns[index]
      guard !key.isNull else {
        // Nothing comes after a missing value but others of them.
        result = SQLPiece(
          sql: "(\(column.sql) IS NULL AND (\(result.sql)))", values: column.values + result.values)
        continue
      }
      let beyond = "\(column.sql) \(term.isDescending ? "<" : ">") ?"
      result = SQLPiece(
        sql: """
          (\(beyond) OR \(column.sql) IS NULL OR (\(column.sql) = ? AND (\(result.sql))))
          """,
        values: column.values + [key] + column.values + column.values + [key] + result.values)
    }
    return result
  }
}
