import Experiments
import Foundation
import GRDB
import Store
import Testing

@Suite struct MigratorTests {
  private func open(_ folder: String, _ migrations: [Migrator.Migration]) throws -> Store {
    try Store(
      folder: folder, clock: TestClock().wall, makeIdentifier: { Identifier(at: $0) },
      migrator: Migrator(migrations), onFailure: { _ in })
  }

  private let first = Migrator.Migration(
    name: "0001_a.sql", text: "CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1);")
  private let second = Migrator.Migration(
    name: "0002_b.sql", text: "CREATE TABLE b (x INTEGER) STRICT; INSERT INTO b VALUES (2);")

  private func withFolder(_ body: (String) async throws -> Void) async throws {
    let folder = TestStore.newFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await body(folder)
  }

  @Test func laterMigrationsAreAddedOnce() async throws {
    try await withFolder { folder in
      try await open(folder, [first]).close()
      for _ in 0..<2 {
        let store = try open(folder, [first, second])
        let counts = try await store.read { db in
          [
            try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM a"),
            try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM b"),
            try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM migrations"),
          ]
        }
        #expect(counts == [1, 1, 2])
        await store.close()
      }
    }
  }

  @Test func anEditedMigrationIsRefused() async throws {
    try await withFolder { folder in
      try await open(folder, [first]).close()
      let edited = Migrator.Migration(name: first.name, text: first.text + "\n")
      await expect("migration_edited") { try open(folder, [edited]) }
    }
  }

  @Test func aNewerDatabaseIsRefused() async throws {
    try await withFolder { folder in
      try await open(folder, [first, second]).close()
      let error = #expect(throws: StoreError.self) { try open(folder, [first]) }
      #expect(error?.code == "database_newer")
      #expect(error?.message.contains("0002_b.sql") == true)
    }
  }

  @Test func aFailingMigrationLeavesNothing() async throws {
    try await withFolder { folder in
      let broken = Migrator.Migration(
        name: "0002_broken.sql",
        text: "CREATE TABLE c (x INTEGER) STRICT; INSERT INTO nowhere VALUES (1);")
      await expect("internal") { try open(folder, [first, broken]) }
      let store = try open(folder, [first])
      let tables = try await store.read {
        try String.fetchSet($0, sql: "SELECT name FROM sqlite_schema WHERE type = 'table'")
      }
      #expect(tables == ["a", "migrations"])
      await store.close()
    }
  }

  @Test func aDatabaseOfSomethingElseIsRefused() async throws {
    try await withFolder { folder in
      let pool = try StoreFile.open(folder: folder)
      try await pool.write { try $0.execute(sql: "CREATE TABLE songs (title TEXT)") }
      try pool.close()
      await expect("cannot_open") { try open(folder, [first]) }
    }
  }

  /// `schemas/store.sql` is what a new database looks like. After a change of the migrations run
  /// `ASSAY_UPDATE_SCHEMA=1 swift test --filter MigratorTests`, and commit the file.
  @Test func theDumpedSchemaIsThatOfTheMigrations() async throws {
    try await TestStore.with { test in
      let statements = try await test.store.read { db in
        try String.fetchAll(
          db,
          sql: """
            SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
            ORDER BY type, name
            """)
      }
      let dump =
        """
        -- The schema of assay.db after all migrations, as SQLite keeps it: for reading, not for
        -- running. Made from migrations/ by ASSAY_UPDATE_SCHEMA=1 swift test --filter MigratorTests;
        -- a test compares them.

        """ + statements.map { "\n\($0);\n" }.joined()
      let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appending(path: "../../schemas/store.sql").standardized
      if ProcessInfo.processInfo.environment["ASSAY_UPDATE_SCHEMA"] == "1" {
        try Data(dump.utf8).write(to: file)
      }
      let stored = try String(contentsOf: file, encoding: .utf8)
      #expect(
        stored == dump,
        "schemas/store.sql is out of date: ASSAY_UPDATE_SCHEMA=1 swift test --filter MigratorTests")
    }
  }
}
