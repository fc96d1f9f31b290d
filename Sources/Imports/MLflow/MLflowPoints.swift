// The points of one run in MLflow's database, a page of them per transaction.

import Experiments
import GRDB

struct MLflowPoints {
  /// How many points have been read or passed over.
  private(set) var done: Int64 = 0
  private let infinities: Bool
  private let sql: String

  init(infinities: Bool, hasRunIndex: Bool) {
    self.infinities = infinities
    // In the order in which they were written, which is that of an index over the run as well.
    sql =
      hasRunIndex
      ? """
      SELECT rowid, * FROM metrics WHERE run_uuid = ? AND rowid > ? ORDER BY rowid LIMIT ?
      """
      : """
      SELECT m.rowid, m.* FROM temp.run_points p JOIN main.metrics m ON m.rowid = p.point
      WHERE p.run = ? AND p.point > ? ORDER BY p.point LIMIT ?
      """
  }

  /// Old schemas have no index over the run: one is made aside for the time of the import.
  static func makeIndex(_ db: Database) throws {
    try db.execute(
      sql: """
        CREATE TEMP TABLE run_points (run, point, PRIMARY KEY (run, point)) WITHOUT ROWID;
        INSERT INTO temp.run_points SELECT run_uuid, rowid FROM main.metrics ORDER BY 1, 2;
        """)
  }

  /// How many points a run has, and the last one's number.
  static func extent(
    _ db: Database, run: Identifier, hasRunIndex: Bool
  ) throws -> (count: Int64, last: Int64) {
    let row = try Row.fetchOne(
      db,
      sql: hasRunIndex
        ? "SELECT COUNT(*), MAX(rowid) FROM metrics WHERE run_uuid = ?"
        : "SELECT COUNT(*), MAX(point) FROM temp.run_points WHERE run = ?",
      arguments: [run.text])
    return (row?[0] ?? 0, row?[1] ?? 0)
  }

  mutating func passOver(_ count: Int64) { done += count }

  mutating func read(
    _ queue: DatabaseQueue, run: Identifier, owner: String, emit: (ImportItem) throws -> Void
  ) throws {
    var last: Int64 = Int64.min
    var refused: [String: (why: String, count: Int)] = [:]
    while true {
      var batch = SeriesBatch()
      let count = try queue.read { db in
        try page(db, run, &last, into: &batch, &refused)
      }
      if batch.count > 0 { try emit(.points(run, batch.drain())) }
      done += Int64(count)
      try emit(.progress(done))
      if count < SeriesBatch.size { break }
    }
    for (key, reason) in refused.sorted(by: { $0.key < $1.key }) {
      try emit(
        .skipped(
          Skipped(
            "\(reason.count) points of metric \(Fitting.shown(key)) of \(owner)", why: reason.why)))
    }
  }

  private func page(
    _ db: Database, _ run: Identifier, _ last: inout Int64, into batch: inout SeriesBatch,
    _ refused: inout [String: (why: String, count: Int)]
  ) throws -> Int {
    let statement = try db.makeStatement(sql: sql)
    let rows = try Row.fetchCursor(statement, arguments: [run.text, last, SeriesBatch.size])
    let columns = Columns(statement)
    var count = 0
    while let row = try rows.next() {
      last = row[0]
      count += 1
      let key = String.fromDatabaseValue(row[columns.key]) ?? ""
      func refuse(_ why: String) { refused[key, default: (why, 0)].count += 1 }
      if let why = Fitting.refusal(ofKey: key) {
        refuse(why)
        continue
      }
      guard let value = value(row, columns) else {
        refuse("their value is no number")
        continue
      }
      let step = columns.step.flatMap { Int64.fromDatabaseValue(row[$0]) } ?? 0
      let time = MLflowRecords.timestamp(Int64.fromDatabaseValue(row[columns.timestamp]))
      batch.add(key: key, step: step, time: time?.microseconds, value: value)
    }
    return count
  }

  private func value(_ row: Row, _ columns: Columns) -> Double? {
    if let isNaN = columns.isNaN, Bool.fromDatabaseValue(row[isNaN]) == true { return .nan }
    guard let value = Double.fromDatabaseValue(row[columns.value]) else { return nil }
    if infinities, abs(value) == Double.greatestFiniteMagnitude {
      return value < 0 ? -.infinity : .infinity
    }
    return value
  }

  /// Where the columns stand, which differs between schemas.
  private struct Columns {
    var key = 0
    var value = 0
    var timestamp = 0
    var step: Int?
    var isNaN: Int?

    init(_ statement: Statement) {
      for (index, name) in statement.columnNames.enumerated() {
        switch name {
        case "key": key = index
        case "value": value = index
        case "timestamp": timestamp = index
        case "step": step = index
        case "is_nan": isNaN = index
        default: break
        }
      }
    }
  }
}
