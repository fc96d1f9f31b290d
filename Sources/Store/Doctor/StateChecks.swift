// Whether jobs, attempts and runs agree about what happened, and whether what is kept as JSON or as
// an id can be read.

import Checkpoints
import Experiments
import GRDB

struct StateChecks {
  let examination: Examination

  private static let final = "('finished', 'failed', 'cancelled', 'timed_out', 'lost')"
  private static let active = "('starting', 'running')"

  func run() throws {
    let runs = try examination.read("table runs") { try $0.int64("SELECT COUNT(*) FROM runs") }
    examination.counts.runs = Int((runs ?? 0) ?? 0)
    for check in Self.contradictions { try run(check) }
    for column in Self.records { try parse(column) }
    for table in ["jobs", "runs"] { try identifiers(table) }
    try environments()
    try specHashes()
    try epochHashes()
  }

  // MARK: Contradictions

  /// Each row of `sql` is one: a run or NULL, the thing's number, and a word for the message.
  private struct Contradiction {
    let thing: String
    let message: String
    let sql: String
  }

  private static let contradictions = [
    Contradiction(
      thing: "job", message: "it is over, and a run of it is ",
      sql: """
        SELECT r.id, j.id, r.status FROM jobs j JOIN runs r ON r.job_id = j.id
        WHERE j.state IN \(final) AND r.status NOT IN \(final)
        """),
    Contradiction(
      thing: "job", message: "it has no attempt under way, and is ",
      sql: """
        SELECT NULL, j.id, j.state FROM jobs j WHERE j.state IN \(active) AND NOT EXISTS
          (SELECT 1 FROM attempts a WHERE a.job_id = j.id AND a.state IN \(active))
        """),
    Contradiction(
      thing: "attempt", message: "it is under way, and its job is ",
      sql: """
        SELECT a.run_id, a.id, j.state FROM attempts a JOIN jobs j ON j.id = a.job_id
        WHERE a.state IN \(active) AND j.state NOT IN \(active)
        """),
    Contradiction(
      thing: "job", message: "attempts of it that are under way at once: ",
      sql: """
        SELECT MIN(a.run_id), a.job_id, COUNT(*) FROM attempts a WHERE a.state IN \(active)
        GROUP BY a.job_id HAVING COUNT(*) > 1
        """),
    Contradiction(
      thing: "attempt", message: "its run belongs to another job than its own: job ",
      sql: """
        SELECT a.run_id, a.id, COALESCE(r.job_id, 'none')
        FROM attempts a JOIN runs r ON r.id = a.run_id WHERE r.job_id IS NOT a.job_id
        """),
    Contradiction(
      thing: "attempt", message: "it has no time of its end, and is ",
      sql: "SELECT run_id, id, state FROM attempts WHERE state IN \(final) AND ended_at IS NULL"),
    Contradiction(
      thing: "job", message: "what it waits for is counted wrong: ",
      sql: """
        SELECT NULL, j.id, j.waits_for FROM jobs j WHERE j.waits_for <>
          (SELECT COUNT(*) FROM job_dependencies d WHERE d.job_id = j.id)
        """),
    Contradiction(
      thing: "job", message: "it is not in a queue that is there: ",
      sql: """
        SELECT NULL, j.id, j.queue FROM jobs j WHERE j.state NOT IN \(final)
          AND j.queue NOT IN (SELECT name FROM queues)
        """),
    Contradiction(
      thing: "job", message: "it has no time of its end, and is ",
      sql: "SELECT NULL, id, state FROM jobs WHERE state IN \(final) AND ended_at IS NULL"),
    Contradiction(
      thing: "run", message: "its lease says otherwise, and it is ",
      sql: """
        SELECT r.id, r.id, r.status FROM leases l JOIN runs r ON r.id = l.run_id
        WHERE r.job_id IS NOT NULL
          OR r.status <> CASE WHEN l.expires_at IS NULL THEN 'lost' ELSE 'running' END
        """),
  ]

  private func run(_ check: Contradiction) throws {
    let rows = try examination.read("table \(check.thing)s") { db in
      try db.rows(check.sql).map { row in
        (run: row[0] as Int64?, id: row[1] as Int64, word: "\(row[2] as DatabaseValue)")
      }
    }
    for row in rows ?? [] {
      examination.found(
        DoctorProblem(
          kind: "state_contradiction", run: row.run, thing: "\(check.thing) \(row.id)",
          message: check.message + row.word.replacing("\"", with: ""), remedy: Remedy.report))
    }
  }

  // MARK: Records

  private struct Column {
    let table: String
    let name: String
    var key = "id"
    /// An expression for the run, of the table's own columns.
    var run = "NULL"
  }

