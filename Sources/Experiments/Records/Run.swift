// What is known of a run, as it is stored, sent and shown. JSON keys are these names in snake case.

package struct Run: Codable, Sendable, Equatable {
  /// The small number that people see; never used again.
  package var id: Int64
  package var uid: Identifier
  package var name: String
  package var experiment: String
  package var jobId: Int64?
  /// The run this one belongs to: a trained run for its evaluation, a cross-validation for a fold.
  package var parentId: Int64?
  package var status: RunStatus
  package var seed: Int64?
  package var createdAt: Timestamp
  package var startedAt: Timestamp?
  package var endedAt: Timestamp?
  package var deletedAt: Timestamp?
  package var note: String
  package var tags: [String: String]
  package var params: [String: String]
  /// Summaries by metric key.
  package var metrics: [String: MetricSummary]
  package var progress: Progress?
  package var failure: Failure?
  package var cost: Cost?
  package var dataset: DatasetInfo?
  /// Hash of what must stay the same for runs to be one series.
  package var comparabilityKey: String?
  /// Whether other jobs ran at the same time; nil: not known.
  package var beside: Bool?

  package init(
    id: Int64, uid: Identifier, name: String, experiment: String, jobId: Int64?, parentId: Int64?,
    status: RunStatus, seed: Int64?, createdAt: Timestamp, startedAt: Timestamp? = nil,
    endedAt: Timestamp? = nil, deletedAt: Timestamp? = nil, note: String = "",
    tags: [String: String] = [:], params: [String: String] = [:],
    metrics: [String: MetricSummary] = [:], progress: Progress? = nil, failure: Failure? = nil,
    cost: Cost? = nil, dataset: DatasetInfo? = nil, comparabilityKey: String? = nil,
    beside: Bool? = nil
  ) {
    self.id = id
    self.uid = uid
    self.name = name
    self.experiment = experiment
    self.jobId = jobId
    self.parentId = parentId
    self.status = status
    self.seed = seed
    self.createdAt = createdAt
    self.startedAt = startedAt
    self.endedAt = endedAt
    self.deletedAt = deletedAt
    self.note = note
    self.tags = tags
    self.params = params
    self.metrics = metrics
    self.progress = progress
    self.failure = failure
    self.cost = cost
    self.dataset = dataset
    self.comparabilityKey = comparabilityKey
    self.beside = beside
  }
}

/// Why something ended badly: a stable code and a sentence.
package struct Failure: Codable, Sendable, Equatable, Error {
  package var code: String
  package var message: String

  package init(code: String, message: String) {
    self.code = code
    self.message = message
  }
}

/// How far a run is.
package struct Progress: Codable, Sendable, Equatable {
  /// Epochs done so far, and in all.
  package var epoch: Int
  package var epochs: Int
  /// Optimizer updates done so far, and in all.
  package var step: Int
  package var steps: Int
  package var samplesPerSecond: Double

  package init(epoch: Int, epochs: Int, step: Int, steps: Int, samplesPerSecond: Double) {
    self.epoch = epoch
    self.epochs = epochs
    self.step = step
    self.steps = steps
    self.samplesPerSecond = samplesPerSecond
  }
}

/// What an attempt, or all attempts of a run together, used.
package struct Cost: Codable, Sendable, Equatable {
  package var wallSeconds: Double
  package var cpuUserSeconds: Double
  package var cpuSystemSeconds: Double
  package var peakRssBytes: Int64
  package var readBytes: Int64
  package var writtenBytes: Int64
  /// Of training alone; nil for other work.
  package var trainingSeconds: Double?
  package var stepsPerSecond: Double?
  package var samplesPerSecond: Double?
  package var flopsPerStep: Double?

  package init(
    wallSeconds: Double = 0, cpuUserSeconds: Double = 0, cpuSystemSeconds: Double = 0,
    peakRssBytes: Int64 = 0, readBytes: Int64 = 0, writtenBytes: Int64 = 0,
    trainingSeconds: Double? = nil, stepsPerSecond: Double? = nil, samplesPerSecond: Double? = nil,
    flopsPerStep: Double? = nil
  ) {
    self.wallSeconds = wallSeconds
    self.cpuUserSeconds = cpuUserSeconds
    self.cpuSystemSeconds = cpuSystemSeconds
    self.peakRssBytes = peakRssBytes
    self.readBytes = readBytes
    self.writtenBytes = writtenBytes
    self.trainingSeconds = trainingSeconds
    self.stepsPerSecond = stepsPerSecond
    self.samplesPerSecond = samplesPerSecond
    self.flopsPerStep = flopsPerStep
  }
}

/// The data a run saw: the hash is of the file's bytes, or of a generator's parameters.
package struct DatasetInfo: Codable, Sendable, Equatable {
  package var name: String
  /// `csv` or `synthetic`.
  package var type: String
  package var path: String?
  /// Lower-case hexadecimal SHA-256.
  package var sha256: String
  package var rows: Int
  package var features: Int
  /// Class labels in order; empty for a regression.
  package var classes: [String]
  package var trainRows: Int
  package var validationRows: Int
  package var testRows: Int

  package init(
    name: String, type: String, path: String?, sha256: String, rows: Int, features: Int,
    classes: [String], trainRows: Int, validationRows: Int, testRows: Int
  ) {
    self.name = name
    self.type = type
    self.path = path
    self.sha256 = sha256
    self.rows = rows
    self.features = features
    self.classes = classes
    self.trainRows = trainRows
    self.validationRows = validationRows
    self.testRows = testRows
  }
}
