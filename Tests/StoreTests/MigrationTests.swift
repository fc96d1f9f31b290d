// Every earlier schema's database is brought up to date without a loss, and killing the program on
// the way leaves the old state or a later one, never something between.

import Dispatch
import Experiments
import Foundation
import GRDB
import Store
import Synchronization
import Testing

@Suite(.serialized) struct MigrationTests {
  /// What a table says, by columns that both schemas have.
  private struct Table: Equatable {
    let columns: [String]
    let rows: [String]
  }

  /// Whose rows are laid out anew; what they say is in the view `metric_history`.
  private static let relaid: Set<String> = ["metric_points", "migrations", "sqlite_sequence"]

  private static func tables(_ db: Database) throws -> [String: [String]] {
    let names = try String.fetchAll(
      db, sql: "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")
    var tables: [String: [String]] = [:]
    for name in names where !relaid.contains(name) {
      tables[name] = try String.fetchAll(
        db, sql: "SELECT name FROM pragma_table_info(?)", arguments: [name])
    }
    return tables
  }

  private static func content(
    _ db: Database, _ tables: [String: [String]]
  ) throws -> [String: Table] {
    var result: [String: Table] = [:]
    for (name, columns) in tables {
      let sorted = columns.sorted()
      let list = sorted.map { "quote(\"\($0)\")" }.joined(separator: " || ',' || ")
      let rows = try String.fetchAll(db, sql: "SELECT \(list) AS r FROM \(name) ORDER BY r")
      result[name] = Table(columns: sorted, rows: rows)
    }
    return result
  }

  @Test(arguments: SchemaFixtures.all)
  func everyEarlierSchemaKeepsItsData(_ name: String) async throws {
    try await SchemaFixtures.with(name) { data in
      let (columns, before) = try SchemaFixtures.reading(data) { db in
        let columns = try Self.tables(db)
        return (columns, try Self.content(db, columns))
      }
      #expect(before["runs"]?.rows.isEmpty == false)
      let applied = try StoreFile.migrate(
        folder: data, migrator: .embedded, now: TestClock().wall.now())
      let newest = try SchemaFixtures.reading(data) { try Migrator.applied($0) }
      #expect(newest == Migrator.embedded.migrations.map(\.name))
      #expect(newest.suffix(applied.count) == applied[...])
      let after = try SchemaFixtures.reading(data) { db in
        // A column that a later schema has no more is said in another way there.
        let now = try Self.tables(db)
        var common: [String: [String]] = [:]
        for (name, names) in columns {
          if let kept = now[name] { common[name] = names.filter { kept.contains($0) } }
        }
        #expect(common == columns)
        return try Self.content(db, common)
      }
      for (table, content) in before { #expect(after[table] == content, "\(table)") }
      let report = try Doctor.examine(folder: data)
      #expect(report.problems == [], "\(report.problems.map(\.line))")
      #expect(
        try StoreFile.migrate(
          folder: data, migrator: .embedded, now: TestClock().wall.now()
        ).isEmpty)
    }
  }

  /// Makes the series of a database of the first schema many times as many.
  private static func enlarge(_ data: String, times: Int) throws {
    let queue = try DatabaseQueue(path: data + "/" + StoreFile.name)
    try queue.write { db in
      for copy in 1...times {
        try db.execute(
          sql: """
            INSERT INTO metric_keys (name) SELECT name || '/\(copy)' FROM metric_keys
              WHERE name NOT LIKE '%/%';
            INSERT INTO metrics (run_id, key_id, attempt, older_last_step, last, last_step,
                last_time, last_epoch, min, max, sum, numbers, count)
              SELECT m.run_id, c.id, m.attempt, m.older_last_step, m.last, m.last_step, m.last_time,
                m.last_epoch, m.min, m.max, m.sum, m.numbers, m.count
              FROM metrics m JOIN metric_keys k ON k.id = m.key_id
                JOIN metric_keys c ON c.name = k.name || '/\(copy)';
            INSERT INTO metric_points
              SELECT n.id, p.step, p.time, p.value, p.epoch, p.attempt
              FROM metric_points p JOIN metrics m ON m.id = p.metric_id
                JOIN metric_keys k ON k.id = m.key_id
                JOIN metric_keys c ON c.name = k.name || '/\(copy)'
                JOIN metrics n ON n.run_id = m.run_id AND n.key_id = c.id;
            """)
      }
    }
    try queue.close()
  }

