import Experiments
import Foundation
import GRDB
import Store
import Synchronization
import Testing

@Suite struct LostAttemptTests {
  @Test func resumingGoesOnInTheSameRunFromTheLastCheckpoint() async throws {
    try await TestStore.with { test in
      let first = try await test.start()
      for epoch in 1...3 {
        try await test.checkpoint(
          first, epoch: epoch, tensors: [Tensor(name: "w", shape: [1], floats: [Float(epoch)])])
      }
      let job = try await test.store.attemptLost(first.id, failure: .test) { situation in
        situation.hasCheckpoint && situation.policy == .resume ? .resumeSameRun : .fail(.test)
      }
      #expect(job.state == .queued && job.runId == first.runId)
      #expect(try await test.store.run(first.runId).status == .queued)
      let begin = try #require(
        try await test.store.beginAttempt(job: job.id, folder: { "/\($0)" }, tokenSHA256: "t"))
      #expect(begin.attempt.number == 2)
      let started = try await test.store.attemptStarted(begin.attempt.id, environment: .test)
      #expect(started.resumeEpoch == 3)
      let attempts = try await test.store.attempts(run: first.runId)
      #expect(attempts.map(\.state) == [.lost, .running])
      #expect(attempts.map(\.resumedFromEpoch) == [nil, 3])
      #expect(attempts[0].failure == .test)
    }
  }

  @Test func requeueingOpensANewRunLikeTheOldOne() async throws {
    try await TestStore.with { test in
      let first = try await test.start(.test(seed: 5, tags: ["a": "b"], keepLast: 2))
      let job = try await test.store.attemptLost(first.id, failure: .test) { _ in .newRun }
      #expect(job.state == .queued && job.runId != first.runId)
      let old = try await test.store.run(first.runId)
      #expect(old.status == .lost && old.failure == .test)
      let new = try await test.store.run(try #require(job.runId))
      #expect(new.status == .queued && new.params == old.params && new.tags == old.tags)
      #expect(new.seed == 5 && new.uid != old.uid && new.jobId == job.id)
      let second = try await test.start(job)
      #expect(second.runId == new.id && second.number == 2)
      #expect(try await test.finish(second).state == .finished)
      #expect(try await test.store.run(old.id).status == .lost)
    }
  }

  @Test(arguments: [
    (Store.LostDecision.fail(.test), JobState.failed), (.lost(.test), .lost),
  ])
  func givingUpEndsTheJob(_ decision: Store.LostDecision, _ state: JobState) async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      let job = try await test.store.attemptLost(attempt.id, failure: .test) { _ in decision }
      #expect(job.state == state && job.failure == .test)
      #expect(try await test.store.run(attempt.runId).status.rawValue == state.rawValue)
      let again = try await test.store.attemptLost(attempt.id, failure: .test) { _ in .newRun }
      #expect(again == job)
    }
  }

  @Test func aCancelledJobIsNotStartedAgain() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      _ = try await test.store.requestCancel(job: attempt.jobId)
      let job = try await test.store.attemptLost(attempt.id, failure: .test) { _ in .newRun }
      #expect(job.state == .cancelled && job.runId == attempt.runId)
    }
  }

  @Test func aStopThatNobodyAskedForIsALoss() async throws {
    try await TestStore.with { test in
      let stop = Store.UnaskedStop(failure: .test) { situation in
        situation.lostWithoutProgress == 1 ? .resumeSameRun : .fail(.test)
      }
      let first = try await test.start()
      let job = try await test.store.endAttempt(
        first.id, state: .cancelled, cost: Cost(wallSeconds: 2), endedAt: test.now, unasked: stop)
      #expect(job.state == .queued && job.runId == first.runId)
      #expect(try await test.store.run(first.runId).cost?.wallSeconds == 2)
      // Told again, it changes nothing.
      let again = try await test.store.endAttempt(
        first.id, state: .cancelled, endedAt: test.now, unasked: stop)
      #expect(again == job)
      let second = try await test.start(job)
      let attempts = try await test.store.attempts(job: job.id)
      #expect(attempts.map(\.state) == [.lost, .running])
      #expect(attempts[0].failure == .test)
      _ = try await test.store.requestCancel(job: job.id)
      let cancelled = try await test.store.endAttempt(
        second.id, state: .cancelled, endedAt: test.now, unasked: stop)
      #expect(cancelled.state == .cancelled)
      #expect(try await test.store.attempts(job: job.id)[1].state == .cancelled)
    }
  }

  @Test func anAttemptWithoutAWorkerDoesNotCount() async throws {
    try await TestStore.with { test in
      var attempt = try await test.start()
      for count in [1, 1, 1, 2] {
        let job = try await test.store.attemptLost(
          attempt.id, failure: .test, counts: attempt.number == 1 || count == 2
        ) { situation in
          situation.lostWithoutProgress == count ? .resumeSameRun : .fail(.test)
        }
        #expect(job.state == .queued)
        attempt = try await test.start(job)
      }
    }
  }

  @Test func lossesInARowAreCountedUntilThereIsANewCheckpoint() async throws {
    try await TestStore.with { test in
      let counts = Mutex<[Int]>([])
      func lose(_ attempt: Attempt) async throws -> Attempt {
        let job = try await test.store.attemptLost(attempt.id, failure: .test) { situation in
          counts.withLock { $0.append(situation.lostWithoutProgress) }
          return .resumeSameRun
        }
        return try await test.start(job)
      }
      let tensors = [Tensor(name: "w", shape: [1], floats: [1])]
      var attempt = try await test.start()
      attempt = try await lose(attempt)
      attempt = try await lose(attempt)
      try await test.checkpoint(attempt, epoch: 1, tensors: tensors)
      attempt = try await lose(attempt)
      // The same epoch once more is no progress.
      try await test.checkpoint(attempt, epoch: 1, tensors: tensors)
      attempt = try await lose(attempt)
      attempt = try await lose(attempt)
      #expect(counts.withLock { $0 } == [1, 2, 0, 1, 2])
    }
  }
}
