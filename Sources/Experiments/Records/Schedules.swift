// What a schedule does with times that it cannot keep, and what became of each of its firings.

package enum ScheduleCatchUp: String, Codable, Sendable, CaseIterable {
  /// Due times that were missed fire once, for the last of them.
  case one
  /// They do not fire.
  case none
}

package enum ScheduleOverlap: String, Codable, Sendable, CaseIterable {
  /// Nothing is queued while the job of an earlier firing is not over.
  case skip
  case allow
}

package enum FiringOutcome: String, Codable, Sendable, CaseIterable {
  case fired
  /// By the schedule's own terms: its last job was under way, or the time had passed.
  case skipped
  /// Its job could not be queued.
  case refused
}

/// One due time of a schedule and what became of it.
package struct FiringRecord: Codable, Sendable, Equatable {
  package var id: Int64
  package var scheduleId: Int64
  /// The moment of the cron expression, without jitter; of one asked for by hand that moment.
  package var dueAt: Timestamp
  /// When it fired or was given up.
  package var decidedAt: Timestamp
  package var outcome: FiringOutcome
  package var manual: Bool
  /// Why it did not fire.
  package var reason: String?
  package var jobId: Int64?
  /// Nil also if the job is gone.
  package var jobState: JobState?
  package var runId: Int64?
  /// Of the check that followed.
  package var verdict: String?

  package init(
    id: Int64, scheduleId: Int64, dueAt: Timestamp, decidedAt: Timestamp, outcome: FiringOutcome,
    manual: Bool, reason: String?, jobId: Int64?, jobState: JobState?, runId: Int64?,
    verdict: String?
  ) {
    self.id = id
    self.scheduleId = scheduleId
    self.dueAt = dueAt
    self.decidedAt = decidedAt
    self.outcome = outcome
    self.manual = manual
    self.reason = reason
    self.jobId = jobId
    self.jobState = jobState
    self.runId = runId
    self.verdict = verdict
  }
}

/// A time at which a schedule will fire.
package struct ScheduleTime: Codable, Sendable, Equatable {
  /// Of the cron expression.
  package var dueAt: Timestamp
  /// With this due time's share of the jitter.
  package var firesAt: Timestamp

  package init(dueAt: Timestamp, firesAt: Timestamp) {
    self.dueAt = dueAt
    self.firesAt = firesAt
  }
}
