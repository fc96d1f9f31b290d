// Attempts that may only take so long, or be silent for so long: see `TimeLimits`.

import Experiments
import Store

extension Supervisor {
  /// Watches the attempt's time, if its job says how long it may take.
  func watch(
    _ attempt: Attempt, of job: Job, activeAt: Timestamp? = nil, isAdopted: Bool = false,
    isOver: Bool = false
  ) async {
    let policy = JobPolicy(ofStored: job.spec)
    let watched = TimeLimits.Watched(
      attempt: attempt.id, startedAt: attempt.startedAt ?? attempt.createdAt, activeAt: activeAt,
      timeout: policy.timeout, idleTimeout: policy.idleTimeout, isAdopted: isAdopted,
      isOver: isOver)
    let job = job.id
    await limits.watch(watched) { await self.cancel(job: job) }
  }
}
