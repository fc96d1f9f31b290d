// Makes runs and moves their status.

import Checkpoints
import Experiments
import GRDB

enum RunWriter {
  struct NewRun {
    var uid: Identifier
    var experimentId: Int64
    var jobId: Int64?
    var parentId: Int64?
    var name: String
    var seed: Int64?
    var bestMetric: String?
    var keepLast: Int?
    /// Whole states are kept of the epochs that are multiples of it.
    var wholeEvery: Int?
    var params: [(key: String, value: String)]
    var tags: [String: String]
  }

  static func insert(_ db: Database, _ run: NewRun, at now: Timestamp) throws -> Int64 {
    try db.run(
      """
      INSERT INTO runs (uid, experiment_id, job_id, parent_run_id, name, status, seed, best_metric,
        keep_last, whole_every, created_at)
      VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?)
      """,
      [
        run.uid.text, run.experimentId, run.jobId, run.parentId, run.name, run.seed,
        run.bestMetric, run.keepLast, run.wholeEvery, now.microseconds,
      ])
    let id = db.lastInsertedRowID
    // Most of what a submission writes is its params.
    let insertion = try DirectStatement(
      db, "INSERT INTO params (run_id, key, value, number) VALUES (?, ?, ?, ?)")
    for (key, value) in run.params {
      insertion.bind(1, id)
      insertion.bind(2, key)
      insertion.bind(3, value)
      if let number = number(value) {
        insertion.bind(4, value: number)
      } else {
        insertion.bind(4, nil as Int64?)
      }
      try insertion.execute()
    }
    for (key, value) in run.tags {
      try db.run("INSERT INTO tags (run_id, key, value) VALUES (?, ?, ?)", [id, key, value])
    }
    return id
  }

  /// A queued run with all that the given one was asked for.
  static func copy(_ db: Database, of run: Int64, uid: Identifier, at now: Timestamp) throws
    -> Int64
  {
    try db.run(
      """
      INSERT INTO runs (uid, experiment_id, job_id, parent_run_id, name, status, seed, note,
        best_metric, keep_last, whole_every, created_at)
      SELECT ?, experiment_id, job_id, parent_run_id, name, 'queued', seed, note, best_metric,
        keep_last, whole_every, ?
      FROM runs WHERE id = ?
      """, [uid.text, now.microseconds, run])
    let id = db.lastInsertedRowID
    try db.run(
      """
      INSERT INTO params (run_id, key, value, number)
      SELECT ?, key, value, number FROM params WHERE run_id = ?
      """, [id, run])
    try db.run(
      "INSERT INTO tags (run_id, key, value) SELECT ?, key, value FROM tags WHERE run_id = ?",
      [id, run])
    return id
  }

  /// Changes the status of a run that is not over.
  static func move(
    _ db: Database, _ id: Int64, to status: RunStatus, at now: Timestamp, failure: Failure? = nil
  ) throws {
    try db.run(
      """
      UPDATE runs SET status = ?,
        started_at = CASE WHEN ? THEN COALESCE(started_at, ?) ELSE started_at END,
        ended_at = CASE WHEN ? THEN ? END, failure_code = ?, failure_message = ?
      WHERE id = ? AND status IN ('queued', 'running')
      """,
      [
        status.rawValue, status == .running, now.microseconds, status.isFinal, now.microseconds,
        failure?.code, failure?.message, id,
      ])
  }

  /// The comparability key, once dataset and environment are known: the hash of what must stay the
  /// same for runs to be one series.
  static func updateComparability(_ db: Database, run: Int64) throws {
    let row = try db.row(
      """
      SELECT j.spec_sha256, d.sha256, n.host_class, n.info
      FROM runs r JOIN jobs j ON j.id = r.job_id JOIN datasets d ON d.id = r.dataset_id
        JOIN environments n ON n.id = r.environment_id
      WHERE r.id = ?
      """, [run])
    guard let row else { return }
    let environment: Environment = try RecordCoding.value(row[3] as String)
    let parts = JSONValue.object([
      "spec": .string(row[0]), "dataset": .string(row[1]), "host_class": .string(row[2]),
      "versions": .object(environment.versions.mapValues { .string($0) }),
    ])
    try db.run(
      "UPDATE runs SET comparability_key = ? WHERE id = ?",
      [ContentHash.sha256Hex(parts.canonicalText), run])
  }

  /// The number that a param's text is as a whole, in decimal.
  static func number(_ text: String) -> Double? {
    guard
      text.utf8.allSatisfy({ byte in
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
          UInt8(ascii: "+"), UInt8(ascii: "e"), UInt8(ascii: "E"):
          true
        default: false
        }
      }), let value = Double(text), value.isFinite
    else { return nil }
    return value
  }
}
