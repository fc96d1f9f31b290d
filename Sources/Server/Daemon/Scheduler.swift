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
  /// The clock may be set, so it is looked at again from time to time.
  private static let longestSleep = 30.0
  /// What comes later than this is not fired by a schedule that does not catch up.
  private static let lateSeconds = 60.0

  init(store: Store, judge: Judge, clock: WallClock, logger: Logger) {
    self.store = store
    self.judge = judge
    self.clock = clock
    self.logger = logger
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
        do {
          wait = min(wait, try await look(at: schedule))
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

  /// Fires it if it is due; answers in how many seconds it will be.
  private func look(at schedule: Schedule) async throws -> Double {
    guard let timing = try await timing(of: schedule), let next = schedule.nextAt else {
      return Self.longestSleep
    }
    let now = clock.now()
    let start = timing.start(of: next)
    guard start <= now else {
      // The due time was worked out when the clock was ahead, perhaps by years.
      if let sooner = timing.next(after: now), sooner < next {
        try await store.setNextFiring(schedule.id, sooner)
      }
      return start.seconds(since: now)
    }
    try await fire(schedule, timing, from: next, now: now)
    return 0
  }

  /// Nil if its cron expression or its time zone cannot be understood, which is told with it.
  private func timing(of schedule: Schedule) async throws -> ScheduleTiming? {
    do {
      let timing = try ScheduleTiming(schedule)
      if schedule.problem != nil { try await tell(nil, of: schedule) }
      return timing
    } catch let error as JobsError {
      try await tell(error.message, of: schedule)
      return nil
    }
  }

  private func tell(_ problem: String?, of schedule: Schedule) async throws {
    guard try await store.noteProblem(problem, ofSchedule: schedule.id) else { return }
    if let problem {
      logger.error("schedule \(schedule.id) cannot fire: \(problem)")
    } else {
      logger.info("schedule \(schedule.id) can fire again")
    }
  }

  private func fire(
    _ schedule: Schedule, _ timing: ScheduleTiming, from first: Timestamp, now: Timestamp
  ) async throws {
    let due = timing.latest(from: first, now: now)
    let next = timing.next(after: due)
    if schedule.catchUp == .none,
      now.seconds(since: timing.start(of: due)) > Self.lateSeconds
    {
      return try await skip(schedule, due, next, .skipped(reason: "its time had passed"))
    }
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
        id: schedule.id, due: due, next: next, job: nil, skip: .refused(reason: reason))
    }
  }

  private func skip(
    _ schedule: Schedule, _ due: Timestamp, _ next: Timestamp?, _ skip: Store.FiringSkip,
    manual: Bool = false
  ) async throws {
    logger.info("schedule \(schedule.id) is skipped", metadata: ["reason": "\(skip)"])
    _ = try await store.fireSchedule(
      id: schedule.id, due: due, next: next, job: nil, skip: skip, manual: manual)
  }

  private static func reason(_ error: any Error) -> String {
    guard let error = error as? SpecMistakes else { return Failure(error).message }
    return error.mistakes.map { "\($0.path): \($0.message)" }.joined(separator: "; ")
  }

  /// Nil if this firing is skipped, or was done before.
  private func submit(
    _ schedule: Schedule, due: Timestamp, next: Timestamp?, manual: Bool = false
  ) async throws -> Job? {
    let terms = try await store.scheduleTerms(schedule.id)
    if schedule.overlap == .skip, let active = terms.activeJob {
      try await skip(
        schedule, due, next, .skipped(reason: "job \(active) is under way"), manual: manual)
      return nil
    }
    let firing = Firing(scheduleId: schedule.id, due: due)
    let context = terms.context ?? SubmitContext(directory: "/", user: "")
    let job = try await store.fireSchedule(
      id: schedule.id, due: due, next: next,
      job: Store.NewJob(
        uid: firing.uid, spec: try JobSpec.parse(firing.spec(schedule.spec)), context: context,
        scheduleId: schedule.id, dueAt: due), manual: manual)
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
      checkBaseline: request.checkBaseline, context: request.context, nextAt: next,
      catchUp: request.catchUp ?? .one, overlap: request.overlap ?? .skip,
      jitterSeconds: request.jitterSeconds ?? 0)
  }

  /// A schedule that goes on again does not make up for its pause. One that cannot fire can still be
  /// paused.
  func setPaused(_ id: Int64, _ paused: Bool) async throws -> Schedule {
    let schedule = try await store.schedule(id)
    if paused { return try await store.setPaused(id, true) }
    let next = try ScheduleTiming(schedule).next(after: clock.now())
    return try await store.setPaused(id, false, nextAt: next)
  }

  /// Fires at once, whatever the cron expression says.
  func fireNow(_ id: Int64) async throws -> ScheduleFiring {
    let schedule = try await store.schedule(id)
    guard !schedule.paused else {
      throw StoreError.conflict("schedule \(id) is paused")
    }
    let job = try await submit(schedule, due: clock.now(), next: nil, manual: true)
    return ScheduleFiring(schedule: try await store.schedule(id), job: job)
  }

  /// When it will fire, also if it is paused: then as if it went on now.
  func times(_ id: Int64, count: Int) async throws -> [ScheduleTime] {
    let schedule = try await store.schedule(id)
    let timing = try ScheduleTiming(schedule)
    let first = schedule.paused ? timing.next(after: clock.now()) : schedule.nextAt
    return timing.times(from: first, count: count)
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
