// Runs as rows of chosen columns, in groups with statistics over their seeds, and counted.

package import Experiments
import GRDB

extension Store {
  package struct RunTableRow: Sendable, Equatable {
    package let id: Int64
    package let name: String
    /// In the order of the columns; nil where the run has no such thing.
    package let values: [JSONValue?]
  }

  /// A page of runs as rows. A metric is a number, also NaN; a param or a tag is a text; times are
  /// in microseconds since 1970 UTC.
  /// - Parameter columns: such as `params.lr`, `metrics.loss[10]`, `best(metrics.val_f1)`, `seed`.
  /// - Throws: as `runs`, and `invalid_query` for a column.
  package func table(
    _ query: RunQuery, columns: [String]
  ) async throws -> (items: [RunTableRow], next: String?) {
    try Bounds.page(query.limit)
    let columns = try RunColumns(columns, of: "select")
    let list = try RunList(query, now: clock.now())
    return try await read { db in
      let runner = QueryRunner(db)
      let (entries, next) = try list.page(runner, query)
      let sql = try QuerySQL(db, columns.fields)
      let pieces = columns.fields.map { sql.raw($0, .run) }
      let rows = try runner.rows(
        Self.values(pieces, of: entries.map(\.id), besides: "r.id, r.name"))
      let items = rows.map { row in
        RunTableRow(
          id: row[0], name: row[1],
          values: columns.fields.enumerated().map { index, field in
            Self.json(row[index + 2], of: field)
          })
      }
      return (items, next)
    }
  }

  /// How many runs there are; a page's limit and cursor do not matter.
  /// - Throws: as `runs`.
  package func count(_ query: RunQuery) async throws -> Int {
    var query = query
    query.cursor = nil
    query.orderBy = []
    let list = try RunList(query, now: clock.now())
    return try await read { [query] db in try list.all(QueryRunner(db), query).count }
  }

  /// How a list of runs is found; for whoever asks why it takes long.
  /// - Throws: as `runs`.
  package func explainRuns(_ query: RunQuery) async throws -> QueryExplanation {
    let list = try RunList(query, now: clock.now())
    return try await read { db in
      let runner = QueryRunner(db, explains: true)
      _ = try list.page(runner, query)
      return runner.explanation
    }
  }

  /// Expressions over `runs r`, one row per run in the order of `ids`.
  static func values(
    _ pieces: [SQLPiece], of ids: [Int64], besides columns: String
  ) -> SQLPiece {
    SQLPiece(
      sql: """
        SELECT \(columns)\(pieces.map { ", " + $0.sql }.joined())
        FROM json_each(?) j CROSS JOIN runs r ON r.id = j.value ORDER BY j.key
        """,
      values: pieces.flatMap(\.values) + [ids.jsonList.databaseValue])
  }

  static func json(_ value: DatabaseValue, of field: QueryField) -> JSONValue? {
    switch value.storage {
    case .null, .blob: return nil
    case .int64(let number): return .int(number)
    case .double(let number): return .number(number)
    case .string(let text):
      if case .metric = field, text == MetricValue.nan { return .number(.nan) }
      return .string(text)
    }
  }
}
