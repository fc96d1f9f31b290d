import Experiments
import Foundation
import GRDB
import Store
import Testing

/// The way that runs are found, and the indexes that SQLite takes on it.
@Suite struct QueryPlanTests {
  private static func with(
    runs: Int, _ body: (TestStore) async throws -> Void
  ) async throws {
    try await TestStore.with { test in
      try await QueryRuns.fill(test, count: runs, seed: 3)
      try await body(test)
    }
  }

  private static func explain(
    _ test: TestStore, _ text: String?, _ order: [String] = [], limit: Int = 10,
    effort: QueryEffort = QueryEffort()
  ) async throws -> QueryExplanation {
    var query = Store.RunQuery(whereText: text, orderBy: order, limit: limit)
    query.effort = effort
    return try await test.store.explainRuns(query)
  }

  @Test func aListByAMetricWalksItsIndex() async throws {
    try await Self.with(runs: 300) { test in
      var effort = QueryEffort()
      effort.candidates = 20
      let found = try await Self.explain(
        test, "params.kind != 'nothing'", ["-metrics.f1"], effort: effort)
      #expect(found.plan == .walk)
      #expect(found.steps.contains { $0.contains("SEARCH m USING COVERING INDEX metrics_by_last") })
      // Looked at one by one by their keys; nothing is sorted and no table is read through.
      #expect(
        found.steps.contains { $0.contains("SEARCH p USING PRIMARY KEY (run_id=? AND key=?)") })
      #expect(!found.steps.contains { $0.contains("TEMP B-TREE FOR ORDER") }, "\(found.steps)")
      #expect(!found.steps.contains { $0.hasPrefix("SCAN r") || $0.hasPrefix("SCAN m") })
    }
  }

  @Test func aSelectiveConditionLeadsTheWay() async throws {
    try await Self.with(runs: 300) { test in
      var effort = QueryEffort()
      effort.candidates = 60
      let cases = [
        ("params.kind = 'rare'", "params_by_value"), ("params.lr = 0.125", "params_by_number"),
        ("params.lr > 0.95", "params_by_number"), ("tags.team = 'rare'", "tags_by_value"),
        ("metrics.f1 > 0.95", "metrics_by_last"), ("status = 'lost'", "runs_by_status"),
        ("started > '2090-01-01'", "runs_by_start"), ("id = 7", "INTEGER PRIMARY KEY"),
        ("uid = 'x'", "INDEX sqlite_autoindex_runs"), ("parent = 3", "runs_by_parent"),
        ("experiment = 'none'", "runs_by_experiment"),
      ]
      for (text, index) in cases {
        for extra in ["", " and metrics.loss < 1e9", " and not params.lr = 77"] {
          let found = try await Self.explain(test, text + extra, ["metrics.loss"], effort: effort)
          #expect(found.plan == .candidates, "\(text + extra)")
          #expect(found.steps.contains { $0.contains(index) }, "\(text): \(found.steps)")
          #expect(!found.steps.contains { $0.hasPrefix("SCAN r") }, "\(text): \(found.steps)")
        }
      }
      let either = try await Self.explain(
        test, "params.kind = 'rare' or metrics.f1 > 0.99", effort: effort)
      #expect(either.plan == .candidates)
      let broad = try await Self.explain(
        test, "params.kind = 'rare' or name like '%'", effort: effort)
      #expect(broad.plan == .walk)
    }
  }

  @Test func aWalkThatFindsTooLittleTurnsToSets() async throws {
    try await Self.with(runs: 300) { test in
      var effort = QueryEffort()
      effort.candidates = -1
      effort.walked = 20
      // Thought to hold for every fourth run, and holds for none.
      let text = "metrics.loss < 1e9 and params.lr < -1"
      let found = try await Self.explain(test, text, ["-metrics.f1"], limit: 2, effort: effort)
      #expect(found.plan == .sets)
      #expect(found.steps.contains { $0.contains("params_by_number") }, "\(found.steps)")
    }
  }

  /// Sets hold only runs that are there: what is complemented must not bring in others.
  @Test func pagesOfSetsAreFull() async throws {
    try await TestStore.with { test in
      for number in 0..<40 {
        let (run, _) = try await test.store.openRun(
          Store.NewRun(tags: number < 12 ? [:] : ["t": "x"]))
        #expect(run.id == Int64(number + 1))
      }
      var query = Store.RunQuery(whereText: "tags.t is null", orderBy: [], limit: 1)
      query.effort.candidates = -1
      query.effort.walked = 1
      #expect(try await test.store.explainRuns(query).plan == .sets)
      var found: [Int64] = []
      repeat {
        let page = try await test.store.runs(query)
        #expect(page.items.count == 1)
        found += page.items.map(\.id)
        query.cursor = page.next
      } while query.cursor != nil
      #expect(found == Array((1...12).reversed()))
    }
  }

  @Test func anOrderWithoutAnIndexSortsAll() async throws {
    try await Self.with(runs: 30) { test in
      var effort = QueryEffort()
      effort.candidates = 1
      let found = try await Self.explain(test, "metrics.f1 > 0", ["params.lr"], effort: effort)
      #expect(found.plan == .scan)
    }
  }

  @Test func theNewestRunsAreReadFromTheEnd() async throws {
    try await Self.with(runs: 30) { test in
      let found = try await Self.explain(test, nil)
      #expect(found.plan == .walk)
      #expect(!found.steps.contains { $0.contains("TEMP B-TREE") }, "\(found.steps)")
    }
  }
}
