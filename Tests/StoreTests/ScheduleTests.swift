import Experiments
import Foundation
import GRDB
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
      #expect(after.catchUp == .one && after.overlap == .skip && after.jitterSeconds == 0)
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

  @Test func everyFiringIsInTheHistory() async throws {
    try await TestStore.with { test in
      let schedule = try await add(test)
      let fired = try #require(
        try await test.store.fireSchedule(
          id: schedule.id, due: at(10), next: at(20), job: job(test)))
      _ = try await test.store.fireSchedule(
        id: schedule.id, due: at(20), next: at(30), job: nil,
        skip: .skipped(reason: "job \(fired.id) is under way"))
      _ = try await test.store.fireSchedule(
        id: schedule.id, due: at(30), next: at(40), job: nil, skip: .refused(reason: "no run 4"))
      #expect(try await test.store.schedule(schedule.id).problem == "no run 4")
      // By hand, after a due time that has not fired yet: that one still does.
      let byHand = try #require(
        try await test.store.fireSchedule(
          id: schedule.id, due: at(45), next: nil, job: job(test), manual: true))
      let after = try await test.store.schedule(schedule.id)
      #expect(after.nextAt == at(40) && after.lastFiredAt == at(45) && after.problem == nil)
      #expect(
        try await test.store.fireSchedule(
          id: schedule.id, due: at(40), next: at(50), job: job(test)) != nil)
      let history = try await test.store.firings(ofSchedule: schedule.id, limit: 10)
      #expect(history.map(\.dueAt) == [at(40), at(45), at(30), at(20), at(10)])
      #expect(history.map(\.outcome) == [.fired, .fired, .refused, .skipped, .fired])
      #expect(history.map(\.manual) == [false, true, false, false, false])
      #expect(history[1].jobId == byHand.id && history[1].jobState == .queued)
      #expect(history[2].reason == "no run 4" && history[4].runId == fired.runId)
      let rest = try await test.store.firings(
        ofSchedule: schedule.id, limit: 10, before: history[2].id)
      #expect(rest == Array(history.suffix(2)))
    }
  }

  @Test func aProblemIsToldOnce() async throws {
    try await TestStore.with { test in
      let id = try await add(test).id
      #expect(try await test.store.noteProblem("no such zone", ofSchedule: id))
      #expect(try await !test.store.noteProblem("no such zone", ofSchedule: id))
      #expect(try await test.store.schedule(id).problem == "no such zone")
      #expect(try await test.store.noteProblem(nil, ofSchedule: id))
      #expect(try await !test.store.noteProblem(nil, ofSchedule: id))
      let kinds = try await test.store.events(limit: 10).map(\.kind)
      #expect(
        kinds.filter { $0.hasPrefix("schedule_") }.suffix(2) == [
          "schedule_broken", "schedule_mended",
        ])
    }
  }

  @Test func aDamagedSpecKeepsNobodyElseFromFiring() async throws {
    try await TestStore.with { test in
      let damaged = try await add(test)
      let sound = try await add(test, "other")
      try await test.store.write { db, _ in
        try db.execute(
          sql: "UPDATE schedules SET spec = '{' WHERE id = ?", arguments: [damaged.id])
      }
      let schedules = try await test.store.schedules()
      #expect(schedules.map(\.id) == [damaged.id, sound.id])
      #expect(schedules.map(\.problem) == ["its job spec is damaged", nil])
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
