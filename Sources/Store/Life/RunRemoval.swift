// Takes a run away for good with all that it owns, in steps of bounded time. Each step is complete in
// itself and looks anew at what is left, so the work may stop after any of them and go on later.

import Experiments
import GRDB

package enum RunRemoval {
  private static let pointsAtOnce = 1_000
  private static let logPiecesAtOnce = 4

  /// Every table with a column that refers to a run, and so has a place in this file: what a run
  /// owns goes with it, what only names it lets it go. A run in a baseline is not removed at all.
  package static let tables: Set<String> = [
    "metrics", "checkpoints", "artifacts", "params", "tags", "attempts", "purges", "check_runs",
    "baseline_runs", "epoch_hashes", "run_origins", "leases", "run_alerts", "runs",
  ]

  /// Works on the oldest run in `purges` until `isOver` says so, one piece at least.
  /// - Returns: the run that is gone now, if one is; nil for the end, if there is none to work on.
  static func step(
    _ db: Database, at now: Timestamp, into report: inout GarbageReport, isOver: () -> Bool
  ) throws -> Outcome {
    let run = try db.int64("SELECT run_id FROM purges ORDER BY run_id LIMIT 1")
    guard let run else { return .nothingLeft }
    while try !removePiece(db, run, into: &report) {
      if isOver() { return .more }
    }
    try removeRow(db, run, at: now)
    report.runs += 1
    return .removed(run)
  }

  enum Outcome {
    case nothingLeft
    case more
    case removed(Int64)
  }

  /// - Returns: whether nothing large is left.
  private static func removePiece(
    _ db: Database, _ run: Int64, into report: inout GarbageReport
  ) throws -> Bool {
    let (points, isDone) = try SeriesRemoval.removeSome(db, run: run, atMost: pointsAtOnce)
    report.points += points
    guard isDone else { return false }
    guard try ContentRemoval.removeSome(db, .checkpoint, run: run, into: &report) else {
      return false
    }
    guard try ContentRemoval.removeSome(db, .artifact, run: run, into: &report) else {
      return false
    }
    return try removeLog(db, run, into: &report)
  }

  private static func removeLog(
    _ db: Database, _ run: Int64, into report: inout GarbageReport
  ) throws -> Bool {
    let pieces = try db.rows(
      """
      SELECT l.id, length(l.data) FROM attempts a JOIN log_pieces l ON l.attempt_id = a.id
      WHERE a.run_id = ? LIMIT ?
      """, [run, logPiecesAtOnce])
    for piece in pieces {
      try db.run("DELETE FROM log_pieces WHERE id = ?", [piece[0] as Int64])
      report.contentBytes += piece[1] as Int64
    }
    return pieces.isEmpty
  }

  private static func removeRow(_ db: Database, _ run: Int64, at now: Timestamp) throws {
    let row = try db.row("SELECT name, job_id FROM runs WHERE id = ?", [run])
    try db.run("DELETE FROM params WHERE run_id = ?", [run])
    try db.run("DELETE FROM tags WHERE run_id = ?", [run])
    // A check's comparison holds all that it says, also of runs that are gone.
    try db.run("DELETE FROM check_runs WHERE run_id = ?", [run])
    try db.run("UPDATE runs SET parent_run_id = NULL WHERE parent_run_id = ?", [run])
    try db.run("DELETE FROM attempts WHERE run_id = ?", [run])
    try db.run("DELETE FROM epoch_hashes WHERE run_id = ?", [run])
    try db.run("DELETE FROM run_origins WHERE run_id = ?", [run])
    try db.run("DELETE FROM leases WHERE run_id = ?", [run])
    try db.run("DELETE FROM run_alerts WHERE run_id = ?", [run])
    try db.run("DELETE FROM purges WHERE run_id = ?", [run])
    try db.run("DELETE FROM runs WHERE id = ?", [run])
    if let job: Int64 = row?[1] { try removeJob(db, job) }
    try EventRows.add(
      db, "run_purged", at: now, run: run, data: ["name": .string(row?[0] ?? "")])
  }

  /// A job goes with its last run, unless something else speaks of it.
  private static func removeJob(_ db: Database, _ job: Int64) throws {
    try db.run(
      """
      DELETE FROM jobs WHERE id = ?
        AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.job_id = jobs.id)
        AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.job_id = jobs.id)
        AND NOT EXISTS (SELECT 1 FROM checks c WHERE c.job_id = jobs.id)
        AND NOT EXISTS (SELECT 1 FROM jobs n WHERE n.parent_job_id = jobs.id)
        AND NOT EXISTS (SELECT 1 FROM jobs n WHERE n.retry_of = jobs.id)
        AND NOT EXISTS (SELECT 1 FROM job_dependencies d WHERE d.after_id = jobs.id)
        AND NOT EXISTS (SELECT 1 FROM job_dependencies d WHERE d.job_id = jobs.id)
        AND NOT EXISTS (SELECT 1 FROM job_settlements s WHERE s.job_id = jobs.id)
      """, [job])
  }
}
