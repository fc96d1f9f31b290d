// Which queued jobs start next, and what follows when an attempt is lost. Pure functions: values in,
// decisions out.

package import Experiments

package enum QueuePolicy {
  /// A job that waits for nothing but room.
  package struct Queued: Sendable, Equatable {
    package var id: Int64
    package var priority: Int
    package var kind: JobKind
    package var queue: String
    package var resources: [String: Int]
    package var isExclusive: Bool

    package init(
      id: Int64, priority: Int = 0, kind: JobKind = .train,
      queue: String = JobPolicy.defaultQueue, resources: [String: Int] = [:],
      isExclusive: Bool = false
    ) {
      self.id = id
      self.priority = priority
      self.kind = kind
      self.queue = queue
      self.resources = resources
      self.isExclusive = isExclusive
    }
  }

  /// Whether a job of this kind takes one of the slots while it runs. One that only serves requests
  /// does not.
  package static func holdsSlot(_ kind: JobKind) -> Bool { kind != .serve }

  /// The jobs to start now, in that order: higher priority first, then lower id, as many as there
  /// is room for in the machine and in their queues.
  ///
  /// - A job that wants a resource that is taken keeps those behind it from that resource, and from
  ///   nothing else.
  /// - An exclusive job starts when nothing runs. Until then nothing behind it starts, so what runs
  ///   comes to its end; those before it, of higher priority, go on to be started.
  package static func next(of queued: [Queued], in situation: QueueSituation) -> [Int64] {
    var situation = situation
    guard situation.exclusive == nil else { return [] }
    var chosen: [Int64] = []
    var reserved: Set<String> = []
    for job in queued.sorted(by: isBefore) {
      guard situation.mayEverRun(job), situation.hasRoom(inQueue: job.queue) || job.isExclusive
      else { continue }
      if job.isExclusive {
        guard situation.running.isEmpty, situation.hasSlot(for: job.kind) else { break }
        return [job.id]
      }
      guard situation.hasSlot(for: job.kind) else { continue }
      guard reserved.isDisjoint(with: job.resources.keys), situation.hasResources(job.resources)
      else {
        reserved.formUnion(job.resources.keys)
        continue
      }
      chosen.append(job.id)
      situation.running.append(.init(job))
    }
    return chosen
  }

  /// Higher priority, then lower id.
  package static func isBefore(_ a: Queued, _ b: Queued) -> Bool {
    (b.priority, a.id) < (a.priority, b.id)
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
