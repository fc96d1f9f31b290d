// Which of MLflow's many schemas a database has: what must be there, and what may be.

import GRDB

struct MLflowSchema {
  private let columns: [String: Set<String>]
  /// Whether the points of one run are found without reading all.
  let hasRunIndex: Bool

  /// - Throws: `source_schema_unknown`.
  init(_ db: Database, path: String) throws {
    var columns: [String: Set<String>] = [:]
    for table in [
      "experiments", "runs", "params", "metrics", "tags", "datasets", "inputs",
      "input_tags",
    ] {
      columns[table] = Set(
        try String.fetchAll(db, sql: "SELECT name FROM pragma_table_info(?)", arguments: [table]))
    }
    for (table, needed) in Self.needed {
      guard let present = columns[table], !present.isEmpty else {
        throw ImportError.schemaUnknown(path: path, missing: "table \(table)")
      }
      for column in needed where !present.contains(column) {
        throw ImportError.schemaUnknown(path: path, missing: "column \(table).\(column)")
      }
    }
    self.columns = columns
    hasRunIndex =
      try Bool.fetchOne(
        db,
        sql: """
          SELECT EXISTS (SELECT 1 FROM pragma_index_list('metrics') l, pragma_index_info(l.name) i
            WHERE i.seqno = 0 AND i.name = 'run_uuid')
          """) ?? false
  }

  private static let needed = [
    ("experiments", ["experiment_id", "name"]),
    ("runs", ["run_uuid", "experiment_id", "status", "start_time", "end_time"]),
    ("params", ["key", "value", "run_uuid"]),
    ("metrics", ["key", "value", "timestamp", "run_uuid"]),
    ("tags", ["key", "value", "run_uuid"]),
  ]

  func has(_ table: String, _ column: String) -> Bool { columns[table]?.contains(column) ?? false }

  /// The column as `alias.column`, or NULL where the schema lacks it.
  func column(_ table: String, _ column: String, alias: String) -> String {
    has(table, column) ? "\(alias).\(column)" : "NULL"
  }

  var hasDatasets: Bool {
    has("datasets", "dataset_uuid") && has("datasets", "name") && has("datasets", "digest")
      && has("inputs", "source_id") && has("inputs", "destination_id")
      && has("inputs", "source_type") && has("inputs", "destination_type")
  }
}
