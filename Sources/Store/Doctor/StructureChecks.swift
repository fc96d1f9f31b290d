// Whether the file is a sound database with the tables it should have: SQLite's own checks, foreign
// keys, the schema against the one that the migrations make, their hashes, and the counters of ids.

import Experiments
import GRDB

struct StructureChecks {
  let examination: Examination
  let migrator: Migrator

  /// - Returns: whether the schema is the newest, so that the rest can be examined.
  /// - Throws: `database_newer`.
  func run() throws -> Bool {
    let isNewest = try migrations()
    let tables =
      try examination.read("the list of tables") { db in
        try db.strings(
          "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
        )
      } ?? []
    try integrity(tables)
    try foreignKeys(tables)
    try schema()
    try sequences(tables)
    return isNewest
  }

  private func migrations() throws -> Bool {
    let applied = try examination.read("table migrations") { db in
      guard try db.tableExists("migrations") else {
        throw StoreError.databaseDamaged("the table migrations is missing")
      }
      return try db.rows("SELECT name, sha256 FROM migrations ORDER BY name")
        .map { (name: $0[0] as String, sha256: $0[1] as String) }
    }
    guard let applied else { return false }
    examination.schema = applied.last?.name ?? ""
    let known = Dictionary(
      migrator.migrations.map { ($0.name, $0.sha256) }, uniquingKeysWith: { first, _ in first })
    let unknown = applied.map(\.name).filter { known[$0] == nil }
    guard unknown.isEmpty else { throw StoreError.databaseNewer(migrations: unknown) }
    for (name, sha256) in applied where known[name] != sha256 {
      examination.found(
        DoctorProblem(
          kind: "migration_edited", thing: "migration \(name)",
          message: "its recorded SHA-256 is \(sha256), its text has \(known[name] ?? "-")",
          remedy: "use the Assay that this database was made with, or restore a backup"))
    }
    guard applied.count == migrator.migrations.count else {
      let missing = migrator.migrations.map(\.name).filter { name in
        !applied.contains { $0.name == name }
      }
      examination.found(
        DoctorProblem(
          kind: "schema_old", thing: "schema",
          message: "it lacks \(missing.joined(separator: ", ")); only its structure was examined",
          remedy: "assayd migrate, then assayd doctor"))
      return false
    }
    return true
  }

  // MARK: SQLite's own checks

  private func integrity(_ tables: [String]) throws {
    examination.counts.tables = tables.count
    guard examination.isOnline else {
      examination.tell("structure", 0)
      return try integrity(of: nil)
    }
    // The whole at once would hold one state of the database for as long as it takes.
    for (index, table) in tables.enumerated() {
      examination.tell("tables", index, of: tables.count)
      try integrity(of: table)
    }
  }

  private func integrity(of table: String?) throws {
    let thing = table.map { "table \($0)" } ?? "database"
    let lines =
      try examination.read(thing) { db in
        try String.fetchAll(
          db,
          sql: table.map { "PRAGMA integrity_check(\($0.quotedDatabaseIdentifier))" }
            ?? "PRAGMA integrity_check")
      } ?? []
    for line in lines where line != "ok" {
      let isIndex = line.contains("missing from index") || line.contains("entries in index")
      examination.found(
        DoctorProblem(
          kind: isIndex ? "index_wrong" : "structure_damaged", thing: thing,
          message: line.replacing("\n", with: " "),
          remedy: isIndex ? Remedy.repair : Remedy.restore),
        isIndex ? .reindex : nil)
    }
  }

  // MARK: Foreign keys

  /// Tables of links, whose rows mean nothing without their own side.
  private static let links = [
    "checkpoint_chunks": ("checkpoint_id", "checkpoints"),
    "artifact_chunks": ("artifact_id", "artifacts"),
  ]

