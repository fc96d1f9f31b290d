import Experiments
import Foundation
import GRDB
import Store
import Testing

@Suite struct JobTests {
  @Test func aJobIsQueuedWithItsRun() async throws {
    try await TestStore.with { test in
      let spec = JobSpec.test(
        name: "m", experiment: "quickstart", seed: 7, learningRate: 0.05, priority: 3,
        tags: ["team": "ä \"quoted\" \n line"])
      let job = try await test.submit(spec)
      #expect(job.id == 1 && job.state == .queued && job.priority == 3 && job.attempts == 0)
      #expect(job.experiment == "quickstart" && job.name == "m" && job.kind == .train)
      #expect(job.spec == spec.json)
      let run = try await test.store.run(try #require(job.runId))
      #expect(run.status == .queued && run.seed == 7 && run.jobId == job.id)
      #expect(run.params["optimizer.learning_rate"] == "0.05")
      #expect(run.tags == ["team": "ä \"quoted\" \n line"])
      #expect(try await test.store.context(run: run.id) == .test)
      #expect(try await test.store.spec(run: run.id) == spec.json)
      #expect(try await test.store.events(limit: 10).map(\.kind) == ["job_submitted"])
      #expect(try await test.store.job(job.id) == job)
    }
  }

  @Test func submittingAgainChangesNothing() async throws {
    try await TestStore.with { test in
      let jobs = (0..<3).map {
        Store.NewJob(uid: Identifier(at: test.now), spec: .test(seed: $0), context: .test)
      }
      let first = try await test.store.submit(jobs)
      let second = try await test.store.submit(jobs + [jobs[0]])
      #expect(second == first + [first[0]])
      #expect(try await test.store.status().runs == 3)
      var other = jobs[0]
      other.spec = .test(seed: 99)
      await expect("conflict") { try await test.store.submit([other]) }
    }
  }

  @Test func aSubmissionIsAllOrNothing() async throws {
    try await TestStore.with { test in
      await expect("run_not_found") { try await test.submit([.test(), .evaluate(run: 12)]) }
      let jobs = try await test.store.jobs(limit: 10)
      #expect(jobs.isEmpty)
      let first = try await test.submit()
      #expect(first.id == 1)
      await expect("limit_exceeded") {
        try await test.submit((0...Limits.jobsPerSubmission).map { .test(seed: $0) })
      }
    }
  }

  @Test func twentyClientsSubmitAtOnce() async throws {
    try await TestStore.with { test in
      let acknowledged = try await withThrowingTaskGroup(of: [Job].self) { group in
        for client in 0..<20 {
          group.addTask {
            var jobs: [Job] = []
            for index in 0..<10 {
              let new = Store.NewJob(
                uid: Identifier(at: test.now), spec: .test(seed: client * 10 + index),
                context: .test)
              jobs += try await test.store.submit([new])
              // Sent once more, as after a lost answer.
              let again = try await test.store.submit([new])
              #expect(again == Array(jobs.suffix(1)))
            }
            return jobs
          }
        }
        var all: [[Job]] = []
        for try await jobs in group { all.append(jobs) }
        return all
      }
      // A job acknowledged before another was sent comes before it.
      for jobs in acknowledged { #expect(jobs.map(\.id) == jobs.map(\.id).sorted()) }
      let queued = try await test.store.nextQueued(limit: 1000)
      #expect(queued.map(\.id) == Array(1...200))
      #expect(Set(queued.map(\.uid)) == Set(acknowledged.flatMap { $0.map(\.uid) }))
      #expect(try await test.store.status().runs == 200)
    }
  }

  @Test func higherPriorityGoesFirstThenTheOlder() async throws {
    try await TestStore.with { test in
      _ = try await test.submit([0, 5, 0, -1, 5].map { .test(priority: $0) })
      #expect(try await test.store.nextQueued(limit: 10).map(\.id) == [2, 5, 1, 3, 4])
      #expect(try await test.store.nextQueued(limit: 2).map(\.id) == [2, 5])
      _ = try await test.store.setHeld(job: 5, true)
      #expect(try await test.store.nextQueued(limit: 10).map(\.id) == [2, 1, 3, 4])
      _ = try await test.store.setHeld(job: 5, false)
      #expect(try await test.store.nextQueued(limit: 2).map(\.id) == [2, 5])
    }
  }

  @Test func holdingIsForWaitingJobs() async throws {
    try await TestStore.with { test in
      let job = try await test.submit()
      #expect(try await test.store.setHeld(job: job.id, true).state == .held)
      #expect(try await test.store.setHeld(job: job.id, true).state == .held)
      let begin = try await test.store.beginAttempt(
        job: job.id, folder: { "/\($0)" }, tokenSHA256: "t")
      #expect(begin == nil)
      _ = try await test.store.setHeld(job: job.id, false)
      let attempt = try await test.start(job)
      await expect("conflict") { try await test.store.setHeld(job: job.id, true) }
      try await test.finish(attempt)
      await expect("job_final") { try await test.store.setHeld(job: job.id, true) }
      await expect("job_not_found") { try await test.store.setHeld(job: 99, true) }
    }
  }

  @Test func cancellingAWaitingJobEndsIt() async throws {
    try await TestStore.with { test in
      for held in [false, true] {
        let job = try await test.submit()
        if held { _ = try await test.store.setHeld(job: job.id, true) }
        let cancelled = try await test.store.requestCancel(job: job.id)
        #expect(cancelled.state == .cancelled && cancelled.endedAt != nil)
        let run = try await test.store.run(try #require(job.runId))
        #expect(run.status == .cancelled && run.endedAt != nil)
        #expect(try await test.store.requestCancel(job: job.id) == cancelled)
      }
    }
  }

  @Test func cancellingAnActiveJobMarksIt() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      #expect(try await test.store.requestCancel(job: attempt.jobId).cancelRequested)
      #expect(try await test.store.requestCancel(job: attempt.jobId).state == .running)
      let active = try await test.store.activeAttempts()
      #expect(active.map(\.cancelRequested) == [true])
      let job = try await test.finish(attempt, .cancelled)
      #expect(job.state == .cancelled)
      let other = try await test.start()
      try await test.finish(other)
      await expect("job_final") { try await test.store.requestCancel(job: other.jobId) }
      await expect("job_not_found") { try await test.store.requestCancel(job: 99) }
    }
  }

  @Test func jobsAreListedNewestFirst() async throws {
    try await TestStore.with { test in
      _ = try await test.submit((0..<5).map { .test(seed: $0) })
      _ = try await test.store.requestCancel(job: 2)
      #expect(try await test.store.jobs(limit: 2).map(\.id) == [5, 4])
      #expect(try await test.store.jobs(limit: 10, before: 4).map(\.id) == [3, 2, 1])
      #expect(try await test.store.jobs(states: [.cancelled], limit: 10).map(\.id) == [2])
      #expect(try await test.store.jobs(states: [], limit: 10).isEmpty)
      await expect("invalid_value") { try await test.store.jobs(limit: 0) }
      await expect("limit_exceeded") { try await test.store.jobs(limit: 100_000) }
      await expect("job_not_found") { try await test.store.job(6) }
    }
  }

  @Test func anEvaluationIsAChildOfItsRun() async throws {
    try await TestStore.with { test in
      let parent = try await test.run(.test(name: "digits", experiment: "e1"))
      let job = try await test.submit(.evaluate(run: parent))
      #expect(job.name == "digits" && job.experiment == "e1" && job.kind == .evaluate)
      let child = try #require(job.runId)
      #expect(try await test.store.run(child).parentId == parent)
      #expect(try await test.store.children(run: parent) == [child])
      let named = try await test.submit(
        .evaluate(run: parent, name: "monday", experiment: "other"))
      #expect(named.name == "monday" && named.experiment == "other")
      #expect(try await test.store.runs(Store.RunQuery(parent: parent)).items.count == 2)
      _ = try await test.store.changeRun(parent, deleted: true)
      await expect("run_not_found") { try await test.submit(.evaluate(run: parent)) }
    }
  }
}
