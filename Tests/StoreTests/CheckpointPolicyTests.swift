import Checkpoints
import Experiments
import Foundation
import GRDB
import Store
import Testing

@Suite struct CheckpointPolicyTests {
  private func tensors(_ epoch: Int) -> [Tensor] {
    [
      Tensor(name: "fixed", shape: [64], floats: (0..<64).map { Float($0) }),
      Tensor(name: "w", shape: [64], floats: (0..<64).map { Float($0 + epoch) }),
    ]
  }

  /// Trains: measures, then takes a checkpoint, epoch by epoch.
  private func train(
    _ test: TestStore, _ attempt: Attempt, key: String = "val_loss", _ values: [Double?],
    from first: Int = 1
  ) async throws {
    for (index, value) in values.enumerated() {
      let epoch = first + index
      if let value {
        let step = Int64(epoch * 100)
        try await test.store.appendMetrics(
          attempt: attempt.id, [test.point(key, step, value, epoch: Int64(epoch))])
      }
      try await test.checkpoint(attempt, epoch: epoch, tensors: tensors(epoch))
    }
  }

  private struct Case: Sendable, CustomTestStringConvertible {
    var metric = "val_loss"
    var values: [Double?]
    var best: Int
    var testDescription: String { "\(metric) \(values)" }
  }

  @Test(arguments: [
    Case(values: [0.5, 0.3, 0.4], best: 2), Case(values: [0.5, 0.3, 0.3], best: 2),
    Case(metric: "val_f1", values: [0.5, 0.9, 0.7], best: 2),
    Case(metric: "val_f1", values: [0.9, 0.9, 0.7], best: 1),
    Case(values: [.nan, 0.7, .nan], best: 2), Case(values: [.nan, .nan, .nan], best: 3),
    Case(values: [nil, nil, nil], best: 3), Case(values: [nil, 0.4, nil], best: 2),
    Case(values: [.infinity, nil, nil], best: 1),
    Case(metric: "oddity", values: [1, 2, 0], best: 3),
  ])
  private func theBestIsByMetricAndDirection(_ example: Case) async throws {
    try await TestStore.with { test in
      let attempt = try await test.start(.test(best: example.metric))
      try await train(test, attempt, key: example.metric, example.values)
      let checkpoints = try await test.store.checkpoints(run: attempt.runId)
      #expect(checkpoints.map(\.epoch) == [1, 2, 3])
      #expect(checkpoints.filter(\.isBest).map(\.epoch) == [example.best])
      #expect(checkpoints.filter(\.isLatest).map(\.epoch) == [3])
      let chosen = try await test.store.checkpointManifest(run: attempt.runId, .best).1
      #expect(chosen.epoch == example.best)
    }
  }

  @Test func theBestIsByWhatTheNewestAttemptMeasured() async throws {
    try await TestStore.with { test in
      let first = try await test.start()
      try await train(test, first, [0.5, 0.1, 0.4])
      let second = try await test.resume(first)
      try await train(test, second, [0.9, 0.8], from: 2)
      let best = try await test.store.checkpoints(run: first.runId).filter(\.isBest)
      #expect(best.map(\.epoch) == [1])
    }
  }

