// The runs of MLflow's database: which there are, and all of one but its points.

import Experiments
import GRDB

enum MLflowRuns {
  struct List {
    var uids: [Identifier] = []
    var parents: [Identifier: Identifier] = [:]
    var skipped: [Skipped] = []
  }

  /// What locates a run's files and points.
  struct Place {
    var artifactURI: String?
    var points: Int64
  }

  static func list(_ db: Database, _ schema: MLflowSchema, deleted: Bool) throws -> List {
    var list = List()
    let rows = try Row.fetchCursor(
      db,
      sql: """
        SELECT r.run_uuid, \(schema.column("runs", "lifecycle_stage", alias: "r")),
          \(schema.column("experiments", "lifecycle_stage", alias: "e")), e.name, t.value
        FROM runs r LEFT JOIN experiments e ON e.experiment_id = r.experiment_id
          LEFT JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = '\(MLflowRecords.parentTag)'
        ORDER BY r.start_time, r.run_uuid
        """)
    while let row = try rows.next() {
      let text = String.fromDatabaseValue(row[0]) ?? ""
      guard let uid = Identifier(text) else {
        list.skipped.append(
          Skipped("run \(Fitting.shown(text))", why: "its id is not 32 hexadecimal digits"))
        continue
      }
      let experiment = (row[3] as String?) ?? ""
      if !deleted, row[1] as String? == "deleted" {
        list.skipped.append(
          Skipped("run \(text)", why: "it is deleted in MLflow; --deleted imports it"))
      } else if !deleted, row[2] as String? == "deleted" {
        list.skipped.append(
          Skipped(
            "run \(text)",
            why: "its experiment \(experiment) is deleted in MLflow; --deleted imports it"))
      } else {
        list.uids.append(uid)
        if let parent = (row[4] as String?).flatMap({ Identifier($0) }) {
          list.parents[uid] = parent
        }
      }
    }
    return list
  }

  /// Nil if the run has gone meanwhile.
  static func facts(
    _ db: Database, _ schema: MLflowSchema, _ uid: Identifier
  ) throws -> (MLflowRecords.Facts, Place)? {
    let row = try Row.fetchOne(
      db,
      sql: """
        SELECT e.name, r.status, \(schema.column("runs", "lifecycle_stage", alias: "r")),
          r.start_time, r.end_time, \(schema.column("runs", "name", alias: "r")),
          \(schema.column("runs", "user_id", alias: "r")),
          \(schema.column("runs", "artifact_uri", alias: "r")),
          \(schema.column("experiments", "lifecycle_stage", alias: "e"))
        FROM runs r LEFT JOIN experiments e ON e.experiment_id = r.experiment_id
        WHERE r.run_uuid = ?
        """, arguments: [uid.text])
    guard let row else { return nil }
    let name: String? = row[5]
    var facts = MLflowRecords.Facts(
      uid: uid, name: name.flatMap { $0.isEmpty ? nil : $0 },
      experiment: (row[0] as String?) ?? "mlflow",
      status: (row[1] as String?).flatMap(MLflowRecords.status) ?? .running,
      isDeleted: (row[2] as String?) == "deleted" || (row[8] as String?) == "deleted",
      startMilliseconds: Int64.fromDatabaseValue(row[3]),
      endMilliseconds: Int64.fromDatabaseValue(row[4]), user: String.fromDatabaseValue(row[6]))
    facts.params = try entries(db, "params", uid)
    facts.tags = try entries(db, "tags", uid)
    if schema.hasDatasets { try addDatasets(db, schema, to: &facts) }
    let points = try MLflowPoints.extent(db, run: uid, hasRunIndex: schema.hasRunIndex)
    facts.signature = SourceIdentity.signature(
      ["\(facts.status)", "\(facts.endMilliseconds ?? 0)", "\(points.count)", "\(points.last)"]
        + [facts.params, facts.tags].flatMap { entries in
          entries.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        })
    return (facts, Place(artifactURI: row[7], points: points.count))
  }

  private static func entries(
    _ db: Database, _ table: String, _ uid: Identifier
  ) throws -> [String: String] {
    let rows = try Row.fetchCursor(
      db, sql: "SELECT key, value FROM \(table) WHERE run_uuid = ?", arguments: [uid.text])
    var entries: [String: String] = [:]
    while let row = try rows.next() {
      guard let key = String.fromDatabaseValue(row[0]) else { continue }
      entries[key] = String.fromDatabaseValue(row[1]) ?? ""
    }
    return entries
  }

  /// What a run was given as data becomes tags: `mlflow.dataset.name` and so on, with a number
  /// behind `dataset` from the second one on.
  private static func addDatasets(
    _ db: Database, _ schema: MLflowSchema, to facts: inout MLflowRecords.Facts
  ) throws {
    let context =
      schema.has("input_tags", "input_uuid") && schema.has("inputs", "input_uuid")
      ? """
      (SELECT value FROM input_tags t
        WHERE t.input_uuid = i.input_uuid AND t.name = 'mlflow.data.context')
      """ : "NULL"
    let rows = try Row.fetchCursor(
      db,
      sql: """
        SELECT d.name, d.digest, \(schema.column("datasets", "dataset_source_type", alias: "d")),
          \(schema.column("datasets", "dataset_source", alias: "d")), \(context)
        FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id
        WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' AND i.destination_id = ?
        ORDER BY d.name, d.digest
        """, arguments: [facts.uid.text])
    var number = 1
    while let row = try rows.next() {
      MLflowRecords.add(
        dataset: [
          ("name", row[0]), ("digest", row[1]), ("source_type", row[2]), ("source", row[3]),
          ("context", row[4]),
        ], number: number, to: &facts.tags)
      number += 1
    }
  }
}
