import Experiments
import Foundation
import GRDB
import Store
import Testing

@Suite struct MetricTests {
  @Test func pointsAndSummaryOfASeries() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      let points = [
        test.point("loss", 10, 0.5, epoch: 1), test.point("loss", 20, 0.25, epoch: 2),
        test.point("val_loss", 20, 0.75, epoch: 2), test.point("loss", 30, 1.5, epoch: 3),
      ]
      try await test.store.appendMetrics(attempt: attempt.id, points)
      let history = try await test.store.history(run: attempt.runId, key: "loss")
      #expect(history.points == points.filter { $0.key == "loss" })
      #expect(
        history.summary
          == MetricSummary(
            last: 1.5, lastStep: 30, lastEpoch: 3, min: 0.25, max: 1.5, mean: 0.75, count: 3))
      let run = try await test.store.run(attempt.runId)
      #expect(run.metrics.keys.sorted() == ["loss", "val_loss"])
      #expect(run.metrics["loss"] == history.summary)
      await expect("metric_not_found") {
        try await test.store.history(run: attempt.runId, key: "nothing")
      }
      await expect("run_not_found") { try await test.store.history(run: 99, key: "loss") }
    }
  }

  @Test func sendingABatchAgainChangesNothing() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      let batch = (0..<20).map { test.point("m\($0 % 3)", Int64($0), Double($0), epoch: 1) }
      try await test.store.appendMetrics(attempt: attempt.id, batch)
      let before = try await test.store.run(attempt.runId)
      for again in [batch, Array(batch[5...9]), batch.reversed()] {
        try await test.store.appendMetrics(attempt: attempt.id, again)
      }
      #expect(try await test.store.run(attempt.runId) == before)
    }
  }

  @Test func nanAndTheInfinitiesAreValues() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      let values: [Double] = [
        1, .nan, .infinity, -.infinity, -0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude,
      ]
      let points = values.enumerated().map { test.point("x", Int64($0), $1) }
      // NaN has no place in a key of SQLite, yet a second sending must not add it again.
      for _ in 0..<2 { try await test.store.appendMetrics(attempt: attempt.id, points) }
      let history = try await test.store.history(run: attempt.runId, key: "x")
      #expect(history.points.map { $0.value.bitPattern } == values.map(\.bitPattern))
      #expect(history.summary.count == 7)
      #expect(history.summary.min == -.infinity && history.summary.max == .infinity)
      #expect(history.summary.mean.isNaN)

      try await test.store.appendMetrics(
        attempt: attempt.id, [test.point("nan", 1, .nan), test.point("some", 1, 2)])
      try await test.store.appendMetrics(attempt: attempt.id, [test.point("some", 2, .nan)])
      let metrics = try await test.store.run(attempt.runId).metrics
      let nan = try #require(metrics["nan"])
      #expect(nan.last.isNaN && nan.min.isNaN && nan.max.isNaN && nan.mean.isNaN && nan.count == 1)
      let some = try #require(metrics["some"])
      #expect(some.last.isNaN && some.min == 2 && some.max == 2 && some.mean == 2)
    }
  }

  @Test func lastIsOfTheGreatestStepThenTimeThenValue() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      let time = test.now
      let later = time.adding(seconds: 1)
      let points = [
        test.point("x", 2, 5, time: time), test.point("x", 2, 3, time: later),
        test.point("x", 2, 4, time: later), test.point("x", 1, 9, time: later),
      ]
      for point in points.shuffled() {
        try await test.store.appendMetrics(attempt: attempt.id, [point])
      }
      let history = try await test.store.history(run: attempt.runId, key: "x")
      #expect(history.summary.last == 4 && history.summary.lastStep == 2)
      #expect(history.points.map(\.value) == [9, 5, 3, 4])
    }
  }

  @Test func aResumedAttemptReplacesTheStepsItRepeats() async throws {
    try await TestStore.with { test in
      let first = try await test.start()
      try await test.store.appendMetrics(
        attempt: first.id,
        (1...5).map { test.point("loss", Int64($0), Double($0) * 100, epoch: Int64($0)) })
      let second = try await test.resume(first)
      try await test.store.appendMetrics(
        attempt: second.id,
        (3...4).map { test.point("loss", Int64($0), Double($0), epoch: Int64($0)) })
      var history = try await test.store.history(run: first.runId, key: "loss")
      #expect(history.points.map(\.value) == [100, 200, 3, 4, 500])
      #expect(history.summary.min == 3 && history.summary.max == 500 && history.summary.count == 5)
      #expect(history.summary.last == 500)
      try await test.store.appendMetrics(
        attempt: second.id,
        (5...6).map { test.point("loss", Int64($0), Double($0), epoch: Int64($0)) })
      history = try await test.store.history(run: first.runId, key: "loss")
      #expect(history.points.map(\.value) == [100, 200, 3, 4, 5, 6])
      #expect(history.summary.max == 200 && history.summary.last == 6)
      // Nothing has been deleted.
      let stored = try await test.store.read {
        try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM metric_history")
      }
      #expect(stored == 9)
    }
  }

  @Test func theSamePointByANewerAttemptBelongsToThatOne() async throws {
    try await TestStore.with { test in
      let first = try await test.start()
      let time = test.now
      try await test.store.appendMetrics(
        attempt: first.id,
        [test.point("x", 1, 7, time: time), test.point("x", 1, 8, time: time)])
      let second = try await test.resume(first)
      try await test.store.appendMetrics(attempt: second.id, [test.point("x", 1, 7, time: time)])
      let history = try await test.store.history(run: first.runId, key: "x")
      #expect(history.points.map(\.value) == [7])
      #expect(history.summary.max == 7 && history.summary.count == 1)
    }
  }

  @Test func aLatePointOfAnOlderWriterDoesNotChangeWhatCounts() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      try await test.store.appendMetrics(attempt: attempt.id, [test.point("x", 1, 1)])
      let before = try await test.store.history(run: attempt.runId, key: "x").summary
      // Without an attempt: older than any.
      let late = test.point("x", 1, 99)
      for _ in 0..<2 { try await test.store.appendMetrics(run: attempt.runId, [late]) }
      let history = try await test.store.history(run: attempt.runId, key: "x")
      #expect(history.summary == before && history.points.map(\.value) == [1])
      await expect("run_not_found") { try await test.store.appendMetrics(run: 99, [late]) }
    }
  }

  /// Random streams of two attempts and of nobody, in random order, with repeats, NaN and
  /// infinities: the summaries must be those of the points that count, found by brute force.
  @Test(arguments: 1...12)
  func summariesAgreeWithBruteForce(_ seed: UInt64) async throws {
    try await TestStore.with { test in
      var random = SeededGenerator(state: seed)
      let special: [Double] = [.nan, .infinity, 0, 1]
      let origin = test.now
      var sent: [(attempt: Int, point: MetricPoint)] = []
      var attempt = try await test.start()
      for number in 1...3 {
        if number > 1 { attempt = try await test.resume(attempt) }
        for _ in 0..<Int.random(in: 1...6, using: &random) {
          let writer = Int.random(in: 0..<8, using: &random) == 0 ? 0 : number
          var batch = (0..<Int.random(in: 1...20, using: &random)).map { _ in
            MetricPoint(
              key: ["a", "b"].randomElement(using: &random) ?? "a",
              step: Int64.random(in: 0..<15, using: &random),
              epoch: Bool.random(using: &random) ? nil : Int64.random(in: 0..<5, using: &random),
              time: origin.adding(seconds: Double(Int.random(in: 0..<4, using: &random))),
              value: Int.random(in: 0..<5, using: &random) == 0
                ? special.randomElement(using: &random) ?? 0
                : Double.random(in: -10...10, using: &random))
          }
          if let repeated = sent.randomElement(using: &random)?.point { batch.append(repeated) }
          if writer == 0 {
            try await test.store.appendMetrics(run: attempt.runId, batch)
          } else {
            try await test.store.appendMetrics(attempt: attempt.id, batch)
          }
          sent += batch.map { (writer, $0) }
        }
      }
      for key in Set(sent.map(\.point.key)) {
        let expected = bruteForce(sent.filter { $0.point.key == key })
        let found = try await test.store.history(run: attempt.runId, key: key)
        #expect(found.points.map(\.step) == expected.map(\.step))
        #expect(found.points.map { "\($0.value)" } == expected.map { "\($0.value)" })
        let summary = found.summary
        let numbers = expected.map(\.value).filter { !$0.isNaN }
        let last = try #require(expected.last)
        #expect("\(summary.last)" == "\(last.value)" && summary.lastStep == last.step)
        #expect(summary.count == expected.count)
        #expect("\(summary.min)" == "\(numbers.min() ?? .nan)")
        #expect("\(summary.max)" == "\(numbers.max() ?? .nan)")
        let mean = numbers.reduce(0, +) / Double(numbers.count)
        #expect(
          "\(summary.mean)" == "\(mean)" || abs(summary.mean - mean) <= 1e-12 * max(1, abs(mean)))
      }
    }
  }

  /// The points that count, in order of step, time and value (NaN last).
  private func bruteForce(_ sent: [(attempt: Int, point: MetricPoint)]) -> [MetricPoint] {
    struct Key: Hashable {
      let step: Int64
      let time: Int64
      let value: String
    }
    var newest: [Key: (attempt: Int, point: MetricPoint)] = [:]
    for (attempt, point) in sent {
      let key = Key(
        step: point.step, time: point.time.microseconds,
        value: point.value == 0 ? "0" : "\(point.value)")
      if let known = newest[key], known.attempt >= attempt { continue }
      newest[key] = (attempt, point)
    }
    let byStep = Dictionary(grouping: newest.values) { $0.point.step }
    return byStep.values.flatMap { points in
      let attempt = points.map(\.attempt).max()
      return points.filter { $0.attempt == attempt }.map(\.point)
    }.sorted { a, b in
      if a.step != b.step { return a.step < b.step }
      if a.time != b.time { return a.time < b.time }
      return b.value.isNaN ? !a.value.isNaN : a.value < b.value
    }
  }

  @Test func epochMetricsAreThoseAtTheEndsOfEpochs() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      func epoch(_ number: Int64, _ loss: Double) -> [MetricPoint] {
        let batches = (1...3).map {
          test.point("batch_loss", (number - 1) * 10 + $0, loss, epoch: number - 1)
        }
        return batches + [
          test.point("loss", number * 10, loss, epoch: number),
          test.point("val_loss", number * 10, loss + 1, epoch: number),
        ]
      }
      try await test.store.appendMetrics(attempt: attempt.id, epoch(1, 0.5) + epoch(2, 0.25))
      var epochs = try await test.store.epochMetrics(run: attempt.runId, afterEpoch: 0)
      #expect(epochs.map(\.epoch) == [1, 2] && epochs.map(\.step) == [10, 20])
      #expect(epochs[1].metrics == ["loss": 0.25, "val_loss": 1.25])
      epochs = try await test.store.epochMetrics(run: attempt.runId, afterEpoch: 1)
      #expect(epochs.map(\.epoch) == [2])
      #expect(try await test.store.epochMetrics(run: attempt.runId, afterEpoch: 2).isEmpty)
      let second = try await test.resume(attempt)
      try await test.store.appendMetrics(attempt: second.id, epoch(2, 0.125) + epoch(3, .nan))
      epochs = try await test.store.epochMetrics(run: attempt.runId, afterEpoch: 1)
      #expect(epochs.map(\.epoch) == [2, 3])
      #expect(epochs[0].metrics == ["loss": 0.125, "val_loss": 1.125])
      #expect(epochs[1].metrics["loss"]?.isNaN == true)
    }
  }

  @Test func keysAndBatchesHaveLimits() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      func append(_ points: [MetricPoint]) async throws {
        try await test.store.appendMetrics(attempt: attempt.id, points)
      }
      let longest = String(repeating: "ä", count: Limits.keyCharacters)
      try await append([test.point(longest, 1, 1)])
      #expect(try await test.store.run(attempt.runId).metrics[longest]?.last == 1)
      await expect("limit_exceeded") { try await append([test.point(longest + "x", 1, 1)]) }
      await expect("invalid_value") { try await append([test.point("", 1, 1)]) }
      let extremes = [
        test.point("x", .min, 1), test.point("x", .max, 2),
        test.point("x", 0, 3, time: Timestamp(microseconds: .max)),
      ]
      try await append(extremes)
      #expect(try await test.store.run(attempt.runId).metrics["x"]?.last == 2)
      await expect("invalid_value") {
        try await append([test.point("x", 0, 3, time: Timestamp(microseconds: .min))])
      }
      await expect("limit_exceeded") {
        try await append(Array(repeating: extremes[0], count: Limits.pointsPerRequest + 1))
      }
    }
  }
}
