// Which queued jobs start next, and what follows when an attempt is lost. Pure functions: values in,
// decisions out.

package import Experiments

package enum QueuePolicy {
  /// A job that waits for a start.
  package struct Queued: Sendable, Equatable {
    package var id: Int64
    package var priority: Int
    package var kind: JobKind

    package init(id: Int64, priority: Int, kind: JobKind) {
      self.id = id
      self.priority = priority
      self.kind = kind
    }
  }

  /// Whether a job of this kind takes one of the slots while it runs. One that only serves requests
  /// does not.
  package static func holdsSlot(_ kind: JobKind) -> Bool { kind != .serve }

  /// The jobs to start now, in that order: higher priority first, then lower id, as many as slots
  /// are free. Jobs that hold no slot always start.
  package static func next(
    of queued: [Queued], slots: Int, busy: Int
  ) -> [Int64] {
    var free = max(0, slots - busy)
    return queued.sorted { ($1.priority, $0.id) < ($0.priority, $1.id) }
      .filter { job in
        guard holdsSlot(job.kind) else { return true }
        free -= 1
        return free >= 0
      }
      .map(\.id)
  }

  package enum AfterLost: Sendable, Equatable {
    /// Another attempt of the same run, from its last checkpoint or from the beginning.
    case resume(fromCheckpoint: Bool)
    /// Another attempt in a new run.
    case requeue
    /// The job ends `failed`: its policy wants no second attempt.
    case fail
    /// The job ends `lost`: too many attempts in a row came no further.
    case lost
  }

  /// What follows an attempt that ended without a result.
  /// - Parameters:
  ///   - consecutiveLostWithoutProgress: how many attempts of the job, this one included, were lost
  ///     in a row since the last new checkpoint.
  ///   - hasCheckpoint: whether the run has one.
  ///   - claimed: whether its work may have begun. If not, another attempt cannot do anything
  ///     twice, and the policy is not asked; only the limit holds.
  package static func afterLost(
    policy: LostPolicy, consecutiveLostWithoutProgress: Int, hasCheckpoint: Bool, claimed: Bool,
    limit: Int = Limits.lostAttemptsWithoutProgress
  ) -> AfterLost {
    if claimed, policy == .fail { return .fail }
    if consecutiveLostWithoutProgress >= limit { return .lost }
    if claimed, policy == .requeue { return .requeue }
    return .resume(fromCheckpoint: hasCheckpoint)
  }
}
