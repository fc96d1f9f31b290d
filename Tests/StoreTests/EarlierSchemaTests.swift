// Databases that earlier schemas left (Fixtures/schemas) are brought up to date, and say the same as
// before.

import Experiments
import Foundation
import GRDB
import Store
import Testing

@Suite struct EarlierSchemaTests {
  private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appending(path: "Fixtures/schemas")

  /// Hands over a folder with a copy of the fixture as its database.
  private func withCopy(_ name: String, _ body: (String) async throws -> Void) async throws {
    let folder = TestStore.newFolder()
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.copyItem(
      atPath: Self.fixtures.appending(path: name).path, toPath: folder + "/" + StoreFile.name)
    try await body(folder)
  }

  private struct Line: Equatable {
    var step: Int64
    var time: Int64
    var value: String
    var epoch: Int64?
  }

  private struct Metric: Hashable {
    var run: Int64
    var key: String
  }

  /// What counts of `metric_history`, by its definition: of each step the newest attempt's.
  private func histories(_ path: String) throws -> (all: Int, metrics: [Metric: [Line]]) {
    let database = try DatabaseQueue(path: path)
    return try database.read { db in
      var metrics: [Metric: [Line]] = [:]
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT run_id, key, step, time, value, epoch FROM metric_history h
          WHERE attempt = (SELECT MAX(attempt) FROM metric_history n
            WHERE n.run_id = h.run_id AND n.key = h.key AND n.step = h.step)
          ORDER BY run_id, key, step, time, value
          """)
      for row in rows {
        let value: DatabaseValue = row[4]
        metrics[Metric(run: row[0], key: row[1]), default: []].append(
          Line(
            step: row[2], time: row[3],
            value: MetricValue.text(Double.fromDatabaseValue(value) ?? .nan), epoch: row[5]))
      }
      return (try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM metric_history") ?? 0, metrics)
    }
  }

  @Test func theMetricsOfTheFirstSchemaAreTheSame() async throws {
    try await withCopy("0001.db") { folder in
      // The first schema has no index for what the test asks, so it asks a smaller copy of the view.
      let before = try histories(folder + "/" + StoreFile.name)
      #expect(before.all > 10_000 && before.metrics.count > 30)
      let store = try Store(folder: folder, clock: TestClock().wall)
      for (metric, lines) in before.metrics {
        let (summary, series) = try await store.series(run: metric.run, key: metric.key)
        let found = series.points.map {
          Line(
            step: $0.step, time: $0.time.microseconds, value: MetricValue.text($0.value),
            epoch: $0.epoch)
        }
        #expect(found == lines, "run \(metric.run) \(metric.key)")
        #expect(summary.count == lines.count)
        #expect(MetricValue.text(summary.last) == lines.last?.value)
        #expect(try await store.run(metric.run).metrics[metric.key]?.count == summary.count)
      }
      let stored = try await store.read {
        try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM metric_history")
      }
      #expect(stored == before.all)
      let problems = try await store.read {
        try String.fetchAll($0, sql: "PRAGMA integrity_check")
          + Row.fetchAll($0, sql: "PRAGMA foreign_key_check").map(\.description)
      }
      #expect(problems == ["ok"])
      await store.close()
    }
  }
}
