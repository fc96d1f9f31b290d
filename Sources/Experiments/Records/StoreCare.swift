// What is told about the care of a database: a backup that was written, what the doctor found, and
// how far either has come.

/// How far a long piece of work is.
package struct CareProgress: Codable, Sendable, Equatable {
  /// In words: "pages", "chunks" …
  package var step: String
  package var done: Int64
  /// 0 if it is not known.
  package var total: Int64

  package init(step: String, done: Int64, total: Int64) {
    self.step = step
    self.done = done
    self.total = total
  }
}

/// A backup that is on disk.
package struct BackupReport: Codable, Sendable, Equatable {
  package var path: String
  package var bytes: Int64
  package var seconds: Double

  package init(path: String, bytes: Int64, seconds: Double) {
    self.path = path
    self.bytes = bytes
    self.seconds = seconds
  }
}

/// One thing that is not as it should be.
package struct DoctorProblem: Codable, Sendable, Equatable {
  /// Stable: `chunk_damaged`, `summary_wrong` …
  package var kind: String
  /// The run that it concerns, if it is one's.
  package var run: Int64?
  /// What it is about: `checkpoint of epoch 3`, `metric loss`, `table jobs` …
  package var thing: String
  package var message: String
  /// What to do about it.
  package var remedy: String
  /// Whether `--repair` can make it right from what is undamaged.
  package var repairable: Bool
  package var repaired: Bool

  package init(
    kind: String, run: Int64? = nil, thing: String, message: String, remedy: String,
    repairable: Bool = false, repaired: Bool = false
  ) {
    self.kind = kind
    self.run = run
    self.thing = thing
    self.message = message
    self.remedy = remedy
    self.repairable = repairable
    self.repaired = repaired
  }

  /// One line for people, without the remedy.
  package var line: String {
    (run.map { "run \($0): " } ?? "") + "\(thing): \(message)"
  }
}

/// What the doctor looked at and found.
package struct DoctorReport: Codable, Sendable, Equatable {
  package struct Counts: Codable, Sendable, Equatable {
    package var tables = 0
    package var runs = 0
    package var series = 0
    package var points: Int64 = 0
    package var checkpoints = 0
    package var artifacts = 0
    package var chunks = 0
    package var attempts = 0

    package init() {}
  }

  package var problems: [DoctorProblem]
  package var checked: Counts
  /// The name of the newest migration that the database has.
  package var schema: String
  package var seconds: Double
  /// The copy that was made before anything was repaired.
  package var backup: String?

  package init(
    problems: [DoctorProblem], checked: Counts, schema: String, seconds: Double,
    backup: String? = nil
  ) {
    self.problems = problems
    self.checked = checked
    self.schema = schema
    self.seconds = seconds
    self.backup = backup
  }

  /// Those that are still there.
  package var open: [DoctorProblem] { problems.filter { !$0.repaired } }
  package var isClean: Bool { open.isEmpty }
}
