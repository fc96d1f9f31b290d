// Compares a database with what the daemon has acknowledged. Reads the file by itself, through the
// documented view for points, so that a mistake of the daemon's own reading cannot hide one of its
// writing.
import Foundation
import GRDB

struct LedgerCheck {
  private(set) var missing: [String] = []
  /// There more than once, or there without anybody having sent it.
  private(set) var surplus: [String] = []

  /// - Parameter isExact: whether everything that was sent has been acknowledged, so that nothing
  ///   else may be there.
  init(database path: String, _ ledger: Ledger.Contents, isExact: Bool) throws {
    let queue = try DatabaseQueue(path: path)
    defer { try? queue.close() }  // nothing was written
    try queue.read { db in
      try points(db, ledger, isExact)
      try runs(db, ledger, isExact)
      try params(db, ledger, isExact)
      try tags(db, ledger)
      try jobs(db, ledger, isExact)
      try content(db, ledger.checkpoints, "checkpoints", "CAST(epoch AS TEXT)", isExact)
      try content(db, ledger.artifacts, "artifacts", "path", isExact)
      if isExact { try summaries(db, ledger) }
    }
  }

  private mutating func points(_ db: Database, _ ledger: Ledger.Contents, _ isExact: Bool) throws {
    var found: [Ledger.Series: Set<Ledger.Point>] = [:]
    let rows = try Row.fetchCursor(
      db, sql: "SELECT run_id, key, step, time, value FROM metric_history")
    while let row = try rows.next() {
      let value: Double = (row[4] as DatabaseValue).storage.value.flatMap { $0 as? Double } ?? .nan
      let series = Ledger.Series(run: row[0], key: row[1])
      let point = Ledger.Point(step: row[2], time: row[3], value: value)
      if !found[series, default: []].insert(point).inserted {
        surplus.append("point of \(series.key) of run \(series.run), step \(point.step), twice")
      }
    }
    for (series, points) in ledger.points {
      for point in points.subtracting(found[series] ?? []) {
        missing.append("point of \(series.key) of run \(series.run): step \(point.step)")
      }
    }
    guard isExact else { return }
    for (series, points) in found {
      for point in points.subtracting(ledger.points[series] ?? []) {
        surplus.append("point of \(series.key) of run \(series.run): step \(point.step), not sent")
      }
    }
  }

  private mutating func runs(_ db: Database, _ ledger: Ledger.Contents, _ isExact: Bool) throws {
    let rows = try Row.fetchAll(db, sql: "SELECT uid, id FROM runs WHERE job_id IS NULL")
    let found = Dictionary(
      rows.map { ($0[0] as String, $0[1] as Int64) }, uniquingKeysWith: { a, _ in a })
    for (uid, id) in ledger.runs where found[uid] != id {
      missing.append("run \(id) (\(uid))")
    }
    if isExact, rows.count > ledger.runs.count {
      surplus.append("\(rows.count) runs where \(ledger.runs.count) were made")
    }
  }

  private mutating func params(_ db: Database, _ ledger: Ledger.Contents, _ isExact: Bool) throws {
    let rows = try Row.fetchAll(
      db,
      sql: """
        SELECT p.run_id, p.key, p.value FROM params p JOIN runs r ON r.id = p.run_id
        WHERE r.job_id IS NULL
        """)
    var found: [Int64: [String: String]] = [:]
    for row in rows { found[row[0], default: [:]][row[1]] = row[2] }
    for (run, params) in ledger.params {
      for (key, value) in params where found[run]?[key] != value {
        missing.append(
          "param \(key) = \(value) of run \(run); it is \(found[run]?[key] ?? "absent")")
      }
    }
    if isExact, rows.count > ledger.paramCount {
      surplus.append("\(rows.count) params where \(ledger.paramCount) were sent")
    }
  }

  private mutating func tags(_ db: Database, _ ledger: Ledger.Contents) throws {
    for (run, tags) in ledger.tags {
      for (key, value) in tags {
        let found = try String.fetchOne(
          db, sql: "SELECT value FROM tags WHERE run_id = ? AND key = ?", arguments: [run, key])
        if found != value { missing.append("tag \(key) = \(value) of run \(run)") }
      }
    }
  }

  private mutating func jobs(_ db: Database, _ ledger: Ledger.Contents, _ isExact: Bool) throws {
    let rows = try Row.fetchAll(
      db,
      sql: """
        SELECT uid, (SELECT count(*) FROM runs r WHERE r.job_id = j.id),
          (SELECT count(DISTINCT run_id) FROM attempts a WHERE a.job_id = j.id)
        FROM jobs j
        """)
    let found = Set(rows.map { $0[0] as String })
    for uid in ledger.jobs.subtracting(found) { missing.append("job \(uid)") }
    for row in rows where row[1] as Int != max(1, row[2] as Int) {
      surplus.append("job \(row[0] as String) has \(row[1] as Int) runs")
    }
    guard isExact else { return }
    for uid in found.subtracting(ledger.jobs) { surplus.append("job \(uid), not sent") }
  }

  private mutating func content(
    _ db: Database, _ expected: [Ledger.Place: String], _ table: String, _ name: String,
    _ isExact: Bool
  ) throws {
    let rows = try Row.fetchAll(db, sql: "SELECT run_id, \(name), sha256 FROM \(table)")
    var found: [Ledger.Place: Set<String>] = [:]
    for row in rows { found[Ledger.Place(run: row[0], name: row[1]), default: []].insert(row[2]) }
    for (place, sha256) in expected where found[place]?.contains(sha256) != true {
      missing.append("\(table): \(place.name) of run \(place.run)")
    }
    if isExact, found.count > expected.count {
      surplus.append("\(found.count) \(table) where \(expected.count) were sent")
    }
  }

  /// Every series has the count and the last value of its points.
  private mutating func summaries(_ db: Database, _ ledger: Ledger.Contents) throws {
    let rows = try Row.fetchAll(
      db,
      sql: """
        SELECT m.run_id, k.name, m.count, m.last_step FROM metrics m
        JOIN metric_keys k ON k.id = m.key_id
        """)
    for row in rows {
      let series = Ledger.Series(run: row[0], key: row[1])
      let points = ledger.points[series] ?? []
      if row[2] as Int != points.count || row[3] as Int64 != points.map(\.step).max() {
        surplus.append("summary of \(series.key) of run \(series.run) is not of its points")
      }
    }
  }
}
