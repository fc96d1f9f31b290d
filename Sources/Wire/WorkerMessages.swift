// What a worker and the daemon say to each other, under `/api/v1/attempts/{attempt}`. The bearer
// token names the attempt; once a newer attempt has begun it is answered `attempt_fenced`.

package import Experiments

/// `POST …/start`: the worker has its claim and begins.
package struct StartAttempt: Codable, Sendable {
  package var protocolVersion: Int
  package var environment: Environment

  package init(protocolVersion: Int, environment: Environment) {
    self.protocolVersion = protocolVersion
    self.environment = environment
  }
}

package struct StartReply: Codable, Sendable {
  /// The checkpoint to go on from; nil: begin at the beginning. Its content is
  /// `GET /api/v1/runs/{run}/checkpoints/{epoch}/file`.
  package var resumeEpoch: Int?
  /// Hash of the dataset that the run has seen before; another one is refused.
  package var datasetSha256: String?
  /// Whether the run has been cancelled meanwhile.
  package var cancelled: Bool

  package init(resumeEpoch: Int?, datasetSha256: String?, cancelled: Bool) {
    self.resumeEpoch = resumeEpoch
    self.datasetSha256 = datasetSha256
    self.cancelled = cancelled
  }
}

/// `POST …/metrics`: any number of points; sending them again changes nothing. The simplest of three
/// forms, see also `MetricsRequest` and `PointsBody`.
package struct MetricsBatch: Codable, Sendable {
  package var points: [MetricPoint]

  package init(points: [MetricPoint]) { self.points = points }
}

/// `POST …/epochs`: what the whole state was at the ends of epochs, kept or not.
package struct EpochHashes: Codable, Sendable {
  package var epochs: [EpochHash]

  package init(epochs: [EpochHash]) { self.epochs = epochs }
}

/// `POST …/progress`: also the sign of life.
package struct ProgressReport: Codable, Sendable {
  package var progress: Progress
  package var cost: Cost

  package init(progress: Progress, cost: Cost) {
    self.progress = progress
    self.cost = cost
  }
}

/// `POST …/chunks/missing`: which of these the daemon does not have yet.
package struct ChunkList: Codable, Sendable {
  package var chunks: [String]

  package init(chunks: [String]) { self.chunks = chunks }
}

/// `POST …/finish`: the attempt's true end.
package struct FinishAttempt: Codable, Sendable {
  package var state: AttemptState
  package var failure: Failure?
  package var exitCode: Int?
  package var cost: Cost
  package var endedAt: Timestamp

  package init(
    state: AttemptState, failure: Failure?, exitCode: Int?, cost: Cost, endedAt: Timestamp
  ) {
    self.state = state
    self.failure = failure
    self.exitCode = exitCode
    self.cost = cost
    self.endedAt = endedAt
  }
}

/// Answer of requests that say nothing back.
package struct Acknowledged: Codable, Sendable {
  package var ok = true

  package init() {}
}
