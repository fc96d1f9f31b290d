import Experiments
import Foundation
import Store
import Testing

/// What the language has beyond plain comparisons.
@Suite struct QueryLanguageTests {
  /// Runs: 1 with loss 3, 1, 2 at steps 1, 2, 3 and f1 0.5, NaN | 2 with loss 0.5 at step 2, of a
  /// dataset and with a cost | 3 resumed: step 2 written twice | 4 queued, by nobody else.
  private static func with(_ body: (TestStore) async throws -> Void) async throws {
    try await TestStore.with { test in
      let one = try await test.start(
        .test(name: "one-A", seed: 1, tags: ["team": "blue", "path": "a*b?[c]", "ä": "Straße"]))
      try await test.store.appendMetrics(
        attempt: one.id,
        [
          test.point("loss", 1, 3), test.point("loss", 2, 1), test.point("loss", 3, 2),
          test.point("f1", 1, 0.5), test.point("f1", 2, .nan), test.point("odd", 1, 7),
          test.point("odd", 2, 9), test.point("odd", -5, 1),
        ])
      try await test.finish(one)
      let two = try await test.start(
        .test(name: "two", seed: 2, optimizer: .sgd(), tags: ["team": "green\nfield"]))
      try await test.store.attemptDataset(two.id, .test())
      try await test.store.appendMetrics(attempt: two.id, [test.point("loss", 2, 0.5)])
      test.clock.advance(seconds: 100)
      _ = try await test.store.endAttempt(
        two.id, state: .failed, failure: .test,
        cost: Cost(wallSeconds: 120.5, cpuUserSeconds: 60, cpuSystemSeconds: 2, peakRssBytes: 1000),
        endedAt: test.now)
      let three = try await test.start(.test(name: "three", seed: 3))
      try await test.store.appendMetrics(
        attempt: three.id, [test.point("loss", 1, 9), test.point("loss", 2, 8)])
      let resumed = try await test.resume(three)
      try await test.store.appendMetrics(
        attempt: resumed.id, [test.point("loss", 2, 6), test.point("loss", 2, 7)])
      try await test.finish(resumed)
      _ = try await test.submit(.test(name: "four", seed: 4))
      try await body(test)
    }
  }

