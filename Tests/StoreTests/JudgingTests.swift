import Experiments
import Foundation
import Store
import Testing

@Suite struct JudgingTests {
  private func comparison(_ reference: [Int64], _ candidate: [Int64]) -> Comparison {
    let side = MetricSide(count: 1, mean: .nan, standardDeviation: nil)
    return Comparison(
      referenceRunIds: reference, candidateRunIds: candidate, verdict: .worse,
      metrics: [
        MetricComparison(
          metric: "val_f1", direction: .higher,
          reference: MetricSide(count: 2, mean: 0.5, standardDeviation: 0.1), candidate: side,
          change: -.infinity, relativeChange: nil, tolerance: 0.01, verdict: .worse, reason: "so")
      ],
      differences: [
        CovariateChange(name: "params.x", reference: ["1"], candidate: ["2", "3"])
      ])
  }

  @Test func aBaselineNamesRuns() async throws {
    try await TestStore.with { test in
      for _ in 0..<4 { try await test.run() }
      let set = try await test.store.setBaseline(name: "nightly", runs: [3, 1, 3])
      #expect(set.runIds == [1, 3] && set.createdAt == set.updatedAt)
      let moved = try await test.store.setBaseline(name: "nightly", runs: [4])
      #expect(moved.id == set.id && moved.runIds == [4] && moved.updatedAt > set.updatedAt)
      _ = try await test.store.setBaseline(name: "älter.2-b", runs: [1, 2])
      #expect(try await test.store.baselines().map(\.runIds) == [[4], [1, 2]])
      #expect(try await test.store.baseline(name: "nightly") == moved)
      try await test.store.deleteBaseline(name: "nightly")
      await expect("baseline_not_found") { try await test.store.baseline(name: "nightly") }
      await expect("baseline_not_found") {
        try await test.store.deleteBaseline(name: "nightly")
      }
      for name in ["", "latest", "a b", "a,b", "@x", "a/b"] {
        await expect("invalid_value") {
          try await test.store.setBaseline(name: name, runs: [1])
        }
      }
      await expect("invalid_value") { try await test.store.setBaseline(name: "x", runs: []) }
      await expect("run_not_found") { try await test.store.setBaseline(name: "x", runs: [1, 99]) }
      await expect("baseline_not_found") { try await test.store.baseline(name: "x") }
    }
  }

  @Test func aJobIsJudgedOnce() async throws {
    try await TestStore.with { test in
      let reference = try await test.run()
      let attempt = try await test.start()
      try await test.finish(attempt)
      let value = comparison([reference], [attempt.runId])
      let check = try await test.store.addCheck(
        baseline: "nightly", jobId: attempt.jobId, comparison: value)
      #expect(check.comparison.metrics[0].candidate.mean.isNaN)
      #expect(check.comparison.metrics[0].change == -.infinity)
      #expect(check.comparison.differences == value.differences)
      let again = try await test.store.addCheck(
        baseline: "other", jobId: attempt.jobId, comparison: comparison([1], [1]))
      #expect(again.id == check.id && again.baseline == "nightly")
      // Without a job each is its own.
      let free = try await test.store.addCheck(baseline: "nightly", comparison: value)
      #expect(free.id != check.id)
      #expect(try await test.store.checks(limit: 10).map(\.id) == [free.id, check.id])
      #expect(try await test.store.checks(limit: 10, before: free.id).map(\.id) == [check.id])
      #expect(try await test.store.check(check.id).jobId == attempt.jobId)
      await expect("check_not_found") { try await test.store.check(99) }
      await expect("run_not_found") {
        try await test.store.addCheck(baseline: "x", comparison: comparison([1], [99]))
      }
      await expect("job_not_found") {
        try await test.store.addCheck(baseline: "x", jobId: 99, comparison: value)
      }
    }
  }

  @Test func scheduledJobsWaitForTheirCheck() async throws {
    try await TestStore.with { test in
      let reference = try await test.run()
      func schedule(_ name: String, check: String?) async throws -> Schedule {
        try await test.store.addSchedule(
          name: name, cron: "0 2 * * *", timeZone: "UTC", spec: .test(), checkBaseline: check,
          context: nil, nextAt: nil)
      }
      let checked = try await schedule("checked", check: "nightly")
      let free = try await schedule("free", check: nil)
      var jobs: [Job] = []
      for (id, due) in [(checked.id, 1), (free.id, 1), (checked.id, 2), (checked.id, 3)] {
        let new = Store.NewJob(uid: Identifier(at: test.now), spec: .test(), context: .test)
        jobs.append(
          try #require(
            try await test.store.fireSchedule(
              id: id, due: Timestamp(microseconds: Int64(due)), next: nil, job: new)))
      }
      #expect(try await test.store.uncheckedScheduledJobs().isEmpty)
      for (index, state) in [(0, AttemptState.finished), (1, .finished), (2, .failed)] {
        try await test.finish(try await test.start(jobs[index]), state)
      }
      var waiting = try await test.store.uncheckedScheduledJobs()
      #expect(waiting.map(\.jobId) == [jobs[0].id, jobs[2].id])
      #expect(waiting.map(\.state) == [.finished, .failed])
      #expect(waiting.allSatisfy { $0.baseline == "nightly" && $0.scheduleId == checked.id })
      let run = try #require(jobs[0].runId)
      #expect(waiting[0].runId == run)
      // Also when the schedule is gone meanwhile.
      try await test.store.deleteSchedule(checked.id)
      let check = try await test.store.addCheck(
        baseline: "nightly", scheduleId: checked.id, jobId: jobs[0].id,
        comparison: comparison([reference], [run]))
      #expect(check.scheduleId == checked.id)
      waiting = try await test.store.uncheckedScheduledJobs()
      #expect(waiting.map(\.jobId) == [jobs[2].id])
    }
  }
}
