// The supervisor's choice of what starts next, and its answer to why the rest waits. What jobs there
// are is read from the store each time; what runs is what the supervisor itself has started or taken
// over.

import Experiments
import Jobs
import Store

extension Supervisor {
  /// Does what has become due for jobs that wait, and sees to it that the next time is not missed.
  func settleWaiting() async throws {
    while true {
      let (next, hasMore) = try await store.settleWaiting()
      if hasMore { continue }
      if let next { wakeUp(at: next) }
      return
    }
  }

  /// Time of day may be changed meanwhile, so nothing is waited for too long at once.
  private func wakeUp(at due: Timestamp) {
    let pause = min(max(due.seconds(since: clock.now()), 0.01), 30)
    guard wakeUpAt.map({ $0 > .now + .seconds(pause) || $0 <= .now }) ?? true else { return }
    wakeUpAt = .now + .seconds(pause)
    pokeLater(.seconds(pause))
  }

  /// The jobs to start now, first things first.
  func chosen(_ free: Int) async throws -> [Store.Candidate] {
    let waiting = try await store.waiting(limit: free)
    let byId = Dictionary(
      waiting.candidates.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    let ids = QueuePolicy.next(
      of: waiting.candidates.map { .init($0) }, in: situation(waiting.queues))
    return ids.compactMap { byId[$0] }
  }

  func free(_ wanted: [String: Int]) -> [String: [Int]]? {
    options.resources.free(wanted, besides: workers.values.map(\.handedOut))
  }

  private func situation(_ queues: [JobQueue]) -> QueueSituation {
    QueueSituation(
      slots: options.slots, running: workers.values.compactMap(\.place),
      queues: Dictionary(
        queues.map { ($0.name, .init(slots: $0.slots, isPaused: $0.paused)) },
        uniquingKeysWith: { first, _ in first }),
      resources: options.resources.totals)
  }

  // MARK: Why a job waits

  func explained(_ job: Job) async throws -> Job { try await explained([job])[0] }

  /// The jobs, those that wait with the reason.
  func explained(_ jobs: [Job]) async throws -> [Job] {
    guard jobs.contains(where: { $0.state == .queued || $0.state == .held }) else { return jobs }
    let queues = try await store.queues(counted: false)
    let situation = situation(queues)
    let first = try await store.nextExclusive(
      exceptIn: queues.filter(\.paused).map(\.name))
    return jobs.map { job in
      var job = job
      job.waits = WaitText.reason(job, in: situation, behind: first.map { .init($0) })
      return job
    }
  }
}

extension QueuePolicy.Queued {
  init(_ candidate: Store.Candidate) {
    self.init(
      id: candidate.id, priority: candidate.priority, kind: candidate.kind,
      queue: candidate.queue, resources: candidate.resources, isExclusive: candidate.isExclusive)
  }

  init(_ job: Job) {
    let policy = JobPolicy(ofStored: job.spec)
    self.init(
      id: job.id, priority: job.priority, kind: job.kind, queue: job.queue,
      resources: policy.resources, isExclusive: policy.isExclusive)
  }
}