  @Test func expressionsFindTheirRuns() async throws {
    let cases: [(String, [Int64])] = [
      // Summaries of a metric.
      ("min(metrics.loss) = 1", [1]), ("max(metrics.loss) >= 3", [1, 3]),
      ("mean(metrics.loss) = 2", [1]), ("count(metrics.loss) = 3", [1, 3]),
      ("last(metrics.loss) = 2", [1]), ("best(metrics.loss) < 1", [2]),
      ("best(metrics.f1) = 0.5", [1]), ("best(metrics.odd) = 9", [1]),
      ("MIN(metrics.`loss`) < 1", [2]), ("min( metrics.loss ) in (1, 0.5)", [1, 2]),
      ("max(metrics.f1) = 0.5", [1]), ("count(metrics.f1) = 2", [1]),
      ("metrics.f1 = 0.5", []), ("metrics.f1 is not null", [1]),
      ("not min(metrics.loss) > 1", [1, 2]), ("0.7 > min(metrics.loss)", [2]),
      ("min(metrics.nothing) is null", [1, 2, 3, 4]),
      // At a step: the newest attempt's last point, and NaN never matches.
      ("metrics.loss[1] = 3", [1]), ("metrics.loss[2] >= 0", [1, 2, 3]),
      ("metrics.loss[2] = 7", [3]), ("metrics.loss[1] = 9", [3]), ("metrics.loss[2] != 7", [1, 2]),
      ("metrics.f1[2] > 0 or not metrics.f1[2] > 0", []), ("metrics.f1[2] is not null", [1]),
      ("metrics.loss[3] is null", [2, 3, 4]), ("metrics.odd[-5] = 1", [1]),
      ("metrics.loss [ 2 ] in (1, 7)", [1, 3]),
      // Regular expressions.
      ("name =~ '^t'", [2, 3]), ("name !~ '^t'", [1, 4]), ("name matches 'o'", [1, 2, 4]),
      ("name not matches '^(one|two)'", [3, 4]), ("name =~ '(?i)^ONE-a$'", [1]),
      ("name =~ 'e{2}'", [3]), ("name =~ '[w-z]'", [2]), ("name =~ '-[^a-z]$'", [1]),
      ("name =~ '\\bone\\b'", [1]), ("name =~ '\\w{5}'", [3]), ("name =~ '^.{3}$'", [2]),
      ("name =~ 'on?e?'", [1, 2, 4]), ("name =~ '(?:th|f)[ro]+'", [3, 4]),
      ("tags.team =~ 'green\\sfield'", [2]), ("tags.team =~ 'n.f'", []),
      ("tags.team !~ 'e$'", [2]), ("tags.`ä` =~ '^Stra.e$'", [1]),
      ("tags.`ä` =~ '(?i)STRAßE'", [1]),
      ("tags.path =~ 'a\\*b\\?\\[c\\]'", [1]), ("params.optimizer.type =~ '^a'", [1, 3, 4]),
      ("params.optimizer.learning_rate =~ '^0\\.0*1$'", [1, 2, 3, 4]),
      ("status =~ '^fin'", [1, 3]),
      ("tags.team rlike 'blue|red'", [1]), ("name =~ 'it''s'", []), ("name =~ ''", [1, 2, 3, 4]),
      // Patterns: signs of SQLite's own are literal.
      ("tags.path like 'a*b?[c]'", [1]), ("tags.path like 'a_b_[%'", [1]),
      ("tags.path like 'a*'", []), ("tags.team ilike 'BLUE'", [1]), ("tags.team like 'BLUE'", []),
      ("status like 'FIN%'", [1, 3]),
      // Fields of the run, its dataset and its cost.
      ("dataset.name = 'digits'", [2]), ("dataset.sha256 =~ '^a+$'", [2]),
      ("dataset.rows = 10 and dataset.features < 5", [2]), ("dataset.type = 'csv'", [2]),
      ("dataset.path is null", [1, 3, 4]), ("cost.wall_seconds > 2m", [2]),
      ("cost.wall_seconds = 120.5", [2]), ("cost.cpu_seconds = 62", [2]),
      ("cost.peak_rss_bytes <= 1000 and cost.peak_rss_bytes > 0", [2]),
      ("duration > 1m", [2]), ("duration < 60", [1, 3]), ("duration is null", [4]),
      ("failure = 'worker_vanished'", [2]), ("user = 'ada'", [1, 2, 3, 4]),
      ("experiment in ('default', 'x')", [1, 2, 3, 4]), ("experiment != 'default'", []),
      ("experiment like 'def%'", [1, 2, 3, 4]), ("uid =~ '^[0-9a-f]{32}$'", [1, 2, 3, 4]),
      ("started is null", [4]), ("job in (1, 2)", [1, 2]), ("id in (2, 3.0)", [2, 3]),
    ]
    try await Self.with { test in
      for (text, expected) in cases {
        let found = try await test.store.runs(Store.RunQuery(whereText: text)).items.map(\.id)
        #expect(found.sorted() == expected, "\(text)")
      }
    }
  }

  @Test func ordersTakeTheSameFields() async throws {
    try await Self.with { test in
      let cases: [([String], [Int64])] = [
        (["min(metrics.loss)"], [2, 1, 3, 4]), (["-max(metrics.loss)"], [3, 1, 2, 4]),
        (["metrics.loss[2] desc"], [3, 1, 2, 4]), (["best(metrics.f1)", "name"], [1, 4, 3, 2]),
        (["cost.wall_seconds", "-id"], [2, 4, 3, 1]), (["dataset.name", "id"], [2, 1, 3, 4]),
      ]
      for (terms, expected) in cases {
        let found = try await test.store.runs(Store.RunQuery(orderBy: terms)).items.map(\.id)
        #expect(found == expected, "\(terms)")
      }
      let longest = try await test.store.runs(Store.RunQuery(orderBy: ["-duration"])).items.first
      #expect(longest?.id == 2)
    }
  }

