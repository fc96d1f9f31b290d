import Experiments
import Foundation
import GRDB
import Store
import Testing

@Suite struct OrderTests {
  @Test func whatIsMissingOrNaNComesLast() async throws {
    try await TestStore.with { test in
      for (value, rate) in [(0.5, 0.1), (nil, 0.2), (.nan, 0.3), (0.9, 0.4), (-.infinity, 0.05)]
        as [(Double?, Double)]
      {
        try await test.run(
          .test(learningRate: rate), metrics: value.map { ["x": $0] } ?? [:])
      }
      func ids(_ terms: String...) async throws -> [Int64] {
        try await test.store.runs(Store.RunQuery(orderBy: terms)).items.map(\.id)
      }
      #expect(try await ids() == [5, 4, 3, 2, 1])
      #expect(try await ids("metrics.x") == [5, 1, 4, 3, 2])
      #expect(try await ids("-metrics.x") == [4, 1, 5, 3, 2])
      #expect(try await ids("metrics.x desc") == [4, 1, 5, 3, 2])
      #expect(try await ids("metrics.x ASC") == [5, 1, 4, 3, 2])
      #expect(try await ids("-metrics.x desc") == [5, 1, 4, 3, 2])
      #expect(try await ids("params.optimizer.learning_rate") == [5, 1, 2, 3, 4])
      #expect(try await ids("name", "id") == [1, 2, 3, 4, 5])
      #expect(try await ids("-started") == [5, 4, 3, 2, 1])
      #expect(try await ids("seed", "-metrics.x") == [4, 1, 5, 3, 2])
    }
  }

  @Test(arguments: [
    "", "metrics.x up", "speed", "metrics.x desc desc", "-", "= 3", "metrics.", "a b",
  ])
  func mistakesAreNamed(_ term: String) async throws {
    try await TestStore.with { test in
      await expect("invalid_query") {
        try await test.store.runs(Store.RunQuery(orderBy: [term]))
      }
      await expect("limit_exceeded") {
        try await test.store.runs(Store.RunQuery(orderBy: Array(repeating: "id", count: 9)))
      }
    }
  }

  /// Pages of any size, in any order, with ties, NaN and gaps, put together are the whole list;
  /// also while runs are added.
  @Test(arguments: [
    [], ["metrics.x"], ["-metrics.x"], ["params.optimizer.type", "-metrics.x"],
    ["-tags.t", "metrics.x"], ["status", "-started"], ["tags.t", "params.optimizer.momentum"],
  ])
  func pagesJoinWithoutGapOrRepeat(_ orderBy: [String]) async throws {
    try await TestStore.with { test in
      var random = SeededGenerator(state: 5)
      let values: [Double?] = [nil, .nan, .infinity, 1, 1, 2, -0.5]
      for _ in 0..<40 {
        let optimizer: OptimizerSpec = Bool.random(using: &random) ? .sgd() : .adam()
        let tag = ["a", "b", "10", "9", nil].randomElement(using: &random) ?? nil
        let value = values.randomElement(using: &random) ?? nil
        try await test.run(
          .test(optimizer: optimizer, tags: tag.map { ["t": $0] } ?? [:]),
          metrics: value.map { ["x": $0] } ?? [:])
      }
      func page(_ limit: Int, _ cursor: String?) async throws -> (items: [Run], next: String?) {
        try await test.store.runs(
          Store.RunQuery(whereText: "id <= 40", orderBy: orderBy, limit: limit, cursor: cursor))
      }
      let whole = try await page(1000, nil)
      #expect(whole.items.count == 40 && whole.next == nil)
      for limit in [1, 7, 39, 40] {
        var joined: [Int64] = []
        var cursor: String?
        repeat {
          let part = try await page(limit, cursor)
          joined += part.items.map(\.id)
          cursor = part.next
          if limit == 7 { _ = try await test.submit() }
        } while cursor != nil
        #expect(joined == whole.items.map(\.id))
      }
    }
  }

  @Test func aCursorBelongsToItsOrder() async throws {
    try await TestStore.with { test in
      for _ in 0..<3 { try await test.run(metrics: ["x": 1]) }
      let page = try await test.store.runs(Store.RunQuery(orderBy: ["metrics.x"], limit: 1))
      let next = try #require(page.next)
      #expect(next.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" })
      for orderBy in [[], ["-metrics.x"], ["metrics.x", "id"]] {
        await expect("invalid_value") {
          try await test.store.runs(Store.RunQuery(orderBy: orderBy, cursor: next))
        }
      }
    }
  }
}
