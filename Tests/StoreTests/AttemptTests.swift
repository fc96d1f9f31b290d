import Experiments
import Foundation
import GRDB
import Store
import Testing

@Suite struct AttemptTests {
  @Test func anAttemptBeginsOnceStartsAndEnds() async throws {
    try await TestStore.with { test in
      let job = try await test.submit()
      let begin = try #require(
        try await test.store.beginAttempt(
          job: job.id, folder: { "/jobs/\($0)" }, tokenSHA256: "secret"))
      #expect(begin.job.state == .starting && begin.attempt.state == .starting)
      #expect(begin.attempt.number == 1 && begin.folder == "/jobs/\(begin.attempt.id)")
      let second = try await test.store.beginAttempt(
        job: job.id, folder: { "/\($0)" }, tokenSHA256: "t")
      #expect(second == nil)

      let id = begin.attempt.id
      let started = try await test.store.attemptStarted(id, environment: .test)
      #expect(started.resumeEpoch == nil && started.datasetSha256 == nil && !started.cancelled)
      #expect(try await test.store.attemptStarted(id, environment: .test) == started)
      #expect(try await test.store.job(job.id).state == .running)
      #expect(try await test.store.run(begin.run.id).status == .running)
      #expect(try await test.store.environment(run: begin.run.id) == .test)

      let cost = Cost(wallSeconds: 2, cpuUserSeconds: 1.5, peakRssBytes: 1000)
      let end = test.now
      let ended = try await test.store.endAttempt(
        id, state: .finished, exitCode: 0, cost: cost, endedAt: end)
      #expect(ended.state == .finished && ended.endedAt == end && ended.attempts == 1)
      let again = try await test.store.endAttempt(
        id, state: .failed, failure: .test, cost: Cost(), endedAt: test.now)
      #expect(again == ended)
      let run = try await test.store.run(begin.run.id)
      #expect(run.status == .finished && run.cost == cost && run.failure == nil)
      let attempts = try await test.store.attempts(job: job.id)
      #expect(attempts.map(\.state) == [.finished])
      #expect(attempts == (try await test.store.attempts(run: run.id)))
      #expect(try await test.store.activeAttempts().isEmpty)
    }
  }

  @Test(arguments: AttemptState.allCases.filter(\.isFinal), [true, false])
  func everyEndMovesJobAndRun(_ state: AttemptState, started: Bool) async throws {
    try await TestStore.with { test in
      let job = try await test.submit()
      let begin = try #require(
        try await test.store.beginAttempt(job: job.id, folder: { "/\($0)" }, tokenSHA256: "t"))
      if started { _ = try await test.store.attemptStarted(begin.attempt.id, environment: .test) }
      let ended = try await test.store.endAttempt(
        begin.attempt.id, state: state, failure: state == .failed ? .test : nil,
        endedAt: test.now)
      #expect(ended.state.rawValue == state.rawValue && ended.state.isFinal)
      #expect(ended.failure == (state == .failed ? .test : nil))
      let run = try await test.store.run(begin.run.id)
      #expect(run.status.rawValue == state.rawValue && run.failure == ended.failure)
      await expect("job_final") { try await test.store.setHeld(job: job.id, false) }
    }
  }

  @Test func whatIsOverOrReplacedMayNotWrite() async throws {
    try await TestStore.with { test in
      let first = try await test.start()
      try await test.store.authenticate(attempt: first.id, tokenSHA256: "token")
      await expect("attempt_fenced") {
        try await test.store.authenticate(attempt: first.id, tokenSHA256: "other")
      }
      await expect("attempt_not_found") {
        try await test.store.authenticate(attempt: 99, tokenSHA256: "token")
      }
      let second = try await test.resume(first)
      #expect(second.number == 2 && second.runId == first.runId)
      let point = test.point("loss", 1, 0.5)
      for attempt in [first.id] {
        await expect("attempt_fenced") {
          try await test.store.authenticate(
            attempt: attempt, tokenSHA256: "token", allowEnded: true)
        }
        await expect("attempt_fenced") {
          try await test.store.appendMetrics(attempt: attempt, [point])
        }
        await expect("attempt_fenced") {
          try await test.store.appendLog(attempt: attempt, offset: 0, bytes: [1])
        }
        await expect("attempt_fenced") {
          try await test.store.attemptProgress(
            attempt,
            progress: Progress(epoch: 1, epochs: 2, step: 1, steps: 2, samplesPerSecond: 1),
            cost: Cost())
        }
        await expect("attempt_fenced") {
          try await test.store.attemptDataset(attempt, .test())
        }
        await expect("attempt_fenced") {
          try await test.store.attemptStarted(attempt, environment: .test)
        }
        await expect("attempt_fenced") {
          try await test.checkpoint(
            first, epoch: 1, tensors: [Tensor(name: "w", shape: [1], floats: [1])])
        }
      }
      try await test.store.appendMetrics(attempt: second.id, [point])
      // A late end of the first changes nothing.
      #expect(try await test.finish(first).state == .running)
      try await test.finish(second)
      await expect("attempt_fenced") {
        try await test.store.authenticate(attempt: second.id, tokenSHA256: "token")
      }
      // But its own end may be sent again.
      try await test.store.authenticate(
        attempt: second.id, tokenSHA256: "token", allowEnded: true)
    }
  }

  @Test func progressAndCostAreKept() async throws {
    try await TestStore.with { test in
      let first = try await test.start()
      let progress = Progress(epoch: 1, epochs: 3, step: 10, steps: 30, samplesPerSecond: .infinity)
      try await test.store.attemptProgress(
        first.id, progress: progress, cost: Cost(wallSeconds: 2, peakRssBytes: 500))
      #expect(try await test.store.job(first.jobId).progress == progress)
      #expect(try await test.store.activeAttempts().first?.heartbeatAt != nil)
      let second = try await test.resume(first)
      _ = try await test.store.endAttempt(
        second.id, state: .finished,
        cost: Cost(wallSeconds: 3, peakRssBytes: 400, trainingSeconds: 1, stepsPerSecond: 7),
        endedAt: test.now)
      let run = try await test.store.run(first.runId)
      #expect(
        run.cost
          == Cost(wallSeconds: 5, peakRssBytes: 500, trainingSeconds: 1, stepsPerSecond: 7))
      let costs = try await test.store.attempts(run: run.id).map(\.cost?.wallSeconds)
      #expect(costs == [2, 3])
    }
  }

  @Test func aRunKeepsToItsDataset() async throws {
    try await TestStore.with { test in
      let first = try await test.start()
      try await test.store.attemptDataset(first.id, .test())
      try await test.store.attemptDataset(first.id, .test())
      let run = try await test.store.run(first.runId)
      #expect(run.dataset == .test() && run.comparabilityKey?.count == 64)
      let second = try await test.resume(first)
      let started = try await test.store.attemptStarted(second.id, environment: .test)
      #expect(started.datasetSha256 == DatasetInfo.test().sha256)
      await expect("dataset_changed") {
        try await test.store.attemptDataset(
          second.id, .test(sha256: String(repeating: "b", count: 64)))
      }
    }
  }

  @Test func theComparabilityKeyIsOfSpecDataHostAndVersions() async throws {
    try await TestStore.with { test in
      func key(
        _ spec: JobSpec, sha256: String = DatasetInfo.test().sha256,
        change: (inout Environment) -> Void = { _ in }
      ) async throws -> String {
        var environment = Environment.test
        change(&environment)
        let job = try await test.submit(spec)
        let begin = try #require(
          try await test.store.beginAttempt(job: job.id, folder: { "/\($0)" }, tokenSHA256: "t"))
        try await test.store.attemptDataset(begin.attempt.id, .test(sha256: sha256))
        _ = try await test.store.attemptStarted(begin.attempt.id, environment: environment)
        return try #require(try await test.store.run(begin.run.id).comparabilityKey)
      }
      let base = try await key(.test(seed: 1))
      #expect(try await key(.test(seed: 2)) == base)
      #expect(
        try await key(
          .test(),
          change: {
            $0.host = "other"; $0.memoryBytes = 1
          }) == base)
      let others = [
        try await key(.test(learningRate: 0.1)),
        try await key(.test(), sha256: String(repeating: "b", count: 64)),
        try await key(.test(), change: { $0.cores = 64 }),
        try await key(.test(), change: { $0.versions["assay"] = "0.2.0" }),
      ]
      #expect(Set(others + [base]).count == 5)
    }
  }
}