  private static let records = [
    Column(table: "jobs", name: "spec"), Column(table: "jobs", name: "context"),
    Column(table: "runs", name: "progress", run: "id"),
    Column(table: "runs", name: "cost", run: "id"),
    Column(table: "attempts", name: "cost", run: "run_id"),
    Column(table: "attempts", name: "resources", run: "run_id"),
    Column(table: "datasets", name: "info"), Column(table: "environments", name: "info"),
    Column(table: "schedules", name: "spec"), Column(table: "schedules", name: "context"),
    Column(table: "checks", name: "comparison"),
    Column(table: "run_origins", name: "spec", key: "run_id", run: "run_id"),
    Column(table: "run_origins", name: "context", key: "run_id", run: "run_id"),
    Column(table: "events", name: "data", run: "run_id"),
  ]

  private static let rowsPerRead: Int64 = 2_000
  private static let specsPerRead: Int64 = 200

  private func parse(_ column: Column) throws {
    try examination.walk(column.table, key: column.key, batch: Self.rowsPerRead) { db, range in
      let rows = try db.rows(
        """
        SELECT \(column.run), \(column.key) FROM \(column.table)
        WHERE \(column.key) BETWEEN ? AND ? AND \(column.name) IS NOT NULL AND NOT json_valid(\(column.name))
        """, [range.lowerBound, range.upperBound])
      for row in rows {
        examination.found(
          DoctorProblem(
            kind: "record_damaged", run: row[0], thing: "\(column.table) \(row[1] as Int64)",
            message: "its \(column.name) is no JSON", remedy: Remedy.restore))
      }
    }
  }

  private func identifiers(_ table: String) throws {
    try examination.walk(table, batch: Self.rowsPerRead) { db, range in
      let rows = try db.rows(
        """
        SELECT id, uid FROM \(table)
        WHERE id BETWEEN ? AND ? AND (length(uid) <> 32 OR uid GLOB '*[^0-9a-f]*')
        """, [range.lowerBound, range.upperBound])
      for row in rows {
        let id: Int64 = row[0]
        examination.found(
          DoctorProblem(
            kind: "record_damaged", run: table == "runs" ? id : nil,
            thing: table == "runs" ? "id" : "job \(id)",
            message: "\"\(row[1] as String)\" is no id", remedy: Remedy.restore))
      }
    }
  }

  /// Their hash is of the text that is stored.
  private func environments() throws {
    try examination.walk("environments", batch: Self.rowsPerRead) { db, range in
      let rows = try db.rows(
        "SELECT id, sha256, info FROM environments WHERE id BETWEEN ? AND ?",
        [range.lowerBound, range.upperBound])
      for row in rows where ContentHash.sha256Hex(row[2] as String) != row[1] {
        examination.found(
          DoctorProblem(
            kind: "record_damaged", thing: "environment \(row[0] as Int64)",
            message: "its info does not have the SHA-256 that was recorded",
            remedy: Remedy.restore))
      }
    }
  }

  /// A spec's hash is part of what makes runs comparable.
  private func specHashes() throws {
    try examination.walk("jobs", batch: Self.specsPerRead) { db, range in
      let rows = try db.rows(
        "SELECT id, spec, spec_sha256 FROM jobs WHERE id BETWEEN ? AND ? AND json_valid(spec)",
        [range.lowerBound, range.upperBound])
      for row in rows {
        // What is no object is told where specs are read.
        guard let hash = Self.specHash(try JSONText.parse(row[1])), hash != row[2] else { continue }
        let job: Int64 = row[0]
        examination.found(
          DoctorProblem(
            kind: "spec_hash_wrong", thing: "job \(job)",
            message: "its spec_sha256 is not the hash of its spec", remedy: Remedy.repair),
          .specHash(job: job))
      }
    }
  }

  static func specHash(_ spec: JSONValue) -> String? {
    JobSpec.comparabilityText(ofStored: spec).map { ContentHash.sha256Hex($0) }
  }

  /// They prove that an epoch that was trained again is the one there was.
  private func epochHashes() throws {
    try examination.walk("epoch_hashes", key: "run_id", batch: Self.rowsPerRead) { db, range in
      let rows = try db.rows(
        """
        SELECT run_id, epoch, sha256, step FROM epoch_hashes
        WHERE run_id BETWEEN ? AND ?
          AND (length(sha256) <> 64 OR sha256 GLOB '*[^0-9a-f]*' OR epoch < 0 OR step < 0)
        """, [range.lowerBound, range.upperBound])
      for row in rows {
        try examination.found(
          DoctorProblem(
            kind: "record_damaged", run: row[0], thing: "epoch \(row[1] as Int64)",
            message: "what is kept of its state is no hash of a step: "
              + "\"\((row[2] as String).prefix(80))\", step \(row[3] as Int64)",
            remedy: Remedy.record), in: db)
      }
    }
  }
}
