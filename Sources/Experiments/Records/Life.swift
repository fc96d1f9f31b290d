// What takes the space in a store, and what a garbage collection took away.

/// `POST /api/v1/gc`: what was removed for good, or, of a dry run, would be.
package struct GarbageReport: Codable, Sendable, Equatable {
  package var runs = 0
  package var points: Int64 = 0
  package var checkpoints = 0
  package var artifacts = 0
  /// Pieces of checkpoints and artifacts that nothing names any more.
  package var chunks = 0
  /// Bytes of those chunks and of logs, as stored.
  package var contentBytes: Int64 = 0
  /// Bytes by which the file became smaller; of a dry run those that are free in it now.
  package var fileBytes: Int64 = 0
  /// Deleted runs that are kept because a baseline names them.
  package var keptRunIds: [Int64] = []
  /// False: the time was over before the work was; ask again.
  package var done = true

  package init() {}

  /// Both together; what is kept and whether it is done as the later one says.
  package mutating func add(_ later: GarbageReport) {
    runs += later.runs
    points += later.points
    checkpoints += later.checkpoints
    artifacts += later.artifacts
    chunks += later.chunks
    contentBytes += later.contentBytes
    fileBytes += later.fileBytes
    keptRunIds = later.keptRunIds
    done = later.done
  }
}

/// `GET /api/v1/usage`. What is said to be about right is estimated: nothing counts millions of
/// points one by one.
package struct StoreUsage: Codable, Sendable, Equatable {
  /// Of the database file, of what of it is free for new data, and of its write-ahead log.
  package var fileBytes: Int64
  package var freeBytes: Int64
  package var walBytes: Int64
  /// Set aside so that deleting works on a full disk.
  package var reserveBytes: Int64
  /// How large the file less its free part may become before checkpoints and artifacts are refused;
  /// nil: without limit.
  package var maxBytes: Int64?
  package var points: Int64
  /// About.
  package var pointBytes: Int64
  /// Chunks of checkpoints and artifacts as stored, each once.
  package var contentBytes: Int64
  /// What those would take more if no two shared a chunk.
  package var sharedBytes: Int64
  /// Chunks that nothing names: uploads under way, or given up.
  package var unreferencedBytes: Int64
  package var logBytes: Int64
  /// About: runs, params, tags, summaries, jobs, events and all indexes.
  package var recordBytes: Int64
  /// The greatest first.
  package var experiments: [ExperimentUsage]

  package init(
    fileBytes: Int64, freeBytes: Int64, walBytes: Int64, reserveBytes: Int64, maxBytes: Int64?,
    points: Int64, pointBytes: Int64, contentBytes: Int64, sharedBytes: Int64,
    unreferencedBytes: Int64, logBytes: Int64, recordBytes: Int64, experiments: [ExperimentUsage]
  ) {
    self.fileBytes = fileBytes
    self.freeBytes = freeBytes
    self.walBytes = walBytes
    self.reserveBytes = reserveBytes
    self.maxBytes = maxBytes
    self.points = points
    self.pointBytes = pointBytes
    self.contentBytes = contentBytes
    self.sharedBytes = sharedBytes
    self.unreferencedBytes = unreferencedBytes
    self.logBytes = logBytes
    self.recordBytes = recordBytes
    self.experiments = experiments
  }
}

/// What the runs of an experiment take; content that runs share is counted for each.
package struct ExperimentUsage: Codable, Sendable, Equatable {
  package var name: String
  /// With those that are deleted.
  package var runs = 0
  package var deletedRuns = 0
  package var points: Int64 = 0
  /// About.
  package var pointBytes: Int64 = 0
  package var checkpointBytes: Int64 = 0
  package var artifactBytes: Int64 = 0
  package var logBytes: Int64 = 0
  /// Of all these the part of deleted runs, which `gc` takes away when their time to be brought back
  /// is over.
  package var deletedBytes: Int64 = 0

  package init(name: String) { self.name = name }

  package var bytes: Int64 { pointBytes + checkpointBytes + artifactBytes + logBytes }
}

/// What a run without a job lives by.
package struct Lease: Codable, Sendable, Equatable {
  package var runId: Int64
  /// How long nothing may be heard of the run before it is lost.
  package var seconds: Int
  package var lastWriteAt: Timestamp
  /// Absent once it has lapsed: the next write brings the run back.
  package var expiresAt: Timestamp?

  package init(runId: Int64, seconds: Int, lastWriteAt: Timestamp, expiresAt: Timestamp?) {
    self.runId = runId
    self.seconds = seconds
    self.lastWriteAt = lastWriteAt
    self.expiresAt = expiresAt
  }
}
