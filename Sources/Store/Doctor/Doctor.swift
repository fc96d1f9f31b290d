// Examines a database as a whole, and repairs what can be derived from what is undamaged: summaries,
// counts of references, indexes, rows of links whose own side is gone. Nothing else is ever touched,
// and a copy is made before the first repair.

package import Experiments
import Foundation
import GRDB

package enum Doctor {
  package typealias Progress = @Sendable (CareProgress) -> Void

  /// Examines the database of a data folder that no daemon uses; the caller holds its lock.
  /// - Throws: `StoreError`: `cannot_open`, `database_newer`, `database_damaged` (nothing of it can
  ///   be read).
  package static func examine(
    folder: String, migrator: Migrator = .embedded, progress: @escaping Progress = { _ in }
  ) throws -> DoctorReport {
    try opened(folder) { queue in
      try report(Examination(reader: queue, isOnline: false, progress: progress), migrator)
    }
  }

  /// The same, and then repairs what can be: the report has what was found, and what of it is gone.
  package static func repair(
    folder: String, clock: WallClock, migrator: Migrator = .embedded,
    progress: @escaping Progress = { _ in }
  ) throws -> DoctorReport {
    try opened(folder) { queue in
      let first = Examination(reader: queue, isOnline: false, progress: progress)
      var before = try report(first, migrator)
      guard !first.repairs.isEmpty else { return before }
      let time = Restore.stamp(clock.now())
      let copy = try Backup.make(
        of: folder + "/" + StoreFile.name,
        to: "\(folder)/\(StoreFile.name).before-repair-\(time)", progress: progress)
      try queue.inDatabase { db in try DoctorRepair(db: db).run(first.repairs) }
      let after = try report(
        Examination(reader: queue, isOnline: false, progress: progress), migrator)
      var left = after.problems
      for index in before.problems.indices {
        // A problem that has only changed its words is still there.
        let place = left.firstIndex { before.problems[index].isSame(as: $0) }
        if let place { left.remove(at: place) } else { before.problems[index].repaired = true }
      }
      return DoctorReport(
        problems: before.problems + left, checked: after.checked, schema: after.schema,
        seconds: before.seconds + after.seconds, backup: copy.path)
    }
  }

  /// - Throws: `database_newer`.
  static func report(_ examination: Examination, _ migrator: Migrator) throws -> DoctorReport {
    let start = ContinuousClock.now
    if try StructureChecks(examination: examination, migrator: migrator).run() {
      try ContentChecks(examination: examination).run()
      try SummaryChecks(examination: examination).run()
      try BlockChecks(examination: examination).run()
      try LogChecks(examination: examination).run()
      try StateChecks(examination: examination).run()
    }
    return DoctorReport(
      problems: examination.problems, checked: examination.counts, schema: examination.schema,
      seconds: (.now - start).seconds)
  }

  private static func opened<Value>(
    _ folder: String, _ body: (DatabaseQueue) throws -> Value
  ) throws -> Value {
    let path = folder + "/" + StoreFile.name
    do {
      try PendingRestore.finish(folder)
      guard FileNames.exists(path) else {
        throw StoreError.cannotOpen(path: path, reason: "there is no such file")
      }
      var configuration = Configuration()
      configuration.label = "doctor"
      configuration.busyMode = .timeout(5)
      configuration.prepareDatabase { db in
        try db.execute(sql: "PRAGMA mmap_size = 0")
        try db.execute(sql: "PRAGMA synchronous = FULL")
      }
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      do {
        let value = try body(queue)
        try queue.close()
        return value
      } catch {
        try? queue.close()  // the first error counts
        throw error
      }
    } catch {
      throw StoreError.wrapping(error)
    }
  }
}

extension DoctorProblem {
  /// Kinds whose message has numbers that a repair in part would change.
  private static let changing = ["summary_wrong", "reference_count_wrong", "chunk_depth_wrong"]

  fileprivate func isSame(as other: DoctorProblem) -> Bool {
    kind == other.kind && run == other.run && thing == other.thing
      && (Self.changing.contains(kind) || message == other.message)
  }
}

extension Store {
  /// Examines the database while it is in use, a little at a time. Nothing is repaired.
  /// - Throws: `database_newer`, `store_closed`, `CancellationError`.
  package func doctor(
    progress: @escaping Doctor.Progress = { _ in }
  ) async throws -> DoctorReport {
    try await read { _ in }
    return try await cancellable { [reader] isCancelled in
      try Doctor.report(
        Examination(
          reader: reader, isOnline: true, isCancelled: isCancelled, progress: progress), .embedded)
    }
  }
}
