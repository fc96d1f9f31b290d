import Experiments
import Foundation
import GRDB
import Store
import Testing

@Suite struct QueryTests {
  /// Runs: 1 adam f1 0.8 | 2 sgd f1 0.9 | 3 adam f1 NaN | 4 rmsprop without f1 | 5 adam f1 0.95,
  /// failed, of another experiment | 6 queued.
  private static func with(_ body: (TestStore) async throws -> Void) async throws {
    try await TestStore.with { test in
      try await test.run(
        .test(name: "one", seed: 1, learningRate: 0.001, tags: ["team": "blue", "odd key": "x"]),
        metrics: ["val_f1": 0.8, "a b": 1])
      try await test.run(
        .test(name: "two", seed: 2, optimizer: .sgd(learningRate: 0.1)), metrics: ["val_f1": 0.9])
      try await test.run(
        .test(name: "it's", seed: 3, learningRate: 0.01), metrics: ["val_f1": .nan])
      try await test.run(.test(name: "four", seed: 4, optimizer: .rmsprop()), metrics: ["loss": 2])
      test.clock.advance(seconds: 86400)
      let attempt = try await test.start(.test(name: "five", experiment: "other", seed: 5))
      try await test.store.attemptDataset(attempt.id, .test())
      try await test.store.appendMetrics(attempt: attempt.id, [test.point("val_f1", 1, 0.95)])
      try await test.finish(attempt, .failed)
      _ = try await test.submit(.test(name: "six", seed: 6))
      _ = try await test.store.changeRun(5, note: "100% sure")
      try await body(test)
    }
  }

  @Test func expressionsFindTheirRuns() async throws {
    let cases: [(String, [Int64])] = [
      ("metrics.val_f1 > 0.85", [2, 5]), ("metrics.val_f1 >= 0.9", [2, 5]),
      ("metrics.val_f1 < 0.9", [1]), ("metrics.val_f1 <= 0.9", [1, 2]),
      ("metrics.val_f1 = 0.9", [2]), ("metrics.val_f1 == 0.9", [2]),
      // What has no number matches nothing, not even a negation.
      ("metrics.val_f1 != 0.9", [1, 5]), ("not metrics.val_f1 = 0.9", [1, 5]),
      ("metrics.val_f1 <> 0.9", [1, 5]), ("not (metrics.val_f1 > 0.85)", [1]),
      ("metrics.val_f1 is null", [4, 6]), ("metrics.val_f1 is not null", [1, 2, 3, 5]),
      ("metrics.nothing > 0", []), ("metrics.val_f1 < infinity", [1, 2, 5]),
      ("metrics.val_f1 > -infinity", [1, 2, 5]), ("metrics.val_f1 > -1e3", [1, 2, 5]),
      ("0.85 < metrics.val_f1", [2, 5]), ("0.9 = metrics.val_f1", [2]),
      ("metrics.`a b` = 1", [1]), ("metrics.\"a b\" = 1", [1]),
      ("params.optimizer.type = 'adam'", [1, 3, 5, 6]),
      ("params.optimizer.type = \"adam\" and metrics.val_f1 > 0.9", [5]),
      ("params.optimizer.type != 'adam'", [2, 4]),
      ("params.optimizer.type in ('sgd', 'rmsprop')", [2, 4]),
      ("params.optimizer.type not in ('sgd', 'rmsprop')", [1, 3, 5, 6]),
      ("params.optimizer.type like 'a%'", [1, 3, 5, 6]),
      ("params.optimizer.type not like '%a%'", [2, 4]),
      ("params.optimizer.learning_rate >= 0.01", [2, 3]),
      ("params.optimizer.learning_rate = 1e-3", [1, 4, 5, 6]),
      ("params.optimizer.learning_rate = '0.001'", [1, 4, 5, 6]),
      ("params.optimizer.learning_rate != 0.001", [2, 3]),
      ("params.optimizer.type > 5", []), ("params.optimizer.type != 5", [1, 2, 3, 4, 5, 6]),
      ("params.optimizer.momentum is not null", [2, 4]),
      ("params.standardize = true", [1, 2, 3, 4, 5, 6]),
      ("tags.team = 'blue'", [1]), ("tags.team is null", [2, 3, 4, 5, 6]),
      ("tags.team != 'red'", [1]), ("tags.`odd key` = 'x'", [1]),
      ("status = 'failed'", [5]), ("status != 'FINISHED'", [5, 6]),
      ("status in ('failed', 'queued')", [5, 6]), ("attributes.status = 'queued'", [6]),
      ("name = 'it''s'", [3]), ("name like 'F%'", []), ("name like 'f%'", [4, 5]),
      ("name ilike 'F%'", [4, 5]), ("name not ilike 'F%'", [1, 2, 3, 6]),
      ("id = 3 or id > 5", [3, 6]),
      ("experiment = 'other'", [5]), ("seed in (1, 2, 9)", [1, 2]), ("job = 4", [4]),
      ("note like '100%'", [5]), ("dataset = 'digits'", [5]), ("dataset is null", [1, 2, 3, 4, 6]),
      ("parent is null", [1, 2, 3, 4, 5, 6]), ("started > -1h", [5]),
      ("started < -1h", [1, 2, 3, 4]),
      ("started > -7d", [1, 2, 3, 4, 5]), ("started is null", [6]),
      ("created >= '2027-01-16'", [5, 6]),
      ("created < '2027-01-16T08:00:00Z'", [1, 2, 3, 4]),
      ("ended > '2027-01-15 08:00'", [1, 2, 3, 4, 5]),
      ("id = 1 or id = 2 and id = 3", [1]), ("(id = 1 or id = 2) and not id = 2", [1]),
      ("not not id = 2", [2]), ("NOT (id = 1 AND seed = 1) AND id < 3", [2]),
      ("id = 1\n  or\tid = 2", [1, 2]),
    ]
    try await Self.with { test in
      for (text, expected) in cases {
        let found = try await test.store.runs(Store.RunQuery(whereText: text)).items.map(\.id)
        #expect(found.sorted() == expected, "\(text)")
      }
    }
  }

