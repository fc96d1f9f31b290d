import Experiments
import Foundation
import GRDB
import Store
import Testing

/// The JSON of a page of runs, which is written by hand, is what an encoder makes of the runs.
@Suite struct RunPageJSONTests {
  private struct Page: Codable {
    var items: [Run]
    var next: String?
    var total: Int?
  }

  private static let texts = [
    "", "plain", "with \"quotes\" and \\ and /", "line\nend\r\ttab", "\u{1}\u{8}\u{C}\u{1F}\u{7F}",
    "ünïcödé", "日本", "🙂🏽", "\u{2028}\u{2029}", "a.b", "a/b", "A", "b", "_", "Z", "é", "z",
    "[1, 2]", "{\"a\": null}", "12", "1e5", "null",
  ]
  private static let numbers: [Double] = [
    0, -0.0, 1, -1, 0.1, 1.0 / 3, 1e14, 1e15, 1e16, 123_456_789_012_345, 1e21, 1e-7,
    .leastNonzeroMagnitude, 1e300,
    .greatestFiniteMagnitude, .nan, .infinity, -.infinity, 100, 2.5, -12.75, 1e22,
    9_007_199_254_740_992, -1e-5, 0.0001, 0.00001,
  ]

  private static func encoded(_ page: Page) throws -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return String(decoding: try encoder.encode(page), as: UTF8.self)
  }

  private static func fill(_ test: TestStore) async throws {
    var random = SeededGenerator(state: 17)
    func text() -> String { texts.randomElement(using: &random) ?? "" }
    for index in 0..<30 {
      let attempt = try await test.start(.test(seed: index))
      if index % 3 == 0 { try await test.store.attemptDataset(attempt.id, .test()) }
      var points: [MetricPoint] = []
      for _ in 0..<Int.random(in: 0...5, using: &random) {
        let key = text() + "k" + text()
        for step in 0..<3 {
          let value =
            Bool.random(using: &random)
            ? numbers.randomElement(using: &random) ?? 0
            : Double(bitPattern: UInt64.random(in: 0...UInt64.max, using: &random))
          points.append(
            test.point(key, Int64(step), value, epoch: index % 2 == 0 ? Int64(step) : nil))
        }
      }
      try await test.store.appendMetrics(attempt: attempt.id, points)
      let failed = index % 4 == 0
      _ = try await test.store.endAttempt(
        attempt.id, state: failed ? .failed : .finished,
        failure: failed ? Failure(code: "x", message: text()) : nil,
        cost: index % 5 == 0
          ? nil
          : Cost(
            wallSeconds: 1.5, cpuUserSeconds: 1.0 / 3, peakRssBytes: 12, trainingSeconds: 1e-7,
            flopsPerStep: 1e12), endedAt: test.now)
      let tags = [text(): text(), "t" + text(): text()].filter { !$0.key.isEmpty }
      _ = try await test.store.changeRun(attempt.runId, note: text(), tags: tags.mapValues { $0 })
      let param = (text(), text())
      try await test.store.write { db, _ in
        try db.execute(
          sql: "INSERT OR IGNORE INTO params (run_id, key, value) VALUES (?, ?, ?)",
          arguments: [attempt.runId, param.0 + "p", param.1])
        try db.execute(
          sql: "UPDATE runs SET comparability_key = ?, parent_run_id = ? WHERE id = ?",
          arguments: [index % 2 == 0 ? "key" : nil, index > 5 ? 2 : nil, attempt.runId])
      }
    }
    _ = try await test.submit()
  }

  @Test func itIsTheSameByteForByte() async throws {
    try await TestStore.with { test in
      try await Self.fill(test)
      let selections: [[String]?] = [nil, [], ["params.epochs", "metrics.k"], ["tags.`t`"]]
      for select in selections {
        for limit in [1, 7, 100] {
          let query = Store.RunQuery(
            orderBy: ["-metrics.k", "id"], limit: limit,
            select: try select.map { try RunSelection($0) })
          let runs = try await test.store.runs(query)
          let bytes = try await test.store.runsJSON(query, counting: limit == 7)
          let expected = try Self.encoded(
            Page(items: runs.items, next: runs.next, total: limit == 7 ? 31 : nil))
          #expect(String(decoding: bytes, as: UTF8.self) == expected)
        }
      }
    }
  }

  @Test func everyNumberIsTheSame() async throws {
    try await TestStore.with { test in
      var random = SeededGenerator(state: 4)
      let more = (0..<3_000).map { index in
        index % 3 == 0
          ? Double(Int64.random(in: -1_000_000...1_000_000, using: &random)) / 1_000
          : Double(bitPattern: UInt64.random(in: 0...UInt64.max, using: &random))
      }
      let id = try await test.run()
      try await test.store.appendMetrics(
        run: id, (Self.numbers + more).enumerated().map { test.point("m\($0)", 1, $1) })
      let run = try await test.store.run(id)
      let bytes = try await test.store.runsJSON(Store.RunQuery())
      let expected = try Self.encoded(Page(items: [run]))
      #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }
  }
}
