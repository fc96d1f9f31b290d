// What people and programs ask of the daemon. One type per request body or answer that is not
// simply a record of `Experiments`.

package import Experiments

/// `POST /api/v1/jobs`: all of them are queued, or none. Sending it again changes nothing.
package struct SubmitRequest: Codable, Sendable {
  package var jobs: [SubmittedJob]
  package var context: SubmitContext

  package init(jobs: [SubmittedJob], context: SubmitContext) {
    self.jobs = jobs
    self.context = context
  }
}

package struct SubmittedJob: Codable, Sendable {
  /// Made by the client.
  package var uid: Identifier
  package var spec: JSONValue
  /// The values of the spec's `secret_env`, which are shown and recorded nowhere.
  package var secrets: [String: String]?

  package init(uid: Identifier, spec: JSONValue, secrets: [String: String]? = nil) {
    self.uid = uid
    self.spec = spec
    self.secrets = secrets
  }
}

package struct SubmitReply: Codable, Sendable {
  /// In the order of the request. Each has its run already.
  package var jobs: [Job]

  package init(jobs: [Job]) { self.jobs = jobs }
}

/// A page of a list. `next` is the cursor of the following page, nil on the last one.
package struct Page<Item: Codable & Sendable>: Codable, Sendable {
  package var items: [Item]
  package var next: String?
  /// How many there are on all pages, where that was asked for.
  package var total: Int?

  package init(items: [Item], next: String? = nil, total: Int? = nil) {
    self.items = items
    self.next = next
    self.total = total
  }
}

/// `GET /api/v1/runs/{run}/detail`: all that `assay show` prints.
package struct RunDetail: Codable, Sendable {
  package var run: Run
  package var attempts: [Attempt]
  package var checkpoints: [Checkpoint]
  package var artifacts: [Artifact]
  package var children: [Int64]
  package var context: SubmitContext?
  package var graph: ModelGraph?
  package var spec: JSONValue?
  /// Of a run without a job that lives by one.
  package var lease: Lease?

  package init(
    run: Run, attempts: [Attempt], checkpoints: [Checkpoint], artifacts: [Artifact],
    children: [Int64], context: SubmitContext?, graph: ModelGraph?, spec: JSONValue?,
    lease: Lease? = nil
  ) {
    self.lease = lease
    self.run = run
    self.attempts = attempts
    self.checkpoints = checkpoints
    self.artifacts = artifacts
    self.children = children
    self.context = context
    self.graph = graph
    self.spec = spec
  }
}

/// `PATCH /api/v1/runs/{run}`: what is given changes; a tag with value null is removed.
package struct RunChange: Codable, Sendable {
  package var name: String?
  package var note: String?
  package var tags: [String: String?]?
  /// True deletes (undoable), false brings back.
  package var deleted: Bool?

  package init(
    name: String? = nil, note: String? = nil, tags: [String: String?]? = nil, deleted: Bool? = nil
  ) {
    self.name = name
    self.note = note
    self.tags = tags
    self.deleted = deleted
  }
}

/// `GET /api/v1/runs/{run}/metrics/{key}`: the series as it counts: of each step only what the
/// newest attempt wrote.
package struct MetricHistory: Codable, Sendable {
  package var runId: Int64
  package var key: String
  package var summary: MetricSummary
  package var steps: [Int64]
  package var epochs: [Int64?]
  package var times: [Timestamp]
  package var values: [Double]

  package init(
    runId: Int64, key: String, summary: MetricSummary, steps: [Int64], epochs: [Int64?],
    times: [Timestamp], values: [Double]
  ) {
    self.runId = runId
    self.key = key
    self.summary = summary
    self.steps = steps
    self.epochs = epochs
    self.times = times
    self.values = values
  }
}

/// `PUT /api/v1/baselines/{name}`. Runs are named as people name them: `12`, a hex id, `@latest`,
/// `@NAME`, or a range `2-6`.
package struct BaselineRequest: Codable, Sendable {
  package var runs: [String]

  package init(runs: [String]) { self.runs = runs }
}

/// `POST /api/v1/compare` and `POST /api/v1/checks`. Sides are run names as above.
package struct CompareRequest: Codable, Sendable {
  package var reference: [String]
  package var candidate: [String]
  package var metrics: [String]?

  package init(reference: [String], candidate: [String], metrics: [String]? = nil) {
    self.reference = reference
    self.candidate = candidate
    self.metrics = metrics
  }
}

/// `POST /api/v1/checks`: compares with a baseline and keeps the verdict.
package struct CheckRequest: Codable, Sendable {
  package var baseline: String
  /// Empty: the newest finished run of the baseline's experiment that is not in the baseline.
  package var runs: [String]

  package init(baseline: String, runs: [String]) {
    self.baseline = baseline
    self.runs = runs
  }
}

/// `POST /api/v1/schedules`.
package struct ScheduleRequest: Codable, Sendable {
  package var name: String
  package var cron: String
  /// Nil: the zone of the daemon's machine.
  package var timeZone: String?
  package var spec: JSONValue
  package var checkBaseline: String?
  package var context: SubmitContext
  /// Nil: `one`.
  package var catchUp: ScheduleCatchUp?
  /// Nil: `skip`.
  package var overlap: ScheduleOverlap?
  /// Nil: 0.
  package var jitterSeconds: Int?

  package init(
    name: String, cron: String, timeZone: String?, spec: JSONValue, checkBaseline: String?,
    context: SubmitContext, catchUp: ScheduleCatchUp? = nil, overlap: ScheduleOverlap? = nil,
    jitterSeconds: Int? = nil
  ) {
    self.name = name
    self.cron = cron
    self.timeZone = timeZone
    self.spec = spec
    self.checkBaseline = checkBaseline
    self.context = context
    self.catchUp = catchUp
    self.overlap = overlap
    self.jitterSeconds = jitterSeconds
  }
}

/// `PATCH /api/v1/schedules/{id}`.
package struct ScheduleChange: Codable, Sendable {
  package var paused: Bool

  package init(paused: Bool) { self.paused = paused }
}

/// `GET /api/v1/status`.
package struct DaemonStatus: Codable, Sendable {
  package var version: String
  package var pid: Int64
  package var startedAt: Timestamp
  package var socket: String
  package var dataFolder: String
  package var databaseBytes: Int64
  package var slots: Int
  package var slotsInUse: Int
  package var jobsByState: [String: Int]
  package var runs: Int
  package var schedules: Int
  package var libraries: [String: String]

  package init(
    version: String, pid: Int64, startedAt: Timestamp, socket: String, dataFolder: String,
    databaseBytes: Int64, slots: Int, slotsInUse: Int, jobsByState: [String: Int], runs: Int,
    schedules: Int, libraries: [String: String]
  ) {
    self.version = version
    self.pid = pid
    self.startedAt = startedAt
    self.socket = socket
    self.dataFolder = dataFolder
    self.databaseBytes = databaseBytes
    self.slots = slots
    self.slotsInUse = slotsInUse
    self.jobsByState = jobsByState
    self.runs = runs
    self.schedules = schedules
    self.libraries = libraries
  }
}

/// An item of `POST /api/v1/runs/{run}/checkpoints/verify`'s answer.
package struct CheckpointVerification: Codable, Sendable {
  package var epoch: Int
  package var sha256: String
  package var intact: Bool
  /// What is damaged, if anything.
  package var problem: String?

  package init(epoch: Int, sha256: String, intact: Bool, problem: String?) {
    self.epoch = epoch
    self.sha256 = sha256
    self.intact = intact
    self.problem = problem
  }
}
