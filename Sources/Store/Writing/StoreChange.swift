// What a commit changed, for those who watch: live views and the scheduler. It says where to look,
// not what is new there, so any number of them may be merged into one.

package struct StoreChange: Sendable, Equatable {
  package enum Kind: Sendable, Hashable, CaseIterable {
    /// A job was submitted or changed its state.
    case jobs
    case runs
    case metrics
    case progress
    case logs
    case checkpoints
    case artifacts
    case baselines
    case checks
    case schedules
    case hooks
  }

  package private(set) var kinds: Set<Kind> = []
  package private(set) var runIds: Set<Int64> = []
  package private(set) var jobIds: Set<Int64> = []
  /// True if there were too many ids to keep: every run and job may have changed.
  package private(set) var isEverything = false

  private static let maxIds = 10_000

  package init() {}

  package var isEmpty: Bool { kinds.isEmpty }

  package func concerns(run id: Int64) -> Bool { isEverything || runIds.contains(id) }
  package func concerns(job id: Int64) -> Bool { isEverything || jobIds.contains(id) }

  package mutating func note(_ kind: Kind, run: Int64? = nil, job: Int64? = nil) {
    kinds.insert(kind)
    if let run { runIds.insert(run) }
    if let job { jobIds.insert(job) }
    bound()
  }

  package mutating func merge(_ other: StoreChange) {
    kinds.formUnion(other.kinds)
    runIds.formUnion(other.runIds)
    jobIds.formUnion(other.jobIds)
    isEverything = isEverything || other.isEverything
    bound()
  }

  private mutating func bound() {
    guard isEverything || runIds.count + jobIds.count > Self.maxIds else { return }
    isEverything = true
    runIds = []
    jobIds = []
  }
}
