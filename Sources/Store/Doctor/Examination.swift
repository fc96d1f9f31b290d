// One examination under way: where it reads, what it has found, and how far it is. It reads in many
// short transactions, each of one thing or a batch of small ones, so that it never holds a state of
// the database for long while a daemon writes; each check must therefore hold within one of them.

import Experiments
import GRDB

final class Examination {
  /// What makes a problem go away, from what is undamaged.
  enum Repair: Hashable {
    /// SQL of an index or trigger that is missing.
    case create(sql: String)
    case reindex
    /// Rows of a table of links whose own side is gone.
    case orphans(table: String, column: String, parent: String)
    /// A chunk that nothing names and that cannot be read.
    case chunk(Int64)
    case referenceCounts
    case chunkDepths
    case specHash(job: Int64)
    case summary(metric: Int64)
    case blocks(series: Int64)
    case sequence(table: String)
  }

  private(set) var problems: [DoctorProblem] = []
  /// In the order in which they were found.
  private(set) var repairs: [Repair] = []
  private var known: Set<Repair> = []
  var counts = DoctorReport.Counts()
  var schema = ""
  /// Whether a daemon writes meanwhile, so that no transaction may be long.
  let isOnline: Bool
  private let reader: any DatabaseReader
  private let isCancelled: () -> Bool
  private let progress: (CareProgress) -> Void

  init(
    reader: any DatabaseReader, isOnline: Bool, isCancelled: @escaping () -> Bool = { false },
    progress: @escaping (CareProgress) -> Void = { _ in }
  ) {
    self.reader = reader
    self.isOnline = isOnline
    self.isCancelled = isCancelled
    self.progress = progress
  }

  func found(_ problem: DoctorProblem, _ repair: Repair? = nil) {
    var problem = problem
    problem.repairable = repair != nil
    problems.append(problem)
    if let repair, known.insert(repair).inserted { repairs.append(repair) }
  }

  /// The same for what a run owns, in the transaction in which it was found. A run that is being
  /// removed for good owns things in part, which is as it should be.
  func found(_ problem: DoctorProblem, _ repair: Repair? = nil, in db: Database) throws {
    if let run = problem.run,
      try db.int64("SELECT 1 FROM purges WHERE run_id = ?", [run]) != nil
    {
      return
    }
    found(problem, repair)
  }

  /// Reads in a transaction of its own. What the database itself cannot give is a problem found,
  /// and nil is returned.
  /// - Throws: everything else, and `CancellationError`.
  func read<Value>(_ thing: String, _ body: (Database) throws -> Value) throws -> Value? {
    if isCancelled() { throw CancellationError() }
    do {
      return try reader.read { db in try Damage.watching { try body(db) } }
    } catch {
      switch StoreError.wrapping(error) {
      case StoreError.databaseDamaged(let reason), StoreError.inputOutput(let reason):
        let problem = DoctorProblem(
          kind: "unreadable", thing: thing, message: reason, remedy: Remedy.restore)
        // One damaged page shows itself in every batch that meets it.
        if problems.last != problem { found(problem) }
        return nil
      case let error: throw error
      }
    }
  }

  func tell(_ step: String, _ done: Int, of total: Int = 0) {
    progress(CareProgress(step: step, done: Int64(done), total: Int64(total)))
  }

  /// Goes through a table in order of its integer key `key`, `body` being given the greatest key so far
  /// and answering the next one, or nil at the end. A batch that cannot be read is skipped.
  func walk(
    _ table: String, key: String = "id", batch: Int64,
    _ body: (Database, ClosedRange<Int64>) throws -> Void
  ) throws {
    let bounds = try read("table \(table)") { db in
      try Row.fetchOne(db, sql: "SELECT MIN(\(key)), MAX(\(key)) FROM \(table)")
        .map { ($0[0] as Int64? ?? 1, $0[1] as Int64? ?? 0) }
    }
    guard case let (first, last)?? = bounds, first <= last else { return }
    var start = first
    while start <= last {
      let (end, overflow) = start.addingReportingOverflow(batch - 1)
      let range = start...(overflow ? last : min(end, last))
      _ = try read("table \(table), rows \(range.lowerBound) to \(range.upperBound)") { db in
        try body(db, range)
      }
      guard range.upperBound < last else { return }
      // Ids may have wide gaps.
      let next = try read("table \(table)") { db in
        try db.int64(
          "SELECT MIN(\(key)) FROM \(table) WHERE \(key) > ?", [range.upperBound])
      }
      guard case let next?? = next, next > range.upperBound else { return }
      start = next
    }
  }
}

/// What to do about a problem.
enum Remedy {
  static let restore = "restore a backup (assayd restore FILE)"
  static let repair = "assayd doctor --repair"
  static let record = "the rest of the run is not affected; restore a backup if you need this"
  static let report = "nothing that was recorded is lost; restore a backup if Assay misbehaves"
}
