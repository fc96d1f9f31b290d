// What runs and what there is to run with, at one moment: the queue policy's view of the daemon. From
// it follows what may start, and in words why something does not.

package import Experiments

package struct QueueSituation: Sendable, Equatable {
  /// A job whose work is under way.
  package struct Running: Sendable, Equatable {
    package var id: Int64
    package var kind: JobKind
    package var queue: String
    package var resources: [String: Int]
    package var isExclusive: Bool

    package init(_ job: QueuePolicy.Queued) {
      id = job.id
      kind = job.kind
      queue = job.queue
      resources = job.resources
      isExclusive = job.isExclusive
    }
  }

  package struct Limit: Sendable, Equatable {
    /// Nil: as many as the daemon runs.
    package var slots: Int?
    package var isPaused: Bool

    package init(slots: Int?, isPaused: Bool) {
      self.slots = slots
      self.isPaused = isPaused
    }
  }

  /// Jobs that run at once.
  package var slots: Int
  package var running: [Running]
  /// By name; a queue that is not here has no limit of its own.
  package var queues: [String: Limit]
  /// How much there is of each resource.
  package var resources: [String: Int]

  package init(
    slots: Int, running: [Running] = [], queues: [String: Limit] = [:],
    resources: [String: Int] = [:]
  ) {
    self.slots = slots
    self.running = running
    self.queues = queues
    self.resources = resources
  }

  var exclusive: Running? { running.first(where: \.isExclusive) }

  private var slotsInUse: Int { running.count { QueuePolicy.holdsSlot($0.kind) } }

  func hasSlot(for kind: JobKind) -> Bool { !QueuePolicy.holdsSlot(kind) || slotsInUse < slots }

  /// Whether the queue lets another job start.
  func hasRoom(inQueue name: String) -> Bool {
    guard let limit = queues[name] else { return true }
    return !limit.isPaused && limit.slots.map { count(ofQueue: name) < $0 } ?? true
  }

  private func count(ofQueue name: String) -> Int { running.count { $0.queue == name } }

  private func inUse(_ resource: String) -> Int {
    running.reduce(0) { $0 + ($1.resources[resource] ?? 0) }
  }

  func hasResources(_ wanted: [String: Int]) -> Bool {
    wanted.allSatisfy { inUse($0.key) + $0.value <= resources[$0.key] ?? 0 }
  }

  /// False for one of a paused queue, and one that wants more than there is.
  func mayEverRun(_ job: QueuePolicy.Queued) -> Bool {
    !(queues[job.queue]?.isPaused ?? false)
      && job.resources.allSatisfy { $0.value <= resources[$0.key] ?? 0 }
  }

  // MARK: Reasons

  /// Why a job that waits for nothing but room does not start.
  /// - Parameter first: the exclusive job whose turn comes first, if one waits.
  package func reason(
    _ job: QueuePolicy.Queued, behind first: QueuePolicy.Queued?
  ) -> WaitReason {
    if let limit = queues[job.queue], limit.isPaused {
      return WaitReason(code: "queue_paused", message: "queue \(job.queue) is paused")
    }
    for (name, wanted) in job.resources.sorted(by: { $0.key < $1.key })
    where wanted > resources[name] ?? 0 {
      return WaitReason(
        code: "resource",
        message: "waits for \(name): wants \(wanted), there are \(resources[name] ?? 0)")
    }
    if let exclusive {
      return WaitReason(
        code: "exclusive", message: "waits for job \(exclusive.id), which runs alone")
    }
    if job.isExclusive, !running.isEmpty {
      return WaitReason(code: "exclusive", message: "waits until nothing else runs (exclusive)")
    }
    if let first, first.id != job.id, QueuePolicy.isBefore(first, job) {
      return WaitReason(
        code: "behind_exclusive",
        message: "waits for job \(first.id), which waits to run alone")
    }
    if let slots = queues[job.queue]?.slots, count(ofQueue: job.queue) >= slots {
      return WaitReason(
        code: "queue_full",
        message: "waits for a slot of queue \(job.queue): \(count(ofQueue: job.queue)) of "
          + "\(slots) in use")
    }
    for (name, wanted) in job.resources.sorted(by: { $0.key < $1.key })
    where inUse(name) + wanted > resources[name] ?? 0 {
      return WaitReason(
        code: "resource",
        message: "waits for \(name): \(inUse(name)) of \(resources[name] ?? 0) in use")
    }
    return WaitReason(code: "slot", message: "waits for a slot")
  }
}
