// What decides when a job starts, as the store keeps it: dependencies, retries, pauses, changes of a
// job that waits.

import Experiments
import Foundation
import Store
import Testing

extension JobSpec {
  fileprivate static func with(_ policy: JobPolicy) -> JobSpec {
    var spec = JobSpec.test()
    spec.policy = policy
    return spec
  }
}

@Suite struct PolicyTests {
  @Test func aJobWaitsForThoseItNames() async throws {
    try await TestStore.with { test in
      let first = try await test.start()
      let second = try await test.start()
      let job = try await test.submit(.with(JobPolicy(after: [first.jobId, second.jobId])))
      #expect(job.waitsFor == [first.jobId, second.jobId])
      #expect(try await test.store.waiting(limit: 9).candidates.isEmpty)
      try await test.finish(first)
      #expect(try await test.store.job(job.id).waitsFor == [second.jobId])
      try await test.finish(second)
      #expect(try await test.store.job(job.id).waitsFor == nil)
      #expect(try await test.store.waiting(limit: 9).candidates.map(\.id) == [job.id])
    }
  }

  @Test(arguments: [
    (AfterFailed.cancel, JobState.cancelled), (.hold, .held), (.run, .queued),
  ])
  func whatFollowsAFailedDependency(_ policy: AfterFailed, _ state: JobState) async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      let job = try await test.submit(
        .with(JobPolicy(after: [attempt.jobId], afterFailed: policy)))
      let next = try await test.submit(.with(JobPolicy(after: [job.id])))
      try await test.finish(attempt, .failed)
      let after = try await test.store.job(job.id)
      #expect(after.state == state)
      if policy == .cancel {
        #expect(after.failure?.code == "dependency_failed")
        // One that waits for the cancelled one is told in the same transaction.
        #expect(try await test.store.job(next.id).state == .cancelled)
        #expect(try await test.store.run(try #require(after.runId)).status == .cancelled)
      }
      if policy == .hold { #expect(after.heldBy == "job \(attempt.jobId)") }
      // The same of a job that is submitted afterwards.
      let late = try await test.submit(
        .with(JobPolicy(after: [attempt.jobId], afterFailed: policy)))
      #expect(late.state == state)
    }
  }

  @Test func veryManyThatWaitForOneAreToldInSteps() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      let specs = [JobSpec](
        repeating: .with(JobPolicy(after: [attempt.jobId])), count: 450)
      _ = try await test.submit(specs)
      try await test.finish(attempt, .cancelled)
      while try await test.store.settleWaiting().hasMore {}
      let counts = try await test.store.status().jobsByState
      #expect(counts[.cancelled] == 451)
      #expect(counts[.queued] == nil)
    }
  }

  @Test func anUnknownDependencyOrQueueIsRefused() async throws {
    try await TestStore.with { test in
      await expect("invalid_value") { try await test.submit(.with(JobPolicy(after: [7]))) }
      await expect("queue_not_found") { try await test.submit(.with(JobPolicy(queue: "night"))) }
      #expect(try await test.store.jobs(limit: 9).isEmpty)
      _ = try await test.store.setQueue("night", slots: 1)
      #expect(try await test.submit(.with(JobPolicy(queue: "night"))).queue == "night")
      await expect("conflict") { try await test.store.removeQueue("night") }
    }
  }

  @Test func aFailedAttemptIsRetriedInANewRunAfterItsPause() async throws {
    try await TestStore.with { test in
      let retries = RetryPolicy(max: 2, delay: TimeSpan(seconds: 60))
      let attempt = try await test.start(.with(JobPolicy(retries: retries)))
      let job = try await test.finish(attempt, .failed)
      #expect(job.state == .queued)
      #expect(job.retries == 1)
      #expect(job.failure == nil)
      #expect(job.runId != attempt.runId)
      #expect(try await test.store.run(attempt.runId).status == .failed)
      #expect(try await test.store.settleWaiting().next == job.notBefore)
      #expect(try await test.store.waiting(limit: 9).candidates.isEmpty)
      test.clock.advance(seconds: 61)
      #expect(try await test.store.settleWaiting().next == nil)
      #expect(try await test.store.waiting(limit: 9).candidates.map(\.id) == [job.id])
      let second = try await test.start(job)
      #expect(try await test.finish(second, .failed).retries == 2)
      _ = try await test.store.endPause(job: job.id)
      let third = try await test.start(job)
      #expect(try await test.finish(third, .failed).state == .failed)
    }
  }

  @Test func onlyTheNamedExitCodesAreRetried() async throws {
    try await TestStore.with { test in
      let retries = RetryPolicy(max: 5, delay: TimeSpan(seconds: 0), on: [75])
      let attempt = try await test.start(.with(JobPolicy(retries: retries)))
      let again = try await test.store.endAttempt(
        attempt.id, state: .failed, exitCode: 75, endedAt: test.now)
      #expect(again.state == .queued)
      let second = try await test.start(again)
      let over = try await test.store.endAttempt(
        second.id, state: .failed, exitCode: 1, endedAt: test.now)
      #expect(over.state == .failed)
    }
  }

  @Test(arguments: [AttemptState.cancelled, .failed, .finished])
  func anAttemptOverItsLimitTimedOutWhateverItSays(_ state: AttemptState) async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      let early = test.now
      let failure = Failure(code: "timeout", message: "it ran for longer than 2h")
      #expect(try await test.store.noteLimit(attempt: attempt.id, failure))
      if state == .finished {
        // It had finished before anybody looked.
        let job = try await test.store.endAttempt(attempt.id, state: state, endedAt: early)
        #expect(job.state == .finished)
        return
      }
      let job = try await test.finish(attempt, state)
      #expect(job.state == .timedOut)
      #expect(job.failure == failure)
      #expect(try await test.store.attempts(job: job.id).map(\.state) == [.timedOut])
    }
  }

  @Test func aLostAttemptOverItsLimitTimedOut() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      _ = try await test.store.noteLimit(
        attempt: attempt.id, Failure(code: "idle_timeout", message: "it was silent for 10m"))
      let job = try await test.store.attemptLost(attempt.id, failure: .test) { _ in
        .resumeSameRun
      }
      #expect(job.state == .timedOut)
    }
  }

  @Test func aWaitingJobCanBeChangedAndItsRunFollows() async throws {
    try await TestStore.with { test in
      let job = try await test.submit()
      var spec = try JobSpec.parse(job.spec)
      guard case .train(var work) = spec.work else { return }
      work.epochs = 77
      spec.work = .train(work)
      spec.priority = 9
      let changed = try await test.store.edit(job: job.id, from: job.spec, to: spec)
      #expect(changed.priority == 9)
      let run = try await test.store.run(try #require(job.runId))
      #expect(run.params["epochs"] == "77")
      // From the spec as it was: somebody was quicker.
      spec.priority = 3
      await expect("conflict") {
        try await test.store.edit(job: job.id, from: job.spec, to: spec)
      }
      _ = try await test.start(changed)
      await expect("conflict") {
        try await test.store.edit(job: job.id, from: changed.spec, to: spec)
      }
    }
  }

  @Test func runsKnowWhetherTheyRanBesideOthers() async throws {
    try await TestStore.with { test in
      let alone = try await test.start()
      try await test.finish(alone)
      let first = try await test.start()
      let second = try await test.start()
      try await test.finish(first)
      try await test.finish(second)
      let runs = try await test.store.runs([alone.runId, first.runId, second.runId])
      #expect(runs.map(\.beside) == [false, true, true])
    }
  }

  @Test func ofManyJobsOnlyTheFirstOfEachLaneAreRead() async throws {
    try await TestStore.with { test in
      _ = try await test.store.setQueue("night", slots: nil)
      for policy in [
        JobPolicy(), JobPolicy(resources: ["gpu": 1]), JobPolicy(queue: "night"),
        JobPolicy(isHeld: true),
      ] {
        _ = try await test.submit([JobSpec](repeating: .with(policy), count: 20))
      }
      let found = try await test.store.waiting(limit: 2).candidates
      #expect(found.count == 6)
      #expect(Set(found.map(\.id)) == [1, 2, 21, 22, 41, 42])
      _ = try await test.store.setPaused(queue: "night", true)
      #expect(try await test.store.waiting(limit: 2).candidates.count == 4)
    }
  }
}
