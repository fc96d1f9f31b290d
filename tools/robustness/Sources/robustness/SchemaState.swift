// What a migration may change of a database, and what it may not: its schema, and the hash of what
// each table holds.
import Checkpoints
import GRDB

struct SchemaState: Sendable {
  let migrations: [String]
  /// Every statement that made it, in order of the names.
  let schema: String
  /// Columns by table, that were looked at: those of the earlier schema.
  let columns: [String: [String]]
  /// What SQLite finds wrong.
  let problems: [String]
  private let contents: [String: String]

  /// Points are compared through the view for them, whatever table they lie in.
  private static let view = "metric_history"
  private static let unlike = ["metric_points", "migrations", "sqlite_sequence"]

  /// - Parameter columns: of an earlier schema, to be compared with it; its own if nil.
  init(_ path: String, columns given: [String: [String]]? = nil) throws {
    let queue = try DatabaseQueue(path: path)
    defer { try? queue.close() }  // nothing was written
    (migrations, schema, columns, problems, contents) = try queue.read { db in
      let schema = try String.fetchAll(
        db,
        sql: "SELECT type || ' ' || name || ': ' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1"
      )
      let columns = try given ?? Self.columns(db)
      var problems = try String.fetchAll(db, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
      problems += try Row.fetchAll(db, sql: "PRAGMA foreign_key_check").map { "foreign key: \($0)" }
      var contents: [String: String] = [:]
      for (table, names) in columns { contents[table] = try Self.hash(db, table, names) }
      return (try Self.names(db), schema.joined(separator: "\n"), columns, problems, contents)
    }
  }

  static func migrations(_ path: String) throws -> [String] {
    let queue = try DatabaseQueue(path: path)
    defer { try? queue.close() }  // nothing was written
    return try queue.read { try names($0) }
  }

  /// The tables that do not hold the same as in the later state.
  func differences(to later: SchemaState) -> [String] {
    contents.filter { later.contents[$0.key] != $0.value }.map {
      "\($0.key) holds something else than before"
    }
  }

  private static func names(_ db: Database) throws -> [String] {
    try String.fetchAll(db, sql: "SELECT name FROM migrations ORDER BY name")
  }

  private static func columns(_ db: Database) throws -> [String: [String]] {
    var columns: [String: [String]] = [:]
    let tables = try String.fetchAll(
      db, sql: "SELECT name FROM sqlite_schema WHERE type = 'table'")
    for table in tables where !unlike.contains(table) {
      columns[table] = try db.columns(in: table).map(\.name)
    }
    columns[view] = ["run_id", "key", "attempt", "step", "time", "value", "epoch"]
    return columns
  }

  private static func hash(_ db: Database, _ table: String, _ columns: [String]) throws -> String {
    let list = columns.map { "quote(\"\($0)\")" }.joined(separator: " || ',' || ")
    var hash = ContentHash()
    let rows = try String.fetchCursor(db, sql: "SELECT \(list) FROM \"\(table)\" ORDER BY 1")
    while let row = try rows.next() {
      hash.update(row.utf8)
      hash.update([10])
    }
    return hash.hex
  }
}
