// What was submitted, and what happened to it.

package struct Job: Codable, Sendable, Equatable {
  package var id: Int64
  /// Made by the client, so that a submission may be sent again.
  package var uid: Identifier
  package var kind: JobKind
  package var name: String
  package var experiment: String
  package var state: JobState
  package var priority: Int
  /// The run of the newest attempt.
  package var runId: Int64?
  package var attempts: Int
  package var scheduleId: Int64?
  package var createdAt: Timestamp
  package var startedAt: Timestamp?
  package var endedAt: Timestamp?
  package var failure: Failure?
  package var cancelRequested: Bool
  package var progress: Progress?
  /// The whole spec, defaults filled in.
  package var spec: JSONValue
  package var queue: String
  /// Retries that it has had.
  package var retries: Int
  /// Before this time the next retry does not start.
  package var notBefore: Timestamp?
  /// Who or what holds it.
  package var heldBy: String?
  /// Jobs that have to be over first, a few of them.
  package var waitsFor: [Int64]?
  /// The job that this one is another try of.
  package var retryOf: Int64?
  /// Why it does not run, if it waits.
  package var waits: WaitReason?

  package init(
    id: Int64, uid: Identifier, kind: JobKind, name: String, experiment: String, state: JobState,
    priority: Int, runId: Int64?, attempts: Int, scheduleId: Int64?, createdAt: Timestamp,
    startedAt: Timestamp?, endedAt: Timestamp?, failure: Failure?, cancelRequested: Bool,
    progress: Progress?, spec: JSONValue, queue: String = JobPolicy.defaultQueue,
    retries: Int = 0, notBefore: Timestamp? = nil, heldBy: String? = nil,
    waitsFor: [Int64]? = nil, retryOf: Int64? = nil, waits: WaitReason? = nil
  ) {
    self.id = id
    self.uid = uid
    self.kind = kind
    self.name = name
    self.experiment = experiment
    self.state = state
    self.priority = priority
    self.runId = runId
    self.attempts = attempts
    self.scheduleId = scheduleId
    self.createdAt = createdAt
    self.startedAt = startedAt
    self.endedAt = endedAt
    self.failure = failure
    self.cancelRequested = cancelRequested
    self.progress = progress
    self.spec = spec
    self.queue = queue
    self.retries = retries
    self.notBefore = notBefore
    self.heldBy = heldBy
    self.waitsFor = waitsFor
    self.retryOf = retryOf
    self.waits = waits
  }
}

/// One start of a job.
package struct Attempt: Codable, Sendable, Equatable {
  package var id: Int64
  package var jobId: Int64
  package var runId: Int64
  /// 1 for a job's first.
  package var number: Int
  package var state: AttemptState
  /// Epoch of the checkpoint it went on from; nil if it began at the beginning.
  package var resumedFromEpoch: Int?
  package var createdAt: Timestamp
  package var startedAt: Timestamp?
  package var endedAt: Timestamp?
  package var failure: Failure?
  /// Of the program that a command job ran; a signal counts as 128 and its number.
  package var exitCode: Int?
  package var cost: Cost?
  package var environment: Environment?
  /// What it was handed out of the daemon's counted resources, by number: `gpu`: 0, 1.
  package var resources: [String: [Int]]?

  package init(
    id: Int64, jobId: Int64, runId: Int64, number: Int, state: AttemptState,
    resumedFromEpoch: Int?, createdAt: Timestamp, startedAt: Timestamp?, endedAt: Timestamp?,
    failure: Failure?, exitCode: Int? = nil, cost: Cost?, environment: Environment?,
    resources: [String: [Int]]? = nil
  ) {
    self.id = id
    self.exitCode = exitCode
    self.jobId = jobId
    self.runId = runId
    self.number = number
    self.state = state
    self.resumedFromEpoch = resumedFromEpoch
    self.createdAt = createdAt
    self.startedAt = startedAt
    self.endedAt = endedAt
    self.failure = failure
    self.cost = cost
    self.environment = environment
    self.resources = resources
  }
}

/// Where and with what an attempt ran.
package struct Environment: Codable, Sendable, Equatable {
  package var host: String
  package var os: String
  package var cpu: String
  package var cores: Int
  package var memoryBytes: Int64
  /// Versions by name: `assay`, `openblas` (with its kernel, e.g. `0.3.21 SkylakeX`), `zstd`, …
  package var versions: [String: String]

  package init(
    host: String, os: String, cpu: String, cores: Int, memoryBytes: Int64,
    versions: [String: String]
  ) {
    self.host = host
    self.os = os
    self.cpu = cpu
    self.cores = cores
    self.memoryBytes = memoryBytes
    self.versions = versions
  }

  /// What cost metrics depend on: the CPU's model and the number of cores.
  package var hostClass: String { "\(cpu) x\(cores)" }
}

/// Where a job was submitted from.
package struct SubmitContext: Codable, Sendable, Equatable {
  package var directory: String
  package var user: String
  /// Commit of the directory's git repository; nil outside of one.
  package var gitCommit: String?
  package var gitBranch: String?
  /// Whether tracked files differed from that commit.
  package var gitDirty: Bool?

  package init(
    directory: String, user: String, gitCommit: String? = nil, gitBranch: String? = nil,
    gitDirty: Bool? = nil
  ) {
    self.directory = directory
    self.user = user
    self.gitCommit = gitCommit
    self.gitBranch = gitBranch
    self.gitDirty = gitDirty
  }
}
