// A run as a portable archive holds it: everything that is known of it apart from its points and the
// bytes of its content, and nothing that means something in one store alone (numbers of runs, jobs
// and attempts).

package struct ArchiveRun: Codable, Sendable, Equatable {
  package var uid: Identifier
  package var name: String
  package var experiment: String
  package var status: RunStatus
  package var seed: Int64?
  package var note: String
  package var createdAt: Timestamp
  package var startedAt: Timestamp?
  package var endedAt: Timestamp?
  /// The run that this one belongs to, which may be in another archive or in none.
  package var parentUid: Identifier?
  package var params: [String: String]
  package var tags: [String: String]
  /// Summaries by key, to tell whether the points are all there.
  package var metrics: [String: MetricSummary]
  package var progress: Progress?
  package var failure: Failure?
  package var cost: Cost?
  package var dataset: DatasetInfo?
  /// Where its newest attempt ran.
  package var environment: Environment?
  package var comparabilityKey: String?
  /// The metric that tells its best checkpoint, and how many of the newest are kept; nil: all.
  package var bestMetric: String?
  package var keepLast: Int?
  /// Whole states are kept of the epochs that are multiples of it; nil: of none besides.
  package var wholeEvery: Int?
  /// Of its epochs' whole states, kept or not; nil: there are none, as in archives of earlier Assays.
  package var epochHashes: [EpochHash]?
  /// Of the job that it came from, defaults filled in.
  package var spec: JSONValue?
  package var context: SubmitContext?
  package var checkpoints: [ArchiveCheckpoint]
  package var artifacts: [ArchiveArtifact]

  package init(
    uid: Identifier, name: String, experiment: String, status: RunStatus, seed: Int64? = nil,
    note: String = "", createdAt: Timestamp, startedAt: Timestamp? = nil,
    endedAt: Timestamp? = nil, parentUid: Identifier? = nil, params: [String: String] = [:],
    tags: [String: String] = [:], metrics: [String: MetricSummary] = [:],
    progress: Progress? = nil, failure: Failure? = nil, cost: Cost? = nil,
    dataset: DatasetInfo? = nil, environment: Environment? = nil, comparabilityKey: String? = nil,
    bestMetric: String? = nil, keepLast: Int? = nil, wholeEvery: Int? = nil,
    epochHashes: [EpochHash]? = nil, spec: JSONValue? = nil,
    context: SubmitContext? = nil, checkpoints: [ArchiveCheckpoint] = [],
    artifacts: [ArchiveArtifact] = []
  ) {
    self.uid = uid
    self.name = name
    self.experiment = experiment
    self.status = status
    self.seed = seed
    self.note = note
    self.createdAt = createdAt
    self.startedAt = startedAt
    self.endedAt = endedAt
    self.parentUid = parentUid
    self.params = params
    self.tags = tags
    self.metrics = metrics
    self.progress = progress
    self.failure = failure
    self.cost = cost
    self.dataset = dataset
    self.environment = environment
    self.comparabilityKey = comparabilityKey
    self.bestMetric = bestMetric
    self.keepLast = keepLast
    self.wholeEvery = wholeEvery
    self.epochHashes = epochHashes
    self.spec = spec
    self.context = context
    self.checkpoints = checkpoints
    self.artifacts = artifacts
  }
}

/// A checkpoint or snapshot, which the archive holds as a safetensors file.
package struct ArchiveCheckpoint: Codable, Sendable, Equatable {
  /// `checkpoint` or `snapshot`.
  package var kind: String
  package var epoch: Int
  package var step: Int64
  /// Of the file.
  package var sha256: String
  package var bytes: Int64

  package init(kind: String, epoch: Int, step: Int64, sha256: String, bytes: Int64) {
    self.kind = kind
    self.epoch = epoch
    self.step = step
    self.sha256 = sha256
    self.bytes = bytes
  }
}

package struct ArchiveArtifact: Codable, Sendable, Equatable {
  package var path: String
  package var mediaType: String
  package var sha256: String
  package var bytes: Int64

  package init(path: String, mediaType: String, sha256: String, bytes: Int64) {
    self.path = path
    self.mediaType = mediaType
    self.sha256 = sha256
    self.bytes = bytes
  }
}

/// What became of a run that was brought in from an archive.
package struct ImportedRun: Codable, Sendable, Equatable {
  package enum Outcome: String, Codable, Sendable {
    /// It was not here and now is.
    case created
    /// It came from an archive before; its record stays as it is, what it lacks may be added.
    case known
    /// It was made here, and is left alone.
    case native
    /// It is deleted here, and is left alone.
    case deleted
  }
  package var outcome: Outcome
  package var run: Run

  package init(outcome: Outcome, run: Run) {
    self.outcome = outcome
    self.run = run
  }
}
