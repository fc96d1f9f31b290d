import Experiments
import Foundation
import Store
import Testing

/// Chosen columns, groups over seeds, and counting.
@Suite struct RunTableTests {
  /// Runs 1–3 of rate 0.1 with f1 1, 2, 4; 4 of 0.01 with f1 3; 5 of 0.01 with NaN; 6 of SGD with
  /// none, deleted; 7 queued of 0.1.
  private static func with(_ body: (TestStore) async throws -> Void) async throws {
    try await TestStore.with { test in
      for (seed, value) in [1.0, 2, 4].enumerated() {
        try await test.run(.test(seed: seed, learningRate: 0.1), metrics: ["f1": value])
      }
      try await test.run(
        .test(name: "other", seed: 1, learningRate: 0.01, tags: ["team": "blue"]),
        metrics: ["f1": 3])
      try await test.run(.test(seed: 2, learningRate: 0.01), metrics: ["f1": .nan])
      let deleted = try await test.run(.test(optimizer: .sgd()))
      _ = try await test.store.changeRun(deleted, deleted: true)
      _ = try await test.submit(.test(seed: 9, learningRate: 0.1))
      try await body(test)
    }
  }

  @Test func columnsAreWhatWasAskedFor() async throws {
    try await Self.with { test in
      let columns = [
        "metrics.f1", "params.optimizer.learning_rate", "tags.team", "status", "seed",
        "max(metrics.f1)", "metrics.f1[10]", "count(metrics.f1)", "started",
      ]
      let page = try await test.store.table(
        Store.RunQuery(orderBy: ["id"], limit: 4), columns: columns)
      #expect(page.items.map(\.id) == [1, 2, 3, 4] && page.next != nil)
      let four = try #require(page.items.last)
      #expect(four.name == "other")
      #expect(
        Array(four.values.dropLast()) == [
          .number(3), .string("0.01"), .string("blue"), .string("finished"), .int(1), .number(3),
          .number(3), .int(1),
        ])
      let run = try await test.store.run(4)
      #expect(four.values.last == .int(try #require(run.startedAt).microseconds))
      let rest = try await test.store.table(
        Store.RunQuery(orderBy: ["id"], limit: 4, cursor: page.next), columns: columns)
      #expect(rest.items.map(\.id) == [5, 7] && rest.next == nil)
      guard case .number(let nan)? = rest.items[0].values[0] else {
        Issue.record("\(rest.items[0].values)")
        return
      }
      #expect(nan.isNaN && rest.items[1].values[0] == nil)
      await expect("invalid_query") {
        try await test.store.table(Store.RunQuery(), columns: ["speed"])
      }
      await expect("invalid_query") {
        try await test.store.table(Store.RunQuery(), columns: ["seed seed"])
      }
    }
  }

  @Test func groupsHaveStatisticsOverTheirRuns() async throws {
    try await Self.with { test in
      let (groups, total) = try await test.store.groups(
        Store.RunQuery(), by: ["params.optimizer.learning_rate"], columns: ["metrics.f1", "seed"])
      #expect(total == 2 && groups.map(\.key) == [[.string("0.01")], [.string("0.1")]])
      #expect(groups.map(\.runs) == [2, 4])
      let one = groups[0].values[0]
      #expect(one.count == 1 && one.mean == 3 && one.standardDeviation == nil && one.median == 3)
      let three = groups[1].values[0]
      #expect(three.count == 3 && three.median == 2 && three.min == 1 && three.max == 4)
      // 7/3, and the root of ((4/3)² + (1/3)² + (5/3)²) / 2 = 7/3.
      #expect(abs((three.mean ?? 0) - 7.0 / 3) < 1e-12)
      #expect(abs((three.standardDeviation ?? 0) - (7.0 / 3).squareRoot()) < 1e-12)
      #expect(groups[1].values[1].count == 4)
    }
  }

  @Test func groupsAreOrderedFilteredAndLimited() async throws {
    try await Self.with { test in
      func keys(_ query: Store.RunQuery, _ by: [String], _ columns: [String] = []) async throws
        -> [[JSONValue?]]
      {
        try await test.store.groups(query, by: by, columns: columns).items.map(\.key)
      }
      let rate = ["params.optimizer.learning_rate"]
      #expect(
        try await keys(.init(orderBy: ["-metrics.f1"]), rate, ["metrics.f1"])
          == [[.string("0.01")], [.string("0.1")]])
      #expect(
        try await keys(.init(orderBy: ["metrics.f1"]), rate, ["metrics.f1"])
          == [[.string("0.1")], [.string("0.01")]])
      #expect(
        try await keys(.init(orderBy: ["-params.optimizer.learning_rate"]), rate)
          == [[.string("0.1")], [.string("0.01")]])
      // What is missing is a group of its own, the last.
      #expect(try await keys(.init(), ["tags.team"]) == [[.string("blue")], [nil]])
      #expect(
        try await keys(.init(whereText: "seed > 1"), ["status", "seed"])
          == [
            [.string("finished"), .int(2)], [.string("queued"), .int(9)],
          ])
      let limited = try await test.store.groups(.init(limit: 1), by: ["seed"], columns: [])
      #expect(limited.items.count == 1 && limited.total == 4)
      await expect("invalid_value") { try await keys(.init(), ["metrics.f1"]) }
      await expect("invalid_value") { try await keys(.init(), ["seed"], ["status"]) }
      await expect("invalid_value") { try await keys(.init(orderBy: ["name"]), ["seed"]) }
    }
  }

  @Test func aParamThatIsTheSameNumberIsTheSameKey() async throws {
    try await TestStore.with { test in
      try await QueryRuns.fill(test, count: 60, seed: 8)
      let (groups, _) = try await test.store.groups(
        Store.RunQuery(), by: ["params.kind"], columns: [])
      let keys = groups.compactMap { $0.key[0]?.stringValue }
      // 5 and 5.0 are one; numbers come first.
      #expect(keys.count { $0 == "5" || $0 == "5.0" } == 1)
      #expect(keys.first == "5" || keys.first == "5.0")
      #expect(groups.last?.key == [nil])
      let all = try await test.store.count(Store.RunQuery())
      #expect(groups.map(\.runs).reduce(0, +) == all)
    }
  }

  @Test func runsAreCounted() async throws {
    try await Self.with { test in
      let cases: [(Store.RunQuery, Int)] = [
        (.init(), 6), (.init(deleted: true), 1), (.init(statuses: [.queued]), 1),
        (.init(whereText: "metrics.f1 >= 2", limit: 1), 3),
        (.init(whereText: "not metrics.f1 >= 2"), 1), (.init(whereText: "metrics.f1 is null"), 1),
      ]
      for (query, expected) in cases {
        let count = try await test.store.count(query)
        #expect(count == expected, "\(query.whereText ?? "")")
      }
    }
  }

  @Test func listsAreCutAtTheirCommas() {
    let cases: [(String, [String])] = [
      ("", []), ("a", ["a"]), (" a , b ,, c", ["a", "b", "c"]),
      ("min(metrics.`a,b`), metrics.\"x,y\"[1]", ["min(metrics.`a,b`)", "metrics.\"x,y\"[1]"]),
      ("f(a,b),c", ["f(a,b)", "c"]), ("`a,b", ["`a,b"]),
    ]
    for (text, expected) in cases { #expect(CommaList.split(text) == expected) }
  }
}