  @Test func aMetricOfManyPointsPerEpochCountsAtTheCheckpoint() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start(.test(best: "loss"))
      for epoch in 1...3 {
        let points = (0..<100).map { batch in
          test.point(
            "loss", Int64(epoch * 100 - 99 + batch),
            batch == 50 ? 0 : Double(epoch == 2 ? 1 : 2),
            epoch: Int64(batch == 99 ? epoch : epoch - 1))
        }
        try await test.store.appendMetrics(attempt: attempt.id, points)
        try await test.checkpoint(attempt, epoch: epoch, tensors: tensors(epoch))
      }
      let best = try await test.store.checkpoints(run: attempt.runId).filter(\.isBest)
      #expect(best.map(\.epoch) == [2])
    }
  }

  @Test func onlyTheNewestAndTheBestAreKept() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start(.test(keepLast: 2))
      try await train(test, attempt, [0.5, 0.1, 0.4, 0.3, 0.2, 0.6])
      let kept = try await test.store.checkpoints(run: attempt.runId)
      #expect(kept.map(\.epoch) == [2, 5, 6])
      #expect(try await test.store.checkpointTensors(run: attempt.runId, .best) == tensors(2))
      // An old epoch that comes late is not kept, and that is no error.
      let late = try await test.checkpoint(attempt, epoch: 1, tensors: tensors(1))
      #expect(late.epoch == 1 && !late.isBest && !late.isLatest)
      #expect(try await test.store.checkpoints(run: attempt.runId) == kept)
    }
  }

  @Test func whatComesFromOutsideIsNotThePolicys() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start(.test(keepLast: 1))
      try await train(test, attempt, [0.5, 0.1, 0.4, 0.3], from: 10)
      try await test.finish(attempt)
      let (manifest, chunks) = try CheckpointCoder.encode(
        tensors: tensors(1), metadata: [:], epoch: 1, step: 100)
      try await test.put(chunks)
      let made = try await test.store.addCheckpoint(run: attempt.runId, manifest)
      #expect(made.epoch == 1 && !made.isBest && !made.isLatest)
      let kept = try await test.store.checkpoints(run: attempt.runId)
      #expect(kept.map(\.epoch) == [1, 11, 13])
      #expect(try await test.store.checkpointTensors(run: attempt.runId, .epoch(1)) == tensors(1))
    }
  }

  /// An epoch that was the best when the next of every `every` came counts among the kept ones.
  @Test func theBestBetweenTwoKeptEpochsCountsAsOne() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start(.test(keepLast: 2, every: 5))
      var kept: [[Int]] = []
      for (epoch, value) in [(5, 0.5), (7, 0.1), (10, 0.3), (15, 0.4), (20, 0.4)] {
        try await train(test, attempt, [value], from: epoch)
        kept.append(try await test.store.checkpoints(run: attempt.runId).map(\.epoch))
      }
      #expect(kept == [[5], [5, 7], [7, 10], [7, 10, 15], [7, 15, 20]])
    }
  }

  /// The best epoch where an attempt ends is kept, and leaves no trace if the next one finds a better.
  @Test func whereAnAttemptEndedLeavesNoTrace() async throws {
    try await TestStore.with { test in
      var attempt = try await test.start(.test(every: 5))
      for (epoch, value) in [(5, 0.5), (7, 0.4)] {
        try await train(test, attempt, [value], from: epoch)
      }
      attempt = try await test.resume(attempt)
      try await train(test, attempt, [0.3], from: 8)
      func epochs() async throws -> [Int] {
        try await test.store.checkpoints(run: attempt.runId).map(\.epoch)
      }
      #expect(try await epochs() == [5, 8])
      attempt = try await test.resume(attempt)
      try await train(test, attempt, [0.2], from: 10)
      #expect(try await epochs() == [5, 10])
      for (epoch, value) in [(12, 0.1), (15, 0.4), (20, 0.05)] {
        try await train(test, attempt, [value], from: epoch)
      }
      #expect(try await epochs() == [5, 10, 12, 15, 20])
    }
  }

  /// What is noted of the best is what a look at all of them finds, whatever the order.
  @Test(arguments: 1...6)
  func theNotedBestIsTheBest(_ seed: UInt64) async throws {
    try await TestStore.with { test in
      var random = SeededGenerator(state: seed)
      var attempt = try await test.start(.test())
      var epoch = 0
      for _ in 0..<30 {
        switch Int.random(in: 0..<8, using: &random) {
        case 0 where epoch > 2:
          attempt = try await test.resume(attempt)
          epoch -= Int.random(in: 0..<3, using: &random)
        case 1 where epoch > 2: epoch -= 1
        default: epoch += 1
        }
        let value = [nil, .nan, 0.0, 1, 2, 3, 4].randomElement(using: &random) ?? nil
        try await train(test, attempt, [value], from: epoch)
        let noted = try await test.store.read { [run = attempt.runId] in
          try Int.fetchOne($0, sql: "SELECT best_epoch FROM runs WHERE id = ?", arguments: [run])
        }
        let all = try await test.store.checkpoints(run: attempt.runId)
        #expect(all.first(where: \.isBest)?.epoch == noted)
      }
    }
  }

  /// Random trainings with random policies: after each step the counts equal those of a recount, no
  /// chunk is left over, none that is needed is gone, and the best and the newest are there.
  @Test(arguments: 1...8)
  func referenceCountsStayTrue(_ seed: UInt64) async throws {
    try await TestStore.with { test in
      var random = SeededGenerator(state: seed)
      let keep = [nil, 1, 2, 3].randomElement(using: &random) ?? nil
      var attempts: [Attempt] = []
      for run in 0..<2 { attempts.append(try await test.start(.test(seed: run, keepLast: keep))) }
      var best: [Int64: (epoch: Int, value: Double)] = [:]
      for epoch in 1...10 {
        for attempt in attempts {
          let value = Double(Int.random(in: 0..<5, using: &random))
          if value < best[attempt.runId]?.value ?? .infinity {
            best[attempt.runId] = (epoch, value)
          }
          try await test.store.appendMetrics(
            attempt: attempt.id,
            [test.point("val_loss", Int64(epoch * 100), value, epoch: Int64(epoch))])
          // Few variants, so that epochs and runs share chunks.
          try await test.checkpoint(
            attempt, epoch: epoch, tensors: tensors(Int.random(in: 0..<4, using: &random)))
          let checkpoints = try await test.store.checkpoints(run: attempt.runId)
          #expect(checkpoints.last?.epoch == epoch)
          #expect(checkpoints.first(where: \.isBest)?.epoch == best[attempt.runId]?.epoch)
          if let keep { #expect(checkpoints.count <= keep + 1) }
          let problems = try await test.store.verifyCheckpoints(run: attempt.runId)
          #expect(problems.allSatisfy { $0.problem == nil })
        }
        let wrong = try await test.store.read {
          try Int.fetchOne(
            $0,
            sql: """
              SELECT COUNT(*) FROM chunks c WHERE reference_count = 0 OR reference_count <>
                (SELECT COUNT(*) FROM checkpoint_chunks p WHERE p.chunk_id = c.id)
              """)
        }
        #expect(wrong == 0)
      }
    }
  }
}
