// Submits the jobs of schedules when they are due, and judges those that have ended. Both are found
// in the store by what is due or unjudged there, so a crash at any moment loses nothing and does
// nothing twice.

import Experiments
import Foundation
import Jobs
import Logging
import ServiceLifecycle
import Store
import Wire

actor Scheduler: Service {
  private let store: Store
  private let judge: Judge
  private let clock: WallClock
  private let logger: Logger
  private let bell = ChangeHub()
  private let startedAt: Timestamp
  /// The clock may be set, so it is looked at again from time to time.
  private static let longestSleep = 30.0

  init(store: Store, judge: Judge, clock: WallClock, logger: Logger) {
    self.store = store
    self.judge = judge
    self.clock = clock
    self.logger = logger
    startedAt = clock.now()
  }

  /// Something was due to change: a schedule, or the end of a job.
  func poke() async { await bell.signal() }

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        let seen = await self.bell.version
        await self.judgeEnded()
        let wait = await self.fireDue()
        await self.bell.wait(after: seen, timeout: .seconds(wait))
      }
    }
  }

  // MARK: Firing

  /// Fires all that is due; answers in how many seconds to look again.
  private func fireDue() async -> Double {
    var wait = Self.longestSleep
    do {
      for schedule in try await store.schedules() where !schedule.paused {
        guard let next = schedule.nextAt else { continue }
        let now = clock.now()
        do {
          guard next <= now else {
            wait = min(wait, next.seconds(since: now))
            try await correct(schedule, next: next, now: now)
            continue
          }
          try await fire(schedule, from: next, now: now)
        } catch {
          logger.error("schedule \(schedule.id) could not be fired: \(error)")
          wait = min(wait, 5)
        }
      }
    } catch {
      logger.error("the schedules cannot be read: \(error)")
      wait = 5
    }
    return max(wait, 0.001)
  }

  private func fire(_ schedule: Schedule, from first: Timestamp, now: Timestamp) async throws {
    let cron = try CronExpression.parse(schedule.cron)
    let zone = try MachineTimeZone.named(schedule.timeZone)
    let due = Firing.latest(cron, in: zone, from: first, now: now)
    let next = cron.next(after: now, in: zone)
    do {
      _ = try await submit(schedule, due: due, next: next)
    } catch {
      // The daemon stops, or there is no room: the firing is still to come.
      if let error = error as? StoreError, error.isOfTheMoment || error.code == "store_closed" {
        throw error
      }
      // It would fail each time, such as when the run that it evaluates has been deleted.
      let reason = Self.reason(error)
      logger.error("schedule \(schedule.id) is skipped: its job cannot be queued: \(reason)")
      _ = try await store.fireSchedule(
        id: schedule.id, due: due, next: next, job: nil, reason: reason)
    }
  }

  private static func reason(_ error: any Error) -> String {
    guard let error = error as? SpecMistakes else { return Failure(error).message }
    return error.mistakes.map { "\($0.path): \($0.message)" }.joined(separator: "; ")
  }

  /// The due time was worked out when the clock was ahead, perhaps by years, if there is one before.
  private func correct(_ schedule: Schedule, next: Timestamp, now: Timestamp) async throws {
    let cron = try CronExpression.parse(schedule.cron)
    let zone = try MachineTimeZone.named(schedule.timeZone)
    guard let sooner = cron.next(after: now, in: zone), sooner < next else { return }
    try await store.setNextFiring(schedule.id, sooner)
  }

  /// Nil if this firing is skipped, or was done before.
  private func submit(
    _ schedule: Schedule, due: Timestamp, next: Timestamp?
  ) async throws -> Job? {
    let terms = try await store.scheduleTerms(schedule.id)
    let isLate = terms.catchUp == .none && due < startedAt
    let overlaps = terms.overlap == .skip && terms.activeJob != nil
    if isLate || overlaps {
      logger.info(
        "schedule \(schedule.id) is skipped",
        metadata: ["reason": overlaps ? "its last job is under way" : "no daemon ran then"])
      return try await store.fireSchedule(id: schedule.id, due: due, next: next, job: nil)
    }
    let firing = Firing(scheduleId: schedule.id, due: due)
    let context = terms.context ?? SubmitContext(directory: "/", user: "")
    let job = try await store.fireSchedule(
      id: schedule.id, due: due, next: next,
      job: Store.NewJob(
        uid: firing.uid, spec: try JobSpec.parse(firing.spec(schedule.spec)), context: context,
        scheduleId: schedule.id, dueAt: due))
    if let job {
      logger.info("schedule \(schedule.id) has fired", metadata: ["job": "\(job.id)"])
    }
    return job
  }

  // MARK: Schedules

  /// - Throws: `SpecMistakes`, `JobsError` (cron, time zone), `StoreError`.
  func add(_ request: ScheduleRequest, _ submission: Submission) async throws -> Schedule {
    let cron = try CronExpression.parse(request.cron)
    let zone =
      try request.timeZone.map { try MachineTimeZone.named($0) }
      ?? MachineTimeZone.current()
    let spec = try await submission.checked(request.spec)
    if let name = request.checkBaseline { _ = try await store.baseline(name: name) }
    let next = cron.next(after: clock.now(), in: zone)
    return try await store.addSchedule(
      name: request.name, cron: request.cron, timeZone: zone.identifier, spec: spec,
      checkBaseline: request.checkBaseline, context: request.context, nextAt: next)
  }

  /// A schedule that goes on again does not make up for its pause.
  func setPaused(_ id: Int64, _ paused: Bool) async throws -> Schedule {
    let schedule = try await store.schedule(id)
    let cron = try CronExpression.parse(schedule.cron)
    let zone = try MachineTimeZone.named(schedule.timeZone)
    return try await store.setPaused(
      id, paused, nextAt: cron.next(after: clock.now(), in: zone))
  }

  /// Fires at once, whatever the cron expression says.
  func fireNow(_ id: Int64) async throws -> ScheduleFiring {
    let schedule = try await store.schedule(id)
    guard !schedule.paused else {
      throw StoreError.conflict("schedule \(id) is paused")
    }
    let job = try await submit(schedule, due: clock.now(), next: schedule.nextAt)
    return ScheduleFiring(schedule: try await store.schedule(id), job: job)
  }

  // MARK: Judging

  private func judgeEnded() async {
    do {
      for ended in try await store.uncheckedScheduledJobs() {
        do {
          let check = try await self.check(ended)
          logger.info(
            "job \(ended.jobId) was compared with baseline \(ended.baseline)",
            metadata: ["verdict": "\(check.comparison.verdict.rawValue)"])
        } catch {
          logger.error("job \(ended.jobId) could not be judged: \(error)")
        }
      }
    } catch {
      logger.error("ended jobs cannot be judged: \(error)")
    }
  }

  private func check(_ ended: Store.UncheckedJob) async throws -> Check {
    let comparison: Comparison
    do {
      comparison = try await judge.compare(
        reference: try await store.usableRuns(baseline: ended.baseline), candidate: [ended.runId],
        metrics: nil)
    } catch let error as StoreError where Self.isBaselineGone(error) {
      // Deleted meanwhile: the firing still gets its check, which says that nothing can be said.
      comparison = Comparison(
        referenceRunIds: [], candidateRunIds: [ended.runId], verdict: .notEnoughData,
        metrics: [], differences: [])
    }
    return try await store.addCheck(
      baseline: ended.baseline, scheduleId: ended.scheduleId, jobId: ended.jobId,
      comparison: comparison)
  }

  private static func isBaselineGone(_ error: StoreError) -> Bool {
    switch error {
    case .baselineNotFound, .baselineRunsDeleted: true
    default: false
    }
  }
}
