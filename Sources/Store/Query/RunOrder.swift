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
    let tokens: [QueryToken]
    do throws(QueryMistake) {
      tokens = try QueryLexer.tokens(of: String(body))
    } catch {
      throw QueryMistake(reason: error.reason, position: error.position + offset)
    }
    guard case .word(let word, _) = tokens[0].kind else {
      throw QueryMistake(
        reason: "expected a field such as metrics.val_f1 but found \(tokens[0].description)",
        position: tokens[0].position + offset)
    }
    var rest = tokens[1...]
    if let direction = rest.first, direction.isWord("desc") || direction.isWord("asc") {
      isDescending = isDescending != direction.isWord("desc")
      rest = rest.dropFirst()
    }
    guard let end = rest.first, end.kind == .end else {
      let found = rest.first ?? tokens[0]
      throw QueryMistake(
        reason: "expected \"asc\", \"desc\" or the end but found \(found.description)",
        position: found.position + offset)
    }
    let field = try QueryField(word: word, at: tokens[0].position + offset)
    return Term(field: field, isDescending: isDescending)
  }

  /// What the runs are sorted by: one expression per term.
  var keys: [SQLPiece] {
    terms.map { term in
      guard case .param = term.field else { return QuerySQL.number(of: term.field) }
      // Numbers sort as numbers, before texts.
      let number = QuerySQL.number(of: term.field)
      let text = QuerySQL.text(of: term.field)
      return SQLPiece(
        sql: "COALESCE(\(number.sql), \(text.sql))", values: number.values + text.values)
    }
  }

  /// ORDER BY over columns `k0`, `k1` … and `id`.
  var clause: String {
    let parts = terms.enumerated().map { index, term in
      "k\(index) IS NULL, k\(index)\(term.isDescending ? " DESC" : "")"
    }
    return (parts + ["id DESC"]).joined(separator: ", ")
  }

  /// The condition that a row comes after the one with these keys.
  func after(_ keys: [DatabaseValue], id: Int64) -> SQLPiece {
    var result = SQLPiece(sql: "id < ?", values: [id.databaseValue])
    for (index, term) in terms.enumerated().reversed() {
      let key = keys[index]
      let column = "k\(index)"
      guard !key.isNull else {
        // Nothing comes after a missing value but others of them.
        result.sql = "(\(column) IS NULL AND (\(result.sql)))"
        continue
      }
      let beyond = "\(column) \(term.isDescending ? "<" : ">") ?"
      result = SQLPiece(
        sql: "(\(beyond) OR \(column) IS NULL OR (\(column) = ? AND (\(result.sql))))",
        values: [key, key] + result.values)
    }
    return result
  }
}
