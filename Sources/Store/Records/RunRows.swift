// Runs between their tables and their records. A page of runs is read with one query per table,
// never with one per run.

import Experiments
import GRDB

enum RunRows {
  /// `Run` without its params, tags, metrics and dataset, in `Row` order; first the place in the
  /// list that was asked for.
  private static let columns = """
    j.key, r.id, r.uid, r.name, r.experiment_id, r.job_id, r.parent_run_id, r.status, r.seed,
    r.created_at, r.started_at, r.ended_at, r.deleted_at, r.note, r.progress, r.failure_code,
    r.failure_message, r.cost, r.comparability_key, r.dataset_id, r.beside
    """

  static func one(_ db: Database, _ id: Int64) throws -> Run {
    guard let run = try many(db, [id]).first else { throw StoreError.runNotFound(name: "\(id)") }
    return run
  }

  /// - Throws: `run_not_found`.
  static func require(_ db: Database, _ id: Int64) throws {
    guard try db.int64("SELECT 1 FROM runs WHERE id = ?", [id]) != nil else {
      throw StoreError.runNotFound(name: "\(id)")
    }
  }

  /// - Throws: `run_not_found`, `run_deleted`.
  static func requireUsable(_ db: Database, _ id: Int64) throws {
    try require(db, id)
    let isDeleted = try db.int64("SELECT deleted_at FROM runs WHERE id = ?", [id]) != nil
    if isDeleted { throw StoreError.runDeleted(id) }
  }

  /// In the order of `ids`; those that do not exist are left out. With a selection the runs carry
  /// only what it names of their params, tags and metrics.
  static func many(
    _ db: Database, _ ids: [Int64], select: RunSelection? = nil
  ) throws -> [Run] {
    let list = ids.jsonList
    var runs: [Run?] = Array(repeating: nil, count: ids.count)
    var experiments: [Int64: String] = [:]
    var datasets: [Int64: DatasetInfo] = [:]
    let rows = try cursor(
      db, "SELECT \(columns) FROM json_each(?) j CROSS JOIN runs r ON r.id = j.value", [list])
    while let row = try rows.next() {
      var run = try run(row, experiment: try name(db, row[4], &experiments))
      if let dataset = row[19] as Int64? {
        run.dataset = try info(db, dataset, &datasets)
      }
      runs[row[0]] = run
    }
    try forEachText(db, "params", list, select?.params) { runs[$0]?.params[$1] = $2 }
    try forEachText(db, "tags", list, select?.tags) { runs[$0]?.tags[$1] = $2 }
    try forEachSummary(db, list, select?.metrics) { runs[$0]?.metrics[$1] = $2 }
    return runs.compactMap { $0 }
  }

  private static func run(_ row: Row, experiment: String) throws -> Run {
    Run(
      id: row[1], uid: try row.identifier(2), name: row[3], experiment: experiment, jobId: row[5],
      parentId: row[6], status: try row.name(7), seed: row[8], createdAt: row.time(9),
      startedAt: row.optionalTime(10), endedAt: row.optionalTime(11),
      deletedAt: row.optionalTime(12), note: row[13],
      progress: try (row[14] as String?).map { try RecordText.progress($0) },
      failure: row.failure(code: 15, message: 16),
      cost: try (row[17] as String?).map { try RecordText.cost($0) }, comparabilityKey: row[18],
      beside: row[20])
  }

  private static func name(
    _ db: Database, _ id: Int64, _ known: inout [Int64: String]
  ) throws -> String {
    if let name = known[id] { return name }
    guard let name = try db.string("SELECT name FROM experiments WHERE id = ?", [id]) else {
      throw StoreError.databaseDamaged("experiment \(id) is not there")
    }
    known[id] = name
    return name
  }

  private static func info(
    _ db: Database, _ id: Int64, _ known: inout [Int64: DatasetInfo]
  ) throws -> DatasetInfo {
    if let info = known[id] { return info }
    guard let text = try db.string("SELECT info FROM datasets WHERE id = ?", [id]) else {
      throw StoreError.databaseDamaged("dataset \(id) is not there")
    }
    let info = try RecordText.dataset(text)
    known[id] = info
    return info
  }

  /// Hands over place in the list, key and value.
  private static func forEachText(
    _ db: Database, _ table: String, _ list: String, _ keys: [String]?,
    _ body: (Int, String, String) -> Void
  ) throws {
    if let keys, keys.isEmpty { return }
    let rows = try cursor(
      db,
      """
      SELECT j.key, t.key, t.value FROM json_each(?) j CROSS JOIN \(table) t ON t.run_id = j.value
      \(keys == nil ? "" : "WHERE t.key IN (SELECT value FROM json_each(?))")
      """, arguments(list, keys))
    while let row = try rows.next() { body(row[0], row[1], row[2]) }
  }

  private static func forEachSummary(
    _ db: Database, _ list: String, _ keys: [String]?,
    _ body: (Int, String, MetricSummary) -> Void
  ) throws {
    if let keys, keys.isEmpty { return }
    let rows = try cursor(
      db,
      """
      SELECT j.key, m.key_id, m.last, m.last_step, m.last_epoch, m.min, m.max, m.sum, m.numbers,
        m.count
      FROM json_each(?) j CROSS JOIN metrics m ON m.run_id = j.value
      \(keys == nil ? "" : """
        WHERE m.key_id IN
          (SELECT id FROM metric_keys WHERE name IN (SELECT value FROM json_each(?)))
        """)
      """, arguments(list, keys))
    var names: [Int64: String] = [:]
    while let row = try rows.next() {
      let key: Int64 = row[1]
      let name: String
      if let known = names[key] {
        name = known
      } else {
        name = try MetricKeys.name(db, key)
        names[key] = name
      }
      body(row[0], name, try SeriesSummary.metricSummary(row, from: 2))
    }
  }
}

extension RunRows {
  private static func cursor(
    _ db: Database, _ sql: String, _ arguments: StatementArguments
  ) throws -> RowCursor {
    try Row.fetchCursor(db.cachedStatement(sql: sql), arguments: arguments)
  }

  private static func arguments(_ list: String, _ keys: [String]?) -> StatementArguments {
    guard let keys else { return [list] }
    return [list, JSONValue.array(keys.map { .string($0) }).canonicalText]
  }
}

enum MetricKeys {
  static func name(_ db: Database, _ id: Int64) throws -> String {
    guard let name = try db.string("SELECT name FROM metric_keys WHERE id = ?", [id]) else {
      throw StoreError.databaseDamaged("metric key \(id) has no name")
    }
    return name
  }

  static func id(_ db: Database, _ name: String) throws -> Int64 {
    let known = try DirectStatement(db, "SELECT id FROM metric_keys WHERE name = ?")
    defer { known.reset() }
    known.bind(1, name)
    if try known.step() { return known.int64(0) }
    try db.run("INSERT INTO metric_keys (name) VALUES (?)", [name])
    return db.lastInsertedRowID
  }
}
