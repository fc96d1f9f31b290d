// Every size that comes from outside has a limit, and all limits stand here. Beyond one, the answer
// is an error that names it; nothing is cut short silently.

package enum Limits {
  /// A metric, param or tag key (as in MLflow's API), in characters.
  package static let keyCharacters = 250
  /// A param's value, in characters.
  package static let paramCharacters = 6_000
  /// A tag's value or a note, in characters.
  package static let tagCharacters = 8_000
  /// The name of a job, an experiment, a baseline or a schedule, in characters.
  package static let nameCharacters = 200
  /// Seconds over which a schedule's firings are spread.
  package static let jitterSeconds = 86_400
  /// Coming times of a schedule in one answer.
  package static let scheduleTimes = 100
  /// A job spec as text, in bytes.
  package static let specBytes = 1 << 20
  /// Tags of one run.
  package static let tagsPerRun = 200
  /// Params of one run.
  package static let paramsPerRun = 10_000
  /// How long a run without a job may go unheard of before it is lost, in seconds.
  package static let leaseSeconds = 5...604_800
  /// Metrics of a run that are watched live at once.
  package static let watchedMetrics = 200
  /// Alerts of one job.
  package static let alerts = 50
  /// For one delivery to a hook, in seconds.
  package static let hookSeconds = 1...3_600
  /// Jobs in one submission.
  package static let jobsPerSubmission = 1_000
  /// Metric points in one request.
  package static let pointsPerRequest = 100_000
  /// Points of a series that is thinned out for a plot.
  package static let plotPoints = 100_000
  /// Raw bytes of one chunk of a checkpoint or artifact.
  package static let chunkBytes = 1 << 20
  /// Differences that may lead from a chunk to one that is stored whole.
  package static let chunkChain = 8
  /// A request's body unless its route says otherwise, in bytes.
  package static let requestBytes = 16 << 20
  /// Hashes of epochs in an archive, of the last epochs where there are more: a run's line must fit
  /// into one request.
  package static let archivedEpochs = 100_000
  /// One checkpoint, in bytes.
  package static let checkpointBytes: Int64 = 1 << 31
  /// One artifact, in bytes.
  package static let artifactBytes: Int64 = 1 << 31
  /// A piece of a log in one request, in bytes.
  package static let logPieceBytes = 1 << 20
  /// The log kept per attempt, in bytes; what comes after it is counted, not kept.
  package static let logBytesPerAttempt: Int64 = 64 << 20
  /// Items on one page of a list.
  package static let pageItems = 1_000
  /// A `--where` expression, in bytes, and how deeply it may nest.
  package static let queryBytes = 16 << 10
  package static let queryDepth = 64
  /// A Unix socket's path, in bytes (`sun_path` less its closing zero).
  package static let socketPathBytes = 107
  /// Layers of a model; units of a layer; features of a dataset.
  package static let layers = 256
  package static let unitsPerLayer = 65_536
  package static let epochs = 1_000_000
  package static let batchSize = 1 << 20
  package static let csvBytes: Int64 = 8 << 30
  package static let csvColumns = 65_536
  package static let syntheticValues = 1 << 31
  /// The program and the arguments of a command job; one of them in bytes, a variable's value too.
  package static let commandWords = 10_000
  package static let wordBytes = 128 << 10
  /// Variables that a command job may have; paths that it may keep; files below these.
  package static let environmentVariables = 500
  package static let keptPaths = 100
  package static let keptFiles = 10_000
  /// Attempts in a row that were lost without a new checkpoint before the job is given up.
  package static let lostAttemptsWithoutProgress = 5
}