  @Test func conditionsAndFiltersGoTogether() async throws {
    try await Self.with { test in
      func ids(_ query: Store.RunQuery) async throws -> [Int64] {
        try await test.store.runs(query).items.map(\.id)
      }
      let cases: [(Store.RunQuery, [Int64])] = [
        (.init(experiment: "default", whereText: "seed > 1 or id = 5"), [6, 4, 3, 2]),
        (.init(statuses: [.failed, .queued]), [6, 5]),
        (.init(statuses: [.finished], whereText: "id < 3"), [2, 1]),
        (.init(experiment: "other", statuses: [.finished]), []),
      ]
      for (query, expected) in cases {
        let found = try await ids(query)
        #expect(found == expected)
      }
      await expect("experiment_not_found") { try await ids(Store.RunQuery(experiment: "x")) }
      await expect("limit_exceeded") { try await ids(Store.RunQuery(limit: 100_000)) }
      await expect("invalid_value") { try await ids(Store.RunQuery(limit: 0)) }
      await expect("invalid_value") { try await ids(Store.RunQuery(cursor: "bogus")) }
    }
  }

  @Test(arguments: [
    ("", 0, "expected a field"), ("metrics.f1", 10, "expected a comparison"),
    ("metrics.f1 >", 12, "expected a value but found the end"),
    ("metrics.f1 > 'x'", 13, "expected a number but found \"'x'\""),
    ("metrics.f1 > 1 and", 18, "expected a field"),
    (
      "metrics.f1 > 1 params.x = 2", 15,
      "expected \"and\", \"or\" or the end but found \"params.x\""
    ),
    ("(metrics.f1 > 1", 0, "is not closed"),
    ("metrics.f1 > 1)", 14, "expected \"and\", \"or\" or the end"),
    ("params.optimizer.type = adam", 24, "texts stand in quotes: 'adam'"),
    ("name = 'adam", 7, "not closed"), ("speed > 3", 0, "\"speed\" is no field"),
    ("metric.s.x ! 3", 11, "expected \"!=\" or \"!~\""),
    ("metrics. > 1", 0, "expected a key after"),
    ("foo.bar = 1", 0, "is no field; keys begin with"),
    ("status = 'done'", 9, "one of 'queued', 'running'"),
    ("status > 'failed'", 7, "compared with =, != or in"), ("started > 5", 10, "such as -7d"),
    ("started > 'soon'", 10, "such as -7d"), ("started > '2027-02-29'", 10, "such as -7d"),
    ("seed > -7d", 7, "expected a number"), ("metrics.f1 > 7x", 13, "neither a number nor a time"),
    ("metrics.f1 > 1.2.3", 13, "is not a number"), ("id in 3", 6, "expected \"(\""),
    ("id in (3", 8, "expected \",\" or \")\""), ("id in ()", 7, "expected a value"),
    ("name like 5", 10, "a pattern in quotes"), ("metrics.f1 like 'x'", 11, "like compares texts"),
    ("name is 5", 8, "\"null\" or \"not null\""), ("name = null", 7, "is null"),
    ("name not = 5", 9, "\"in\", \"like\", \"ilike\" or \"matches\""),
    ("5 > 3", 4, "expected a field"),
    ("# = 1", 0, "not expected"),
    ("name = 'ü' and ?", 15, "not expected"), ("id = 1 and\n  and id = 2", 13, "is no field"),
  ])
  func mistakesShowTheirPlace(_ text: String, _ position: Int, _ reason: String) async throws {
    try await TestStore.with { test in
      do {
        _ = try await test.store.runs(Store.RunQuery(whereText: text))
        Issue.record("accepted")
      } catch let error as StoreError {
        guard case .invalidQuery(let message, let found) = error else {
          Issue.record("\(error)")
          return
        }
        #expect(found == position && message.contains(reason), "\(message)")
        let lines = message.split(separator: "\n", omittingEmptySubsequences: false)
        let line = text.split(separator: "\n", omittingEmptySubsequences: false)
        let before = text.prefix(position)
        let row = before.filter { $0 == "\n" }.count
        let column = before.split(separator: "\n", omittingEmptySubsequences: false).last?.count
        #expect(lines.count == 3 && lines[1] == "  " + line[row])
        #expect(lines[2] == "  " + String(repeating: " ", count: column ?? 0) + "^")
        #expect(error.field == "where" && lines[0].contains("at character \(position + 1)"))
      }
    }
  }