  @Test(arguments: [
    ("median(metrics.loss) > 1", 0, "is no function; there are best, count, last"),
    ("min(params.x) > 1", 4, "min is of a metric"), ("min(metrics.loss > 1", 17, "expected \")\""),
    ("min(3) > 1", 4, "expected a field"), ("metrics.loss[x] > 1", 13, "expected a step"),
    ("metrics.loss[1.5] > 1", 13, "expected a step"), ("metrics.loss[1 > 1", 15, "expected \"]\""),
    ("params.x[1] > 1", 8, "only follow a metric"),
    ("min(metrics.loss[1]) > 1", 4, "min is of a metric"),
    ("cost.money > 1", 0, "there are cost.wall_seconds"),
    ("dataset.color = 'x'", 0, "there are dataset.sha256"),
    ("duration > 'long'", 11, "seconds, or a time such as 90m"),
    ("metrics.loss =~ 'x'", 13, "is for texts"), ("name =~ 5", 8, "a regular expression in quotes"),
    ("name =~ 'a(b'", 10, "parenthesis that begins here is not closed"),
    ("name =~ 'a)b'", 10, "closes nothing"), ("name =~ '[a-'", 9, "is not closed"),
    ("name =~ 'x[z-a]'", 11, "no second end"), ("name =~ '*a'", 9, "nothing before"),
    ("name =~ 'it''s \\q'", 15, "there is no escape"), ("name =~ 'a{2'", 10, "brace"),
    ("name =~ 'a{3,2}'", 10, "greater number comes second"),
    ("name =~ '(?=a)'", 9, "there are only"), ("name =~ 'a\\'", 10, "nothing after the backslash"),
    ("name =~ '(((((a{9}){9}){9}){9}){9})'", 9, "too large"),
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
      }
    }
  }

  /// Patterns on which searching by trial and error takes years.
  @Test func noRegularExpressionTakesForever() async throws {
    try await TestStore.with { test in
      let id = try await test.run()
      _ = try await test.store.changeRun(
        id, tags: ["long": String(repeating: "a", count: 7_999) + "!"])
      func count(_ text: String) async throws -> Int {
        try await test.store.runs(Store.RunQuery(whereText: text)).items.count
      }
      for pattern in [
        "(){0,900}(){0,900}b", "^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(a*)*b", "^(a?){50}a{50}$",
        "(.*.*.*.*)=x",
      ] {
        #expect(try await count("tags.long =~ '\(pattern)'") == 0, "\(pattern)")
      }
      #expect(try await count("tags.long =~ '^a+!$'") == 1)
      // What would take a minute is refused after a second.
      let clauses = (0..<60).map { "tags.long =~ '(a?){400}(a?){\(300 + $0)}y'" }
      await expect("invalid_query") { try await count(clauses.joined(separator: " or ")) }
      #expect(try await count("id = \(id)") == 1)
    }
  }

  @Test func wholeNumbersOfAttributesKeepTheirDigits() async throws {
    try await TestStore.with { test in
      let (run, _) = try await test.store.openRun(
        Store.NewRun(seed: 1_234_567_890_123_456_789))
      for (text, isFound) in [
        ("seed = 1234567890123456789", true), ("seed in (1234567890123456789, 3)", true),
        ("seed = 1234567890123456788", false), ("infinity > seed", true),
      ] {
        let found = try await test.store.runs(Store.RunQuery(whereText: text)).items.map(\.id)
        #expect(found == (isFound ? [run.id] : []), "\(text)")
      }
    }
  }

  @Test func mlflowsNamesMeanTheSame() async throws {
    try await Self.with { test in
      let two = try await test.store.run(2)
      let start = try #require(two.startedAt).microseconds / 1000
      let cases: [(String, [Int64])] = [
        ("attributes.start_time = \(start)", [2]), ("start_time > \(start)", [3]),
        ("created = \(start)", [2]), ("end_time > \(start)", [2, 3]),
        ("run_id = '\(two.uid.text)'", [2]), ("run_id != '\(two.uid.text)'", [1, 3, 4]),
        ("attr.run_name = 'two'", [2]), ("run.`Run name` = 'two'", [2]),
        ("status = 'SCHEDULED'", [4]), ("status != 'KILLED'", [1, 2, 3, 4]),
        ("parameters.optimizer.type = \"sgd\"", [2]), ("datasets.digest =~ '^a'", [2]),
        ("user_id = 'ada' AND parameter.optimizer.type IN ('sgd')", [2]),
      ]
      for (text, expected) in cases {
        let found = try await test.store.runs(Store.RunQuery(whereText: text)).items.map(\.id)
        #expect(found.sorted() == expected, "\(text)")
      }
    }
  }
}
