import Experiments
import Foundation
import Store
import Testing

@Suite struct ScheduleTests {
  private func add(_ test: TestStore, _ name: String = "nightly") async throws -> Schedule {
    try await test.store.addSchedule(
      name: name, cron: "0 2 * * *", timeZone: "Europe/Berlin", spec: .test(seed: 4),
      checkBaseline: "base", context: .test, nextAt: Timestamp(microseconds: 10))
  }

  private func job(_ test: TestStore) -> Store.NewJob {
    Store.NewJob(uid: Identifier(at: test.now), spec: .test(), context: .test)
  }

  private func at(_ microseconds: Int64) -> Timestamp { Timestamp(microseconds: microseconds) }

  @Test func aDueTimeFiresOnce() async throws {
    try await TestStore.with { test in
      let schedule = try await add(test)
      #expect(schedule.lastFiredAt == nil && schedule.nextAt == at(10) && !schedule.paused)
      #expect(schedule.spec == JobSpec.test(seed: 4).json && schedule.checkBaseline == "base")
      let fired = try await withThrowingTaskGroup(of: Job?.self) { group in
        for _ in 0..<8 {
          let job = job(test)
          group.addTask {
            try await test.store.fireSchedule(id: schedule.id, due: at(10), next: at(20), job: job)
          }
        }
        var jobs: [Job] = []
        for try await job in group { if let job { jobs.append(job) } }
        return jobs
      }
      #expect(fired.count == 1 && fired.first?.scheduleId == schedule.id)
      #expect(try await test.store.status().runs == 1)
      let after = try await test.store.schedule(schedule.id)
      #expect(after.lastFiredAt == at(10) && after.nextAt == at(20))
      let terms = try await test.store.scheduleTerms(schedule.id)
      #expect(terms.activeJob == fired.first?.id && terms.context == .test)
      #expect(terms.catchUp == .one && terms.overlap == .skip)
      // Earlier ones are over too.
      let early = try await test.store.fireSchedule(
        id: schedule.id, due: at(5), next: at(20), job: job(test))
      #expect(early == nil)
      let next = try await test.store.fireSchedule(
        id: schedule.id, due: at(20), next: nil, job: job(test))
      #expect(next != nil)
      #expect(try await test.store.schedule(schedule.id).nextAt == nil)
    }
  }

  @Test func aSkippedFiringIsRecorded() async throws {
    try await TestStore.with { test in
      let schedule = try await add(test)
      let none = try await test.store.fireSchedule(
        id: schedule.id, due: at(10), next: at(20), job: nil)
      #expect(none == nil)
      #expect(try await test.store.schedule(schedule.id).lastFiredAt == at(10))
      let again = try await test.store.fireSchedule(
        id: schedule.id, due: at(10), next: at(20), job: job(test))
      #expect(again == nil)
      let skipped = try await test.store.events(limit: 10).filter { $0.kind == "schedule_skipped" }
      #expect(skipped.map(\.data) == [.object(["schedule": .int(schedule.id), "due": .int(10)])])
    }
  }

  @Test func aFiringInTheFutureCountsForItselfAlone() async throws {
    try await TestStore.with { test in
      let schedule = try await add(test)
      let (soon, later, far) = (
        test.now, test.now.adding(seconds: 60), test.now.adding(seconds: 1e6)
      )
      func fire(_ due: Timestamp, next: Timestamp) async throws -> Job? {
        try await test.store.fireSchedule(id: schedule.id, due: due, next: next, job: job(test))
      }
      // The clock was ahead.
      #expect(try await fire(far, next: far.adding(seconds: 60)) != nil)
      #expect(try await fire(soon, next: later) != nil)
      #expect(try await test.store.schedule(schedule.id).lastFiredAt == soon)
      #expect(try await fire(soon, next: later) == nil)
      #expect(try await fire(later, next: far) != nil)
      // What it fired for then is not fired again, and does not stay due.
      #expect(try await fire(far, next: far.adding(seconds: 60)) == nil)
      let after = try await test.store.schedule(schedule.id)
      #expect(after.nextAt == far.adding(seconds: 60))
      #expect(try await test.store.status().runs == 3)
    }
  }

  @Test func pausedAndDeletedOnesDoNotFire() async throws {
    try await TestStore.with { test in
      let schedule = try await add(test)
      #expect(try await test.store.setPaused(schedule.id, true).paused)
      let paused = try await test.store.fireSchedule(
        id: schedule.id, due: at(10), next: at(20), job: job(test))
      #expect(paused == nil)
      let resumed = try await test.store.setPaused(schedule.id, false, nextAt: at(30))
      #expect(!resumed.paused && resumed.nextAt == at(30) && resumed.lastFiredAt == nil)
      try await test.store.setNextFiring(schedule.id, at(40))
      #expect(try await test.store.schedules().map(\.nextAt) == [at(40)])
      try await test.store.deleteSchedule(schedule.id)
      let deleted = try await test.store.fireSchedule(
        id: schedule.id, due: at(40), next: nil, job: job(test))
      #expect(deleted == nil)
      let remaining = try await test.store.schedules()
      #expect(remaining.isEmpty)
      for call in [
        { try await test.store.schedule($0) }, { try await test.store.setPaused($0, true) },
      ] as [(Int64) async throws -> Schedule] {
        await expect("schedule_not_found") { try await call(schedule.id) }
      }
      await expect("schedule_not_found") { try await test.store.deleteSchedule(schedule.id) }
      await expect("schedule_not_found") {
        try await test.store.fireSchedule(id: 99, due: at(1), next: nil, job: nil)
      }
    }
  }

  @Test func namesAreTakenUntilTheScheduleIsDeleted() async throws {
    try await TestStore.with { test in
      let schedule = try await add(test)
      await expect("name_taken") { try await add(test) }
      await expect("invalid_value") { try await add(test, "") }
      try await test.store.deleteSchedule(schedule.id)
      #expect(try await add(test).id != schedule.id)
    }
  }

  @Test func aFiringWhoseJobIsRefusedLeavesNoTrace() async throws {
    try await TestStore.with { test in
      let schedule = try await add(test)
      var broken = job(test)
      broken.spec = .evaluate(run: 99)
      await expect("run_not_found") {
        try await test.store.fireSchedule(
          id: schedule.id, due: at(10), next: at(20), job: broken)
      }
      #expect(try await test.store.schedule(schedule.id) == schedule)
    }
  }
}