  @Test func depthAndSizeAreLimited() async throws {
    try await TestStore.with { test in
      try await test.run(metrics: ["x": 1])
      func count(_ text: String) async throws -> Int {
        try await test.store.runs(Store.RunQuery(whereText: text)).items.count
      }
      let deep = String(repeating: "(", count: 63) + "id = 1" + String(repeating: ")", count: 63)
      #expect(try await count(deep) == 1)
      await expect("invalid_query") { try await count("(" + deep + ")") }
      await expect("invalid_query") {
        try await count(String(repeating: "not ", count: 64) + "id = 1")
      }
      // And and or in turn, to the limit, on either side: SQLite's parser has a stack of 100.
      for isRight in [true, false] {
        var nested = "metrics.x = 1"
        for level in 0..<62 {
          let joint = level.isMultiple(of: 2) ? "or" : "and"
          let other = joint == "or" ? "params.epochs in (0, 1)" : "not params.epochs = 0"
          nested = isRight ? "\(other) \(joint) (\(nested))" : "(\(nested)) \(joint) \(other)"
        }
        #expect(try await count(nested) == 1)
      }
      let wide = Array(repeating: "id = 1", count: 200).joined(separator: " and ")
      #expect(try await count(wide) == 1)
      await expect("invalid_query") { try await count(wide + " and id = 1") }
      let list = "id in (" + Array(repeating: "1", count: 5000).joined(separator: ",") + ")"
      #expect(try await count(list) == 1)
      await expect("limit_exceeded") {
        try await count("name = '" + String(repeating: "x", count: Limits.queryBytes) + "'")
      }
    }
  }

  @Test func noTextBreaksTheParser() async throws {
    var random = SeededGenerator(state: 11)
    let pieces = [
      "metrics.f1", "params.`a", "status", "=", "<", "!=", "(", ")", "and", "or", "not", "in",
      "like", "is", "null", "'x'", "\"", "'", "1", "-7d", "1e", "-", ".", ",", " ", "\n", "🙂", "\0",
      "infinity", "id", "%", ";", "--",
    ]
    try await TestStore.with { test in
      for _ in 0..<400 {
        let text = (0..<Int.random(in: 1...12, using: &random))
          .map { _ in pieces.randomElement(using: &random) ?? "" }.joined(separator: " ")
        do {
          _ = try await test.store.runs(Store.RunQuery(whereText: text))
        } catch let error as StoreError {
          #expect(error.code == "invalid_query", "\(text): \(error)")
        }
      }
    }
  }
}