  private static func history(_ data: String) throws -> [String] {
    try SchemaFixtures.reading(data) { db in
      try String.fetchAll(
        db,
        sql: """
          SELECT run_id || ' ' || key || ' ' || attempt || ' ' || COUNT(*) || ' ' || MIN(time)
            || ' ' || MAX(step) || ' ' || SUM(CASE typeof(value) WHEN 'real' THEN value END)
          FROM (SELECT * FROM metric_history ORDER BY run_id, key, attempt, step, time, value)
          GROUP BY run_id, key, attempt ORDER BY 1
          """)
    }
  }

  /// Ends the program at a random moment within the time that it takes.
  private static func migrate(_ data: String, killAfter seconds: Double?) async throws -> Double {
    let process = Process()
    process.executableURL =
      URL(
        fileURLWithPath: ProcessInfo.processInfo.environment["ASSAY_BIN_DIR"]
          ?? SchemaFixtures.folder + "/../../../../.build/release"
      ).appending(path: "assayd").standardized
    process.arguments = ["migrate", "--data", data]
    process.standardOutput = FileHandle.nullDevice
    let start = ContinuousClock.now
    let hasEnded = Mutex(false)
    try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
      process.terminationHandler = { _ in
        hasEnded.withLock { $0 = true }
        done.resume()
      }
      do {
        try process.run()
      } catch {
        process.terminationHandler = nil
        return done.resume(throwing: error)
      }
      if let seconds {
        let pid = process.processIdentifier
        DispatchQueue.global().asyncAfter(deadline: .now() + seconds) {
          // Its number may be another's once it has ended.
          hasEnded.withLock { hasEnded in
            if !hasEnded { _ = kill(pid, SIGKILL) }
          }
        }
      }
    }
    if seconds == nil { #expect(process.terminationStatus == 0) }
    let (whole, parts) = (ContinuousClock.now - start).components
    return Double(whole) + Double(parts) / 1e18
  }

  @Test(.timeLimit(.minutes(5))) func killsInsideMigrationsLeaveOldOrNew() async throws {
    let fixture = try #require(SchemaFixtures.all.first)
    let names = Migrator.embedded.migrations.map(\.name)
    var generator = SeededGenerator(state: 11)
    try await SchemaFixtures.with(fixture) { original in
      try Self.enlarge(original, times: 10)
      let history = try Self.history(original)
      func fresh(_ data: String) throws {
        for file in try FileManager.default.contentsOfDirectory(atPath: data) {
          try FileManager.default.removeItem(atPath: data + "/" + file)
        }
        try FileManager.default.copyItem(
          atPath: original + "/" + StoreFile.name, toPath: data + "/" + StoreFile.name)
      }
      let data = TestStore.newFolder()
      try FileManager.default.createDirectory(
        atPath: data, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      defer { try? FileManager.default.removeItem(atPath: data) }
      try fresh(data)
      let whole = try await Self.migrate(data, killAfter: nil)
      try fresh(data)
      for _ in 0..<10 {
        _ = try await Self.migrate(
          data, killAfter: Double.random(in: 0...whole, using: &generator))
        let applied = try SchemaFixtures.reading(data) { try Migrator.applied($0) }
        #expect(applied == Array(names.prefix(applied.count)))
        let report = try Doctor.examine(folder: data)
        #expect(
          report.problems.allSatisfy { $0.kind == "schema_old" }, "\(report.problems.map(\.line))")
        #expect(try Self.history(data) == history)
        if applied.count == names.count { try fresh(data) }
      }
      _ = try await Self.migrate(data, killAfter: nil)
      #expect(try Doctor.examine(folder: data).problems == [])
      #expect(try Self.history(data) == history)
    }
  }
}
