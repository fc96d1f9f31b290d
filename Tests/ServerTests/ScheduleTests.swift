// Schedules fire when they are due, once, with a seed that can be derived again; and what they
// started is judged when it has ended.

import Checkpoints
import Client
import Experiments
import Foundation
import Jobs
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(5)))
struct ScheduleTests {
  @Test func aScheduleFiresWhenItIsDue() async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      let schedule = try await client.addSchedule(Self.request("0 2 * * *"))
      let next = try #require(schedule.nextAt)
      #expect(next > daemon.clock.now)
      #expect(schedule.timeZone == "Europe/Berlin")
      #expect(try await client.jobs().items.isEmpty)
      try await Self.pass(daemon, until: next)
      let order = try await daemon.workers.order(1)
      let job = try await client.job(order.jobId)
      #expect(job.scheduleId == schedule.id)
      #expect(order.spec["seed"] == .int(Self.seed(schedule.id, next)))
      let fired = try await client.schedule(schedule.id)
      #expect(fired.lastFiredAt == next)
      #expect(fired.nextAt.map { $0 > next } == true)
    }
  }

  @Test func whatWasMissedFiresOnce() async throws {
    try await TestDaemon.withFolder { folder in
      let workers = PlayedWorkers()
      let clock = TestClock()
      var due = clock.now
      try await TestDaemon.with(folder: folder, workers: workers, clock: clock) { daemon in
        let schedule = try await daemon.client.addSchedule(Self.request("0 * * * *"))
        due = try #require(schedule.nextAt)
      }
      clock.advance(seconds: 10 * 3600)
      try await TestDaemon.with(folder: folder, workers: workers, clock: clock) { daemon in
        _ = try await workers.order(1)
        let schedule = try await daemon.client.schedule(1)
        #expect(schedule.lastFiredAt == due.adding(seconds: 9 * 3600))
        #expect(schedule.nextAt == due.adding(seconds: 10 * 3600))
        #expect(try await daemon.client.jobs().items.count == 1)
      }
    }
  }

  @Test func aClockThatWasAheadDoesNotSilenceASchedule() async throws {
    try await TestDaemon.with { daemon in
      let schedule = try await daemon.client.addSchedule(Self.request("0 2 * * *"))
      let next = try #require(schedule.nextAt)
      daemon.clock.advance(seconds: 400 * 86_400)
      try await Self.look(daemon)
      let order = try await daemon.workers.order(1)
      try daemon.workers.exit(
        order.attemptId,
        leaving: ExitRecord(state: .finished, cost: Cost(), endedAt: daemon.clock.now))
      try await eventually { try await daemon.client.job(1).state.isFinal }
      daemon.clock.advance(seconds: -400 * 86_400)
      try await Self.look(daemon)
      try await eventually {
        try await daemon.client.schedule(schedule.id).nextAt == next
      }
      try await Self.pass(daemon, until: next)
      _ = try await daemon.workers.order(2)
      #expect(try await daemon.client.schedule(schedule.id).lastFiredAt == next)
    }
  }

  @Test func aFiringThatCannotBeQueuedIsSkipped() async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      _ = try await client.submit(Specs.train())
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        try await worker.epoch(1)
        try await worker.checkpoint(1)
        try await worker.finish()
        daemon.workers.exit(worker.attempt)
      }
      let path = daemon.folder + "/new.csv"
      try "a,y\n1,0\n".write(toFile: path, atomically: true, encoding: .utf8)
      let spec: JSONValue = .object([
        "kind": .string("evaluate"), "run": .int(1),
        "dataset": .object(["type": .string("csv"), "path": .string(path)]),
      ])
      let schedule = try await client.addSchedule(Self.request("0 2 * * *", spec: spec))
      _ = try await client.changeRun("1", RunChange(deleted: true))
      let next = try #require(schedule.nextAt)
      try await Self.pass(daemon, until: next)
      try await eventually { try await client.schedule(schedule.id).lastFiredAt == next }
      #expect(try await client.schedule(schedule.id).nextAt.map { $0 > next } == true)
      let skipped = try await client.events(limit: 1000).items.first {
        $0.kind == "schedule_skipped"
      }
      guard case .object(let data)? = skipped?.data else {
        Issue.record("no skipped firing")
        return
      }
      #expect(data["reason"]?.stringValue?.contains("1") == true)
    }
  }

  @Test func aFiringIsSkippedWhileTheLastIsUnderWay() async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      let schedule = try await client.addSchedule(Self.request("0 2 * * *"))
      let first = try await client.runSchedule(schedule.id)
      #expect(first.job?.id == 1)
      daemon.clock.advance(seconds: 1)
      #expect(try await client.runSchedule(schedule.id).job == nil)
      #expect(try await client.events(limit: 1000).items.contains { $0.kind == "schedule_skipped" })
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        try await worker.finish()
      }
      daemon.clock.advance(seconds: 1)
      let second = try #require(try await client.runSchedule(schedule.id).job)
      #expect(second.id == 2)
      #expect(second.spec["seed"] != first.job?.spec["seed"])
      // It changes nothing about when it is due.
      #expect(try await client.schedule(schedule.id).nextAt == schedule.nextAt)
    }
  }

  @Test func whatWasMissedDoesNotFireIfItIsNotToBeCaughtUp() async throws {
    try await TestDaemon.withFolder { folder in
      let workers = PlayedWorkers()
      let clock = TestClock()
      try await TestDaemon.with(folder: folder, workers: workers, clock: clock) { daemon in
        var request = Self.request("0 * * * *")
        request.catchUp = ScheduleCatchUp.none
        let added = try await daemon.client.addSchedule(request)
        #expect(added.catchUp == ScheduleCatchUp.none)
      }
      clock.advance(seconds: 10 * 3600 + 120)
      try await TestDaemon.with(folder: folder, workers: workers, clock: clock) { daemon in
        let client = daemon.client
        try await eventually { try await !client.scheduleHistory(1).items.isEmpty }
        let schedule = try await client.schedule(1)
        let next = try #require(schedule.nextAt)
        #expect(next > clock.now && next < clock.now.adding(seconds: 3600))
        #expect(try await client.jobs().items.isEmpty)
        let history = try await client.scheduleHistory(1).items
        #expect(history.map(\.outcome) == [.skipped])
        #expect(history[0].dueAt == next.adding(seconds: -3600))
        // The next one does.
        try await Self.pass(daemon, until: next)
        _ = try await workers.order(1)
        #expect(try await client.scheduleHistory(1, limit: 1).items[0].outcome == .fired)
      }
    }
  }

  @Test func jitterSpreadsFiringsAndSurvivesARestart() async throws {
    try await TestDaemon.withFolder { folder in
      let workers = PlayedWorkers()
      let clock = TestClock()
      var first: [ScheduleTime] = []
      try await TestDaemon.with(folder: folder, workers: workers, clock: clock) { daemon in
        var request = Self.request("0 2 * * *")
        request.jitterSeconds = 3600
        let schedule = try await daemon.client.addSchedule(request)
        first = try await daemon.client.scheduleTimes(schedule.id, limit: 20).items
        #expect(first.count == 20 && first[0].dueAt == schedule.nextAt)
        let delays = first.map { $0.firesAt.seconds(since: $0.dueAt) }
        #expect(delays.allSatisfy { (0...3600).contains($0) })
        #expect(Set(delays).count > 10)
        #expect(delays[0] > 1, "choose another clock for this test")
      }
      try await TestDaemon.with(folder: folder, workers: workers, clock: clock) { daemon in
        let client = daemon.client
        #expect(try await client.scheduleTimes(1, limit: 20).items == first)
        // At the due time nothing happens yet, and a firing by hand takes nothing from it.
        clock.advance(seconds: first[0].dueAt.seconds(since: clock.now))
        try await Self.look(daemon)
        #expect(try await client.scheduleHistory(1).items.isEmpty)
        try await Self.pass(daemon, until: first[0].firesAt)
        _ = try await workers.order(1)
        let fired = try #require(try await client.scheduleHistory(1).items.first)
        #expect(fired.dueAt == first[0].dueAt && fired.decidedAt >= first[0].firesAt)
        #expect(try await client.schedule(1).nextAt == first[1].dueAt)
      }
    }
  }

  @Test func jobsMayOverlapIfTheyAreAllowedTo() async throws {
    try await TestDaemon.with { daemon in
      var request = Self.request("0 2 * * *")
      request.overlap = .allow
      let schedule = try await daemon.client.addSchedule(request)
      for id in Int64(1)...2 {
        #expect(try await daemon.client.runSchedule(schedule.id).job?.id == id)
        daemon.clock.advance(seconds: 1)
      }
      let history = try await daemon.client.scheduleHistory(schedule.id).items
      #expect(history.map(\.jobId) == [2, 1] && history.allSatisfy(\.manual))
    }
  }

  @Test func aPausedScheduleDoesNotFire() async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      let schedule = try await client.addSchedule(Self.request("0 2 * * *"))
      #expect(try await client.changeSchedule(schedule.id, ScheduleChange(paused: true)).paused)
      await client.expectFailure("conflict") { _ = try await $0.runSchedule(schedule.id) }
      daemon.clock.advance(seconds: 3 * 86_400)
      // Going on again does not make up for the pause.
      let going = try await client.changeSchedule(schedule.id, ScheduleChange(paused: false))
      #expect(going.nextAt.map { $0 > daemon.clock.now } == true)
      #expect(try await client.jobs().items.isEmpty)
      _ = try await client.deleteSchedule(schedule.id)
      #expect(try await client.schedules().items.isEmpty)
    }
  }

  @Test(arguments: [
    (Self.request("0 25 * * *"), "cron_invalid"),
    (Self.request("0 2 * * *", zone: "Europe/Atlantis"), "time_zone_unknown"),
    (Self.request("0 2 * * *", baseline: "nobody"), "baseline_not_found"),
    (Self.request("0 2 * * *", spec: .object([:])), "spec_invalid"),
    (Self.request("0 2 * * *", jitter: -1), "invalid_value"),
    (Self.request("0 2 * * *", jitter: 100_000), "limit_exceeded"),
  ])
  func aScheduleThatCannotWorkIsRefused(request: ScheduleRequest, code: String) async throws {
    try await TestDaemon.with { daemon async throws in
      #expect(await daemon.client.failure { _ = try await $0.addSchedule(request) }?.code == code)
      #expect(try await daemon.client.schedules().items.isEmpty)
    }
  }

  @Test func aScheduledJobIsJudgedWhenItHasEnded() async throws {
    try await TestDaemon.with(slots: 1) { daemon in
      let client = daemon.client
      try await Self.finishedRun(daemon, 1, accuracy: 0.95) { try await $0.submit(Specs.train()) }
      _ = try await client.setBaseline("nightly", BaselineRequest(runs: ["1"]))
      let schedule = try await client.addSchedule(
        Self.request("0 2 * * *", baseline: "nightly"))
      try await Self.finishedRun(daemon, 2, accuracy: 0.6) {
        try await $0.runSchedule(schedule.id)
      }
      try await eventually { try await !client.checks().items.isEmpty }
      let check = try #require(try await client.checks().items.first)
      #expect(check.baseline == "nightly")
      #expect(check.jobId == 2)
      #expect(check.scheduleId == schedule.id)
      #expect(check.comparison.verdict == .worse)
      #expect(check.comparison.candidateRunIds == [2])
      #expect(try await client.check(check.id) == check)
    }
  }

  /// Lets the time come, and the daemon see it.
  private static func pass(_ daemon: TestDaemon, until time: Timestamp) async throws {
    daemon.clock.advance(seconds: time.seconds(since: daemon.clock.now) + 1)
    try await look(daemon)
  }

  private static func look(_ daemon: TestDaemon) async throws {
    // Any change of a schedule makes the scheduler look at the clock.
    let other = try await daemon.client.addSchedule(Self.request("0 0 1 1 *", name: "other"))
    _ = try await daemon.client.deleteSchedule(other.id)
  }

  private static func finishedRun(
    _ daemon: TestDaemon, _ count: Int, accuracy: Double,
    _ queue: (AssayClient) async throws -> some Sendable
  ) async throws {
    _ = try await queue(daemon.client)
    try await PlayedWorker.with(daemon, count) { worker in
      try await worker.start()
      try await worker.metric("test_accuracy", accuracy)
      try await worker.finish()
      daemon.workers.exit(worker.attempt)
    }
  }

  /// As docs/http-api.md says.
  private static func seed(_ id: Int64, _ due: Timestamp) -> Int64 {
    let digest = ContentHash.sha256Hex("assay schedule \(id) at \(due.microseconds)")
    return (Int64(digest.prefix(8), radix: 16) ?? 0) >> 1
  }

  private static func request(
    _ cron: String, name: String = "night", zone: String = "Europe/Berlin",
    baseline: String? = nil, spec: JSONValue = Specs.train(), jitter: Int? = nil
  ) -> ScheduleRequest {
    ScheduleRequest(
      name: name, cron: cron, timeZone: zone, spec: spec, checkBaseline: baseline,
      context: Specs.context, jitterSeconds: jitter)
  }
}
