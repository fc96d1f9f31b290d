import Experiments
import Foundation
import GRDB
import Store
import Testing

/// Filters and orders find what MLflow finds with them: `Fixtures/mlflow-filters/make.py` asked it.
@Suite struct MLflowFilterTests {
  private struct Expected: Decodable {
    struct Stored: Decodable {
      let name: String
      let status: String
      let params: [String: String]
      let metrics: [String: [Value]]
      let tags: [String: String]
      let start: Int64
      let end: Int64?
    }
    struct Case: Decodable {
      let filter: String
      let runs: [String]
    }
    struct Order: Decodable {
      let orderBy: [String]
      let runs: [String]
    }
    let runs: [Stored]
    let cases: [Case]
    let orders: [Order]
  }

  private struct Value: Decodable {
    let number: Double

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Double.self) {
        self.number = number
      } else {
        number = MetricValue.parse(try container.decode(String.self)) ?? .nan
      }
    }
  }

  private static func expected() throws -> Expected {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/mlflow-filters/expected.json")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Expected.self, from: Data(contentsOf: file))
  }

  /// The runs as MLflow had them; the ids by name.
  private static func fill(_ test: TestStore, _ runs: [Expected.Stored]) async throws
    -> [String: String]
  {
    let statuses = ["KILLED": "cancelled", "SCHEDULED": "queued"]
    var ids: [String: String] = [:]
    for (index, run) in runs.enumerated() {
      let uid = Identifier(at: test.now).text
      ids[run.name] = uid
      try await test.store.write { db, _ in
        try db.execute(
          sql: """
            INSERT INTO runs (id, uid, experiment_id, name, status, created_at, started_at, ended_at)
            VALUES (?, ?, 0, ?, ?, ?, ?, ?)
            """,
          arguments: [
            index + 1, uid, run.name, statuses[run.status] ?? run.status.lowercased(),
            run.start * 1000, run.start * 1000, run.end.map { $0 * 1000 },
          ])
        for (key, value) in run.params {
          try db.execute(
            sql: "INSERT INTO params (run_id, key, value, number) VALUES (?, ?, ?, ?)",
            arguments: [index + 1, key, value, Double(value)])
        }
        for (key, value) in run.tags {
          try db.execute(
            sql: "INSERT INTO tags (run_id, key, value) VALUES (?, ?, ?)",
            arguments: [index + 1, key, value])
        }
      }
      for (key, values) in run.metrics {
        try await test.store.appendMetrics(
          run: Int64(index + 1),
          values.enumerated().map { step, value in
            test.point(
              key, Int64(step), value.number,
              time: Timestamp(microseconds: (run.start + Int64(step)) * 1000))
          })
      }
    }
    return ids
  }

  private func hasNaN(_ name: String, _ expected: Expected) -> Bool {
    expected.runs.first { $0.name == name }?.metrics["f1"]?.last?.number.isNaN ?? false
  }

  @Test func filtersFindWhatMLflowFinds() async throws {
    let expected = try Self.expected()
    #expect(expected.cases.count > 70)
    try await TestStore.with { test in
      let ids = try await Self.fill(test, expected.runs)
      for item in expected.cases {
        var filter = item.filter
        for run in expected.runs {
          filter = filter.replacing("RUN:\(run.name)", with: ids[run.name] ?? "")
            .replacing("START:\(run.name)", with: "\(run.start)")
            .replacing("END:\(run.name)", with: "\(run.end ?? 0)")
        }
        let found = try await test.store.runs(Store.RunQuery(whereText: filter)).items
        // MLflow takes a NaN for a value that differs from every other; here it never matches.
        let isDifference = item.filter.hasPrefix("metrics.") && item.filter.contains("!=")
        let numbers = item.runs.filter { !isDifference || !hasNaN($0, expected) }
        #expect(found.map(\.name).sorted() == numbers, "\(item.filter)")
      }
    }
  }

  @Test func ordersAreThoseOfMLflow() async throws {
    let expected = try Self.expected()
    try await TestStore.with { test in
      _ = try await Self.fill(test, expected.runs)
      for item in expected.orders {
        let found = try await test.store.runs(Store.RunQuery(orderBy: item.orderBy)).items
        // Runs without a number come last in both; among them MLflow puts those with a NaN first.
        let metric = item.orderBy[0].split(separator: " ")[0].split(separator: ".").last ?? ""
        func isComparable(_ name: String) -> Bool {
          guard item.orderBy[0].hasPrefix("metrics.") else { return true }
          let values = expected.runs.first { $0.name == name }?.metrics[String(metric)]
          return values?.last.map { !$0.number.isNaN } ?? false
        }
        let names = found.map(\.name)
        #expect(names.filter(isComparable) == item.runs.filter(isComparable), "\(item.orderBy)")
        #expect(names.prefix(while: isComparable).count == names.filter(isComparable).count)
      }
    }
  }
}