  private func foreignKeys(_ tables: [String]) throws {
    for table in tables {
      let broken = try examination.read("table \(table)") { db in
        var counts: [String: (count: Int, row: Int64?)] = [:]
        let rows = try Row.fetchCursor(
          db, sql: "PRAGMA foreign_key_check(\(table.quotedDatabaseIdentifier))")
        while let row = try rows.next() {
          let parent: String = row[2]
          counts[parent, default: (0, row[1])].count += 1
        }
        return counts.sorted { $0.key < $1.key }
      }
      for (parent, found) in broken ?? [] {
        let link = Self.links[table].flatMap { $0.1 == parent ? $0 : nil }
        examination.found(
          DoctorProblem(
            kind: "reference_dangling", thing: "table \(table)",
            message: "\(found.count) of its rows name \(parent) that do not exist"
              + (found.row.map { ", the first is row \($0)" } ?? ""),
            remedy: link == nil ? Remedy.restore : Remedy.repair),
          link.map { .orphans(table: table, column: $0.0, parent: $0.1) })
      }
    }
  }

  // MARK: Schema

  private struct Object: Hashable {
    let type: String
    let name: String
    let sql: String

    static func all(_ db: Database) throws -> [Object] {
      try db.rows(
        "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
      ).map { Object(type: $0[0], name: $0[1], sql: $0[2]) }
    }
  }

  /// Compares with what the same migrations make of an empty database.
  private func schema() throws {
    let expected = try expectedObjects()
    guard let actual = try examination.read("schema", { try Object.all($0) }) else { return }
    let byName = Dictionary(actual.map { ($0.name, $0) }) { first, _ in first }
    for object in expected {
      let thing = "\(object.type) \(object.name)"
      guard let found = byName[object.name] else {
        let canBeMade = object.type == "index" || object.type == "trigger"
        examination.found(
          DoctorProblem(
            kind: "schema_differs", thing: thing, message: "it is missing",
            remedy: canBeMade ? Remedy.repair : Remedy.restore),
          canBeMade ? .create(sql: object.sql) : nil)
        continue
      }
      if found != object {
        examination.found(
          DoctorProblem(
            kind: "schema_differs", thing: thing,
            message: "it is not defined as its migration says", remedy: Remedy.restore))
      }
    }
    let known = Set(expected.map(\.name))
    for object in actual where !known.contains(object.name) {
      examination.found(
        DoctorProblem(
          kind: "schema_differs", thing: "\(object.type) \(object.name)",
          message: "it is none of Assay's",
          remedy: "nothing, if you made it yourself; Assay neither reads nor writes it"))
    }
    try vacuumMode()
  }

  private func expectedObjects() throws -> [Object] {
    let applied = migrator.migrations.filter { $0.name <= examination.schema }
    return try DatabaseQueue().inDatabase { db in
      try Migrator(applied).migrate(db, now: Timestamp(microseconds: 0))
      return try Object.all(db)
    }
  }

  private func vacuumMode() throws {
    let mode = try examination.read("schema") { try $0.int64("PRAGMA auto_vacuum") }
    if case let mode?? = mode, mode != 2 {
      examination.found(
        DoctorProblem(
          kind: "schema_differs", thing: "database",
          message: "PRAGMA auto_vacuum is \(mode) where 2 is needed", remedy: Remedy.restore))
    }
  }

  // MARK: Counters of ids

  /// An id must never be given out twice, so the counter is at least the greatest there is.
  private func sequences(_ tables: [String]) throws {
    for table in tables {
      let state = try examination.read("table \(table)") {
        db -> (counter: Int64, greatest: Int64)? in
        let sql = try db.string("SELECT sql FROM sqlite_schema WHERE name = ?", [table]) ?? ""
        guard sql.contains("AUTOINCREMENT") else { return nil }
        let counter = try db.int64("SELECT seq FROM sqlite_sequence WHERE name = ?", [table])
        let greatest = try Int64.fetchOne(
          db, sql: "SELECT MAX(id) FROM \(table.quotedDatabaseIdentifier)")
        return (counter ?? 0, greatest ?? 0)
      }
      guard case let (counter, greatest)?? = state, counter < greatest else { continue }
      examination.found(
        DoctorProblem(
          kind: "sequence_low", thing: "table \(table)",
          message: "its counter of ids is \(counter), and there is an id \(greatest)",
          remedy: Remedy.repair), .sequence(table: table))
    }
  }
}
