// Deleting runs for good at once, and experiments with all their runs.

package import Experiments
import GRDB

extension Store {
  /// Has a run removed for good by the next garbage collection, without any time to bring it back.
  /// - Returns: the run as it is now, deleted.
  /// - Throws: `run_not_found`, `conflict` (its job is under way, or a baseline names it).
  package func purgeRun(_ id: Int64) async throws -> Run {
    try await freeingWrite { [clock] db, change in
      let now = clock.now()
      try RunRows.require(db, id)
      try Self.requireDeletable(db, id)
      if let name = try db.string(
        """
        SELECT b.name FROM baseline_runs m JOIN baselines b ON b.id = m.baseline_id
        WHERE m.run_id = ? LIMIT 1
        """, [id])
      {
        throw StoreError.conflict(
          "run \(id) cannot be removed for good while it is in baseline \"\(name)\": "
            + "give the baseline other runs first")
      }
      let deleted = try db.changed(
        "UPDATE runs SET deleted_at = ? WHERE id = ? AND deleted_at IS NULL",
        [now.microseconds, id])
      if deleted { try EventRows.add(db, "run_deleted", at: now, run: id) }
      try db.run(
        "INSERT OR IGNORE INTO purges (run_id, asked_at) VALUES (?, ?)", [id, now.microseconds])
      change.note(.runs, run: id)
      return try RunRows.one(db, id)
    }
  }

  /// - Throws: `conflict` if the run is on its way out for good.
  static func requireRestorable(_ db: Database, _ id: Int64) throws {
    guard try db.int64("SELECT 1 FROM purges WHERE run_id = ?", [id]) != nil else { return }
    throw StoreError.conflict("run \(id) cannot be brought back: it is being removed for good")
  }

  /// Deletes an experiment with its runs, or brings back those that were deleted with it.
  /// - Returns: its runs that are deleted now, or that are back.
  /// - Throws: `experiment_not_found`, `conflict` (a job of it is under way).
  package func changeExperiment(_ name: String, deleted: Bool) async throws -> [Int64] {
    try await freeingWrite { [clock] db, change in
      let now = clock.now()
      let id = try RunNames.experimentId(db, name)
      let runs = deleted ? try Self.delete(db, id, name, at: now) : try Self.restore(db, id)
      guard !runs.isEmpty else { return runs }
      try EventRows.add(
        db, deleted ? "experiment_deleted" : "experiment_restored", at: now,
        data: ["name": .string(name), "runs": .int(Int64(runs.count))])
      for run in runs { change.note(.runs, run: run) }
      return runs
    }
  }

  private static func delete(
    _ db: Database, _ id: Int64, _ name: String, at now: Timestamp
  ) throws -> [Int64] {
    let active = try db.int64(
      """
      SELECT j.id FROM jobs j WHERE j.experiment_id = ?
        AND j.state IN ('held', 'queued', 'starting', 'running') LIMIT 1
      """, [id])
    if let active {
      throw StoreError.conflict(
        "experiment \"\(name)\" cannot be deleted while its job \(active) is under way: "
          + "cancel the job first")
    }
    // Asked again when nothing is left to delete, it keeps its time; runs that are deleted now begin
    // their time of undoing now.
    try db.run(
      """
      UPDATE experiments SET deleted_at = ?1 WHERE id = ?2 AND (deleted_at IS NULL OR EXISTS
        (SELECT 1 FROM runs WHERE experiment_id = ?2 AND deleted_at IS NULL))
      """, [now.microseconds, id])
    let time = try db.int64("SELECT deleted_at FROM experiments WHERE id = ?", [id])
    let runs = try db.int64s(
      "SELECT id FROM runs WHERE experiment_id = ? AND deleted_at IS NULL ORDER BY id", [id])
    // With the experiment's own time they are known to belong to this deletion.
    try db.run(
      "UPDATE runs SET deleted_at = ? WHERE experiment_id = ? AND deleted_at IS NULL", [time, id])
    return runs
  }

  private static func restore(_ db: Database, _ id: Int64) throws -> [Int64] {
    let condition = """
      experiment_id = ?1 AND deleted_at = (SELECT deleted_at FROM experiments WHERE id = ?1)
      AND id NOT IN (SELECT run_id FROM purges)
      """
    let runs = try db.int64s("SELECT id FROM runs WHERE \(condition) ORDER BY id", [id])
    try db.run("UPDATE runs SET deleted_at = NULL WHERE \(condition)", [id])
    try db.run("UPDATE experiments SET deleted_at = NULL WHERE id = ?", [id])
    return runs
  }
}
