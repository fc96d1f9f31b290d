// Long series thinned out for plots, with blocks and without, against all their points.

import Experiments
import Foundation
import GRDB
import Store
import Testing

@Suite struct ThinningTests {
  /// Appends a series in batches, in the order of `steps`.
  private func append(
    _ test: TestStore, run: Int64, _ steps: [Int64], key: String = "x",
    value: (Int64) -> Double
  ) async throws {
    for start in stride(from: 0, to: steps.count, by: 20_000) {
      var series = PointSeries(key: key)
      for step in steps[start..<min(start + 20_000, steps.count)] {
        series.append(
          step: step, time: 1_800_000_000_000_000 + step, value: value(step), epoch: step / 100)
      }
      try await test.store.appendMetrics(run: run, [series])
    }
  }

  private func blocks(_ test: TestStore) async throws -> (count: Int, points: Int) {
    try await test.store.read { db in
      let row = try Row.fetchOne(
        db, sql: "SELECT COUNT(*), COALESCE(SUM(count), 0) FROM series_blocks")
      return (row?[0] ?? 0, row?[1] ?? 0)
    }
  }

  /// What any thinning must keep, whatever its groups are.
  private func expectFaithful(
    _ thin: PointSeries, to all: PointSeries, most: Int,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    func check(_ holds: Bool, _ what: String) {
      if !holds { Issue.record("\(what)", sourceLocation: sourceLocation) }
    }
    check(thin.count <= most && thin.count >= most / 6, "\(thin.count) points of \(most)")
    check(thin.steps.first == all.steps.first && thin.steps.last == all.steps.last, "ends")
    let numbers = all.values.filter { !$0.isNaN }
    let kept = thin.values.filter { !$0.isNaN }
    check(kept.min() == numbers.min() && kept.max() == numbers.max(), "extremes")
    check(all.values.contains(where: \.isNaN) == thin.values.contains(where: \.isNaN), "NaN")
    let values = Dictionary(
      uniqueKeysWithValues: zip(
        all.steps, zip(all.values, zip(all.times, (0..<all.count).map { all.epoch($0) }))))
    var previous = Int64.min
    for (index, step) in thin.steps.enumerated() {
      check(index == 0 || step > previous, "order at \(step)")
      previous = step
      let original = values[step]
      check(original?.0.bitPattern == thin.values[index].bitPattern, "value at \(step)")
      check(original?.1.0 == thin.times[index], "time at \(step)")
      check(original?.1.1 == thin.epoch(index), "epoch at \(step)")
    }
    // Every stretch of twice a group's size holds a whole group, and so shows its extremes nearby.
    let group = all.count / (most / 5) + 2 * 512
    for start in stride(from: 0, to: all.count - group, by: group) {
      let local = all.values[start..<(start + group)].filter { !$0.isNaN }
      let from = all.steps[max(0, start - group)]
      let to = all.steps[min(all.count - 1, start + 2 * group)]
      let near = zip(thin.steps, thin.values).filter { $0.0 >= from && $0.0 <= to }.map(\.1)
        .filter { !$0.isNaN }
      check((near.max() ?? -.infinity) >= (local.max() ?? -.infinity), "greatest near \(from)")
      check((near.min() ?? .infinity) <= (local.min() ?? .infinity), "least near \(from)")
    }
  }

  private func noise(_ step: Int64) -> Double {
    var generator = SeededGenerator(state: UInt64(bitPattern: step))
    let value = Double.random(in: -1...1, using: &generator)
    if step % 30_011 == 17 { return .nan }
    return step % 50_021 == 5 ? value * 1_000 : value
  }

  private func opened(_ test: TestStore) async throws -> Int64 {
    try await test.store.openRun(Store.NewRun()).run.id
  }

