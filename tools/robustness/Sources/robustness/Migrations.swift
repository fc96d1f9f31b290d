// Kills `assayd migrate` at random instants, again and again, on a database of every earlier schema
// that was made large enough to be caught in the middle. What is left has some first migrations whole
// and nothing of the others, the doctor has nothing to say but that, and all points are there.
import BenchSupport
import Foundation
import GRDB

enum Migrations {
  /// How many times as many series the copies have.
  private static let growth = 20

  static func run(_ options: Options, _ figures: inout Figures) throws {
    let rounds = options.rounds(quick: 10, full: 100)
    let folder = FileManager.default.currentDirectoryPath + "/Tests/StoreTests/Fixtures/schemas"
    let fixtures = try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0.hasSuffix(".db") }.sorted()
    guard !fixtures.isEmpty else { throw Trouble("there are no databases in \(folder)") }
    let findings = Findings()
    var random = Random(seed: options.seed)
    var kills = 0
    var inside = 0
    for fixture in fixtures {
      let place = try Place(programs: options.programs)
      defer { place.remove() }
      guard mkdir(place.data, 0o700) == 0 else { throw Trouble("cannot make \(place.data)") }
      var subject = try Subject(place: place, fixture: folder + "/" + fixture, growth: growth)
      let whole = try subject.migrate(killAfter: nil)
      say("\(fixture): migrated in \(Int(whole * 1_000)) ms")
      try subject.reset()
      for _ in 0..<rounds {
        _ = try subject.migrate(killAfter: whole * Double(random.number(0...1_000)) / 1_000)
        kills += 1
        let applied = try subject.applied()
        findings.add("between", try subject.check(applied))
        if applied.count == subject.newest.count {
          try subject.reset()
        } else if applied.count > subject.oldest.count {
          inside += 1
        }
      }
      _ = try subject.migrate(killAfter: nil)
      findings.add("between", try subject.check(subject.newest))
    }
    figures.add("migration_kills", Double(kills), unit: "", goal: "", holds: nil)
    figures.add("kills_between_two_migrations", Double(inside), unit: "", goal: "", holds: nil)
    let count = findings.count("between")
    figures.add("migration_findings", Double(count), unit: "", goal: "0", holds: count == 0)
  }

  /// A database that is brought up to date, and what must be true of it at every moment.
  private struct Subject {
    let place: Place
    let oldest: [String]
    private(set) var newest: [String] = []
    private let original: String
    private let history: [String]

    init(place: Place, fixture: String, growth: Int) throws {
      self.place = place
      original = place.base + "/original.db"
      try FileManager.default.copyItem(atPath: fixture, toPath: original)
      try Self.enlarge(original, times: growth)
      history = try Self.history(original)
      oldest = try Self.names(original)
      try reset()
    }

    func reset() throws {
      for name in try FileManager.default.contentsOfDirectory(atPath: place.data) {
        try FileManager.default.removeItem(atPath: place.data + "/" + name)
      }
      try FileManager.default.copyItem(atPath: original, toPath: place.database)
    }

    /// - Returns: how many seconds it took.
    mutating func migrate(killAfter seconds: Double?) throws -> Double {
      let output = place.base + "/migrate.out"
      unlink(output)
      let start = Moment.now
      let process = try ChildProcess(
        place.program("assayd"), ["migrate", "--data", place.data], output: output)
      if let seconds {
        if process.wait(seconds: seconds) == nil { process.kill() }
        return Moment.now - start
      }
      guard process.wait(seconds: 600) == .code(0) else {
        throw Trouble("assayd migrate: \(try Files.text(output))")
      }
      let whole = Moment.now - start
      newest = try applied()
      return whole
    }

    func applied() throws -> [String] { try Self.names(place.database) }

    /// What is wrong with a database that has these migrations.
    func check(_ applied: [String]) throws -> [String] {
      var wrong: [String] = []
      if applied != Array(newest.prefix(applied.count)) { wrong.append("it has \(applied)") }
      let isNewest = applied.count == newest.count
      wrong += try StoreCheck.doctor(place).filter { isNewest || !$0.hasPrefix("schema_old") }
      if try Self.history(place.database) != history { wrong.append("its points are others") }
      return wrong
    }

    private static func reading<Value>(
      _ path: String, _ body: (Database) throws -> Value
    ) throws -> Value {
      let queue = try DatabaseQueue(path: path)
      defer { try? queue.close() }  // only read
      return try queue.inDatabase(body)
    }

    private static func names(_ path: String) throws -> [String] {
      try reading(path) { db in
        guard try db.tableExists("migrations") else { return [] }
        return try String.fetchAll(db, sql: "SELECT name FROM migrations ORDER BY name")
      }
    }

    /// One line per metric and attempt, the same for every schema.
    private static func history(_ path: String) throws -> [String] {
      try reading(path) { db in
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

    /// Copies every series under other names, with its points and its summary.
    private static func enlarge(_ path: String, times: Int) throws {
      let queue = try DatabaseQueue(path: path)
      try queue.write { db in
        let hasSeries = try db.tableExists("series")
        for copy in 1...times {
          try db.execute(
            sql: """
              INSERT INTO metric_keys (name)
                SELECT name || '/\(copy)' FROM metric_keys WHERE name NOT LIKE '%/%';
              INSERT INTO metrics (run_id, key_id, attempt, older_last_step, last, last_step,
                  last_time, last_epoch, min, max, sum, numbers, count)
                SELECT m.run_id, c.id, m.attempt, m.older_last_step, m.last, m.last_step,
                  m.last_time, m.last_epoch, m.min, m.max, m.sum, m.numbers, m.count
                FROM metrics m JOIN metric_keys k ON k.id = m.key_id
                  JOIN metric_keys c ON c.name = k.name || '/\(copy)';
              """)
          try db.execute(sql: hasSeries ? points(bySeries: copy) : points(byMetric: copy))
        }
      }
      try queue.close()
    }

    private static func points(byMetric copy: Int) -> String {
      """
      INSERT INTO metric_points
        SELECT n.id, p.step, p.time, p.value, p.epoch, p.attempt
        FROM metric_points p JOIN metrics m ON m.id = p.metric_id
          JOIN metric_keys k ON k.id = m.key_id JOIN metric_keys c ON c.name = k.name || '/\(copy)'
          JOIN metrics n ON n.run_id = m.run_id AND n.key_id = c.id;
      """
    }

    private static func points(bySeries copy: Int) -> String {
      """
      INSERT INTO series (metric_id, attempt)
        SELECT n.id, s.attempt FROM series s JOIN metrics m ON m.id = s.metric_id
          JOIN metric_keys k ON k.id = m.key_id JOIN metric_keys c ON c.name = k.name || '/\(copy)'
          JOIN metrics n ON n.run_id = m.run_id AND n.key_id = c.id;
      INSERT INTO metric_points (series_id, step, time, value, epoch)
        SELECT t.id, p.step, p.time, p.value, p.epoch
        FROM metric_points p JOIN series s ON s.id = p.series_id JOIN metrics m ON m.id = s.metric_id
          JOIN metric_keys k ON k.id = m.key_id JOIN metric_keys c ON c.name = k.name || '/\(copy)'
          JOIN metrics n ON n.run_id = m.run_id AND n.key_id = c.id
          JOIN series t ON t.metric_id = n.id AND t.attempt = s.attempt;
      """
    }
  }
}
