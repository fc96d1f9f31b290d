// Runs between their tables and their records. A page of runs is read with one query per table,
// never with one per run.

import Experiments
import GRDB

enum RunRows {
  /// `Run` without its params, tags, metrics and dataset, in `Row` order.
  private static let columns = """
    r.id, r.uid, r.name, e.name, r.job_id, r.parent_run_id, r.status, r.seed, r.created_at,
    r.started_at, r.ended_at, r.deleted_at, r.note, r.progress, r.failure_code, r.failure_message,
    r.cost, r.comparability_key, r.dataset_id
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
    let list: StatementArguments = [ids.jsonList]
    let rows = try db.rows(
      """
      SELECT \(columns) FROM runs r JOIN experiments e ON e.id = r.experiment_id
      WHERE r.id IN (SELECT value FROM json_each(?))
      """, list)
    let datasets = try datasets(db, rows.compactMap { $0[18] as Int64? })
    var params = try texts(db, "params", ids, keys: select?.params)
    var tags = try texts(db, "tags", ids, keys: select?.tags)
    var metrics = try summaries(db, ids, keys: select?.metrics)
    var runs: [Int64: Run] = [:]
    for row in rows {
      var run = try run(row)
      run.dataset = (row[18] as Int64?).flatMap { datasets[$0] }
      run.params = params.removeValue(forKey: run.id) ?? [:]
      run.tags = tags.removeValue(forKey: run.id) ?? [:]
      run.metrics = metrics.removeValue(forKey: run.id) ?? [:]
      runs[run.id] = run
    }
    return ids.compactMap { runs[$0] }
  }

  private static func run(_ row: Row) throws -> Run {
    Run(
      id: row[0], uid: try row.identifier(1), name: row[2], experiment: row[3], jobId: row[4],
      parentId: row[5], status: try row.name(6), seed: row[7], createdAt: row.time(8),
      startedAt: row.optionalTime(9), endedAt: row.optionalTime(10),
      deletedAt: row.optionalTime(11), note: row[12],
      progress: try RecordCoding.optional(row[13]),
      failure: row.failure(code: 14, message: 15),
      cost: try RecordCoding.optional(row[16]), comparabilityKey: row[17])
  }

  private static func datasets(_ db: Database, _ ids: [Int64]) throws -> [Int64: DatasetInfo] {
    guard !ids.isEmpty else { return [:] }
    let rows = try db.rows(
      "SELECT id, info FROM datasets WHERE id IN (SELECT value FROM json_each(?))",
      [Set(ids).sorted().jsonList])
    return try Dictionary(
      uniqueKeysWithValues: rows.map { ($0[0], try RecordCoding.value($0[1] as String)) })
  }

  private static func texts(
    _ db: Database, _ table: String, _ runs: [Int64], keys: [String]?
  ) throws -> [Int64: [String: String]] {
    if let keys, keys.isEmpty { return [:] }
    let statement = try db.cachedStatement(
      sql: """
        SELECT run_id, key, value FROM \(table)
        WHERE run_id IN (SELECT value FROM json_each(?))
        \(keys == nil ? "" : "AND key IN (SELECT value FROM json_each(?))")
        """)
    var result: [Int64: [String: String]] = [:]
    let rows = try Row.fetchCursor(statement, arguments: arguments(runs, keys))
    while let row = try rows.next() { result[row[0], default: [:]][row[1]] = row[2] }
    return result
  }

  private static func summaries(
    _ db: Database, _ runs: [Int64], keys: [String]?
  ) throws -> [Int64: [String: MetricSummary]] {
    if let keys, keys.isEmpty { return [:] }
    let statement = try db.cachedStatement(
      sql: """
        SELECT run_id, key_id, last, last_step, last_epoch, min, max, sum, numbers, count
        FROM metrics WHERE run_id IN (SELECT value FROM json_each(?))
        \(keys == nil ? "" : """
          AND key_id IN
            (SELECT id FROM metric_keys WHERE name IN (SELECT value FROM json_each(?)))
          """)
        """)
    var names: [Int64: String] = [:]
    var result: [Int64: [String: MetricSummary]] = [:]
    let rows = try Row.fetchCursor(statement, arguments: arguments(runs, keys))
    while let row = try rows.next() {
      let key: Int64 = row[1]
      let name: String
      if let known = names[key] {
        name = known
      } else {
        name = try MetricKeys.name(db, key)
        names[key] = name
      }
      result[row[0], default: [:]][name] = try SeriesSummary.metricSummary(row, from: 2)
    }
    return result
  }
}

extension RunRows {
  private static func arguments(_ runs: [Int64], _ keys: [String]?) -> StatementArguments {
    guard let keys else { return [runs.jsonList] }
    return [runs.jsonList, JSONValue.array(keys.map { .string($0) }).canonicalText]
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