  @Test func withBlocksAndWithoutIsAsM4() async throws {
    try await TestStore.with { test in
      let run = try await opened(test)
      try await append(test, run: run, Array(0..<150_000).map { $0 * 3 }, value: noise)
      let made = try await blocks(test)
      #expect(made.points > 145_000 && made.count > 250)
      let all = try await test.store.series(run: run, key: "x").series
      #expect(all.count == 150_000)
      for most in [10, 400, 2_000, 30_000, 100_000] {
        let thin = try await test.store.series(run: run, key: "x", most: most)
        expectFaithful(thin.series, to: all, most: most)
        #expect(thin.summary.count == 150_000)
      }
      #expect(
        try await test.store.series(run: run, key: "x", most: 150_000).series.count == 150_000)
      await expect("invalid_value") { try await test.store.series(run: run, key: "x", most: 9) }
    }
  }

  /// Groups of equal size, of each the first, last, least, greatest and first NaN.
  @Test func withoutBlocksItIsM4Exactly() async throws {
    try await TestStore.with { test in
      let run = try await opened(test)
      try await append(test, run: run, Array(0..<5_003), value: noise)
      let all = try await test.store.series(run: run, key: "x").series
      let thin = try await test.store.series(run: run, key: "x", most: 100).series
      let hasNaN = all.values.contains(where: \.isNaN)
      let buckets = 100 / (hasNaN ? 5 : 4)
      let size = (all.count + buckets - 1) / buckets
      var expected: [Int64] = []
      for start in stride(from: 0, to: all.count, by: size) {
        let indices = Array(start..<min(start + size, all.count))
        let numbers = indices.filter { !all.values[$0].isNaN }
        let picks = [
          indices.first, indices.last, numbers.min { all.values[$0] < all.values[$1] },
          numbers.max { all.values[$0] < all.values[$1] },
          indices.first { all.values[$0].isNaN },
        ]
        expected += Set(picks.compactMap { $0 }).sorted().map { all.steps[$0] }
      }
      #expect(thin.steps == expected)
    }
  }

  @Test func latePointsAreSeen() async throws {
    try await TestStore.with { test in
      let run = try await opened(test)
      try await append(test, run: run, Array(0..<140_000).map { $0 * 10 }, value: noise)
      let before = try await blocks(test)
      // Between others, before all, and one step again.
      try await append(test, run: run, [55_555, 700_001, -40], value: { Double($0) * 10 })
      let after = try await blocks(test)
      #expect(after.count == before.count - 2)
      let all = try await test.store.series(run: run, key: "x").series
      let thin = try await test.store.series(run: run, key: "x", most: 1_000).series
      expectFaithful(thin, to: all, most: 1_000)
      #expect(thin.steps.contains(700_001) && thin.steps.first == -40)
    }
  }

  @Test func anyOrderOfArrivalGivesTheSamePoints() async throws {
    try await TestStore.with { test in
      let run = try await opened(test)
      var generator = SeededGenerator(state: 5)
      var steps = Array(Int64(0)..<130_000)
      for start in stride(from: 0, to: steps.count, by: 10_000) {
        steps[start..<(start + 10_000)].shuffle(using: &generator)
      }
      try await append(test, run: run, steps, value: noise)
      try await append(
        test, run: run, Array(200_000..<330_000).reversed(), key: "back", value: noise)
      for key in ["x", "back"] {
        let all = try await test.store.series(run: run, key: key).series
        #expect(all.count == 130_000)
        let thin = try await test.store.series(run: run, key: key, most: 800).series
        expectFaithful(thin, to: all, most: 800)
      }
    }
  }

  @Test func whereAttemptsOverlapTheNewestCounts() async throws {
    try await TestStore.with { test in
      let first = try await test.start()
      func send(_ attempt: Attempt, _ steps: Range<Int64>, _ factor: Double) async throws {
        for start in stride(from: steps.lowerBound, to: steps.upperBound, by: 20_000) {
          var series = PointSeries(key: "x")
          for step in start..<min(start + 20_000, steps.upperBound) {
            series.append(
              step: step, time: 1_800_000_000_000_000 + step, value: noise(step) * factor,
              epoch: nil)
          }
          try await test.store.appendMetrics(attempt: attempt.id, [series])
        }
      }
      try await send(first, 0..<100_000, 1)
      let second = try await test.resume(first)
      try await send(second, 80_000..<200_000, -2)
      let all = try await test.store.series(run: first.runId, key: "x").series
      #expect(all.count == 200_000)
      #expect(all.values[79_999] == noise(79_999) && all.values[80_000] == noise(80_000) * -2)
      let thin = try await test.store.series(run: first.runId, key: "x", most: 1_000).series
      expectFaithful(thin, to: all, most: 1_000)
    }
  }
}
