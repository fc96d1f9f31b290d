// Brings a database to the newest schema. Each migration is plain SQL, runs in one transaction
// together with its row in the table `migrations`, and is never edited once it has been released.
// A database that this program does not understand completely is refused, not guessed at.

import Checkpoints
package import Experiments
package import GRDB

package struct Migrator: Sendable {
  /// In order.
  package let migrations: [Migration]

  package struct Migration: Sendable, Equatable {
    package let name: String
    package let text: String

    package init(name: String, text: String) {
      self.name = name
      self.text = text
    }

    /// Keeps the text's hash, to notice an edit.
    package var sha256: String { ContentHash.sha256Hex(text) }
  }

  /// The migrations that this program carries.
  package static let embedded = Migrator(
    EmbeddedTexts.all.map { Migration(name: $0.name, text: $0.text) })

  package init(_ migrations: [Migration]) { self.migrations = migrations }

  /// - Parameter telling: is told of each migration's beginning and end, in words for people.
  /// - Throws: `database_newer`, `migration_edited`, `cannot_open` (not a database of Assay).
  package func migrate(
    _ db: Database, now: Timestamp, telling: (String) -> Void = { _ in }
  ) throws {
    try makeTable(db)
    let applied = try Row.fetchAll(db, sql: "SELECT name, sha256 FROM migrations ORDER BY name")
      .map { (name: $0[0] as String, sha256: $0[1] as String) }
    let known = Dictionary(uniqueKeysWithValues: migrations.map { ($0.name, $0.sha256) })
    let unknown = applied.map(\.name).filter { known[$0] == nil }
    guard unknown.isEmpty else { throw StoreError.databaseNewer(migrations: unknown) }
    for (name, sha256) in applied where known[name] != sha256 {
      throw StoreError.migrationEdited(name: name)
    }
    let done = Set(applied.map(\.name))
    for migration in migrations where !done.contains(migration.name) {
      telling("applying \(migration.name)")
      try apply(migration, db, now: now)
      telling("applied \(migration.name)")
    }
  }

  /// The names of the migrations that a database has, in order; none if it is new.
  package static func applied(_ db: Database) throws -> [String] {
    guard try db.tableExists("migrations") else { return [] }
    return try db.strings("SELECT name FROM migrations ORDER BY name")
  }

  private func makeTable(_ db: Database) throws {
    let tables = try String.fetchSet(db, sql: "SELECT name FROM sqlite_schema WHERE type = 'table'")
    guard !tables.contains("migrations") else { return }
    guard tables.isEmpty else {
      throw StoreError.cannotOpen(path: db.description, reason: "it is not a database of Assay")
    }
    try db.execute(
      sql: """
        CREATE TABLE migrations (
          name TEXT PRIMARY KEY,
          sha256 TEXT NOT NULL,            -- of the text that was applied
          applied_at INTEGER NOT NULL
        ) STRICT
        """)
  }

  private func apply(_ migration: Migration, _ db: Database, now: Timestamp) throws {
    try db.inTransaction(.immediate) {
      try db.execute(sql: migration.text)
      try db.execute(
        sql: "INSERT INTO migrations (name, sha256, applied_at) VALUES (?, ?, ?)",
        arguments: [migration.name, migration.sha256, now.microseconds])
      return .commit
    }
  }
}
