// Baselines, comparisons, checks and schedules.

package struct Baseline: Codable, Sendable, Equatable {
  package var id: Int64
  package var name: String
  package var runIds: [Int64]
  package var createdAt: Timestamp
  package var updatedAt: Timestamp

  package init(
    id: Int64, name: String, runIds: [Int64], createdAt: Timestamp, updatedAt: Timestamp
  ) {
    self.id = id
    self.name = name
    self.runIds = runIds
    self.createdAt = createdAt
    self.updatedAt = updatedAt
  }
}

package enum Verdict: String, Codable, Sendable, CaseIterable {
  case better, worse, equivalent
  /// Different, but not by what matters; or of no direction.
  case different
  case notEnoughData = "not_enough_data"
}

/// One side of a compared metric.
package struct MetricSide: Codable, Sendable, Equatable {
  package var count: Int
  package var mean: Double
  /// Sample standard deviation; nil with fewer than two values.
  package var standardDeviation: Double?

  package init(count: Int, mean: Double, standardDeviation: Double?) {
    self.count = count
    self.mean = mean
    self.standardDeviation = standardDeviation
  }
}

package struct MetricComparison: Codable, Sendable, Equatable {
  package var metric: String
  package var direction: MetricDirection
  package var reference: MetricSide
  package var candidate: MetricSide
  /// Candidate mean less reference mean, and that relative to the reference's magnitude (nil if 0).
  package var change: Double
  package var relativeChange: Double?
  /// The smallest absolute change that matters here.
  package var tolerance: Double
  package var verdict: Verdict
  /// The verdict's reason in words.
  package var reason: String

  package init(
    metric: String, direction: MetricDirection, reference: MetricSide, candidate: MetricSide,
    change: Double, relativeChange: Double?, tolerance: Double, verdict: Verdict, reason: String
  ) {
    self.metric = metric
    self.direction = direction
    self.reference = reference
    self.candidate = candidate
    self.change = change
    self.relativeChange = relativeChange
    self.tolerance = tolerance
    self.verdict = verdict
    self.reason = reason
  }
}

/// Something the comparability key is made of that is not the same on both sides.
package struct CovariateChange: Codable, Sendable, Equatable {
  /// `params.optimizer.learning_rate`, `dataset.sha256`, `versions.openblas`, `host_class`, …
  package var name: String
  package var reference: [String]
  package var candidate: [String]

  package init(name: String, reference: [String], candidate: [String]) {
    self.name = name
    self.reference = reference
    self.candidate = candidate
  }
}

package struct Comparison: Codable, Sendable, Equatable {
  package var referenceRunIds: [Int64]
  package var candidateRunIds: [Int64]
  /// The worst of the metrics' verdicts: worse, then not enough data, then the rest.
  package var verdict: Verdict
  package var metrics: [MetricComparison]
  package var differences: [CovariateChange]

  package init(
    referenceRunIds: [Int64], candidateRunIds: [Int64], verdict: Verdict,
    metrics: [MetricComparison], differences: [CovariateChange]
  ) {
    self.referenceRunIds = referenceRunIds
    self.candidateRunIds = candidateRunIds
    self.verdict = verdict
    self.metrics = metrics
    self.differences = differences
  }
}

/// A comparison with a baseline that was asked for or came from a schedule, kept.
package struct Check: Codable, Sendable, Equatable {
  package var id: Int64
  package var baseline: String
  package var scheduleId: Int64?
  package var jobId: Int64?
  package var createdAt: Timestamp
  package var comparison: Comparison

  package init(
    id: Int64, baseline: String, scheduleId: Int64?, jobId: Int64?, createdAt: Timestamp,
    comparison: Comparison
  ) {
    self.id = id
    self.baseline = baseline
    self.scheduleId = scheduleId
    self.jobId = jobId
    self.createdAt = createdAt
    self.comparison = comparison
  }
}

package struct Schedule: Codable, Sendable, Equatable {
  package var id: Int64
  package var name: String
  package var cron: String
  /// IANA name, e.g. `Europe/Berlin`.
  package var timeZone: String
  package var spec: JSONValue
  /// Name of the baseline that the finished job is compared with.
  package var checkBaseline: String?
  package var paused: Bool
  package var createdAt: Timestamp
  package var lastFiredAt: Timestamp?
  /// Of the cron expression, without jitter.
  package var nextAt: Timestamp?
  package var catchUp: ScheduleCatchUp
  package var overlap: ScheduleOverlap
  /// Firings are spread over so many seconds after their due time.
  package var jitterSeconds: Int
  /// Why it cannot fire, or why its last firing came to nothing.
  package var problem: String?

  package init(
    id: Int64, name: String, cron: String, timeZone: String, spec: JSONValue,
    checkBaseline: String?, paused: Bool, createdAt: Timestamp, lastFiredAt: Timestamp?,
    nextAt: Timestamp?, catchUp: ScheduleCatchUp = .one, overlap: ScheduleOverlap = .skip,
    jitterSeconds: Int = 0, problem: String? = nil
  ) {
    self.id = id
    self.name = name
    self.cron = cron
    self.timeZone = timeZone
    self.spec = spec
    self.checkBaseline = checkBaseline
    self.paused = paused
    self.createdAt = createdAt
    self.lastFiredAt = lastFiredAt
    self.nextAt = nextAt
    self.catchUp = catchUp
    self.overlap = overlap
    self.jitterSeconds = jitterSeconds
    self.problem = problem
  }
}

package struct Event: Codable, Sendable, Equatable {
  package var id: Int64
  package var time: Timestamp
  /// `job_submitted`, `job_started`, `run_finished`, `check_made`, …
  package var kind: String
  package var jobId: Int64?
  package var runId: Int64?
  package var data: JSONValue

  package init(
    id: Int64, time: Timestamp, kind: String, jobId: Int64?, runId: Int64?, data: JSONValue
  ) {
    self.id = id
    self.time = time
    self.kind = kind
    self.jobId = jobId
    self.runId = runId
    self.data = data
  }
}
