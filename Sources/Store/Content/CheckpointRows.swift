// Checkpoints between their tables and their records, which of them is the best, and which are kept.

import Experiments
import GRDB

enum CheckpointRows {
  /// A checkpoint before it is known whether it is the best or the newest.
  private static let select = """
    SELECT id, run_id, epoch, step, sha256, raw_bytes, stored_bytes,
      json_array_length(manifest, '$.tensors'), created_at
    FROM checkpoints

    """

  /// All of a run, in order of their epochs.
  static func all(_ db: Database, run: Int64) throws -> [Checkpoint] {
    let rows = try db.rows(
      select + "WHERE run_id = ? AND kind = 'checkpoint' ORDER BY epoch", [run])
    var checkpoints = rows.map { row in
      Checkpoint(
        id: row[0], runId: row[1], epoch: row[2], step: row[3], sha256: row[4], rawBytes: row[5],
        storedBytes: row[6], tensors: row[7], createdAt: row.time(8), isBest: false,
        isLatest: false)
    }
    guard !checkpoints.isEmpty else { return [] }
    checkpoints[checkpoints.count - 1].isLatest = true
    checkpoints[try best(db, run: run, checkpoints)].isBest = true
    return checkpoints
  }

  /// - Throws: `checkpoint_not_found`.
  static func choose(
    _ db: Database, run: Int64, _ choice: CheckpointChoice
  ) throws -> (Checkpoint, CheckpointManifest) {
    let checkpoints = try all(db, run: run)
    let chosen = checkpoints.first { checkpoint in
      switch choice {
      case .best: checkpoint.isBest
      case .latest: checkpoint.isLatest
      case .epoch(let epoch): checkpoint.epoch == epoch
      }
    }
    guard let chosen else {
      throw StoreError.checkpointNotFound(run: run, choice: choice.description)
    }
    return (chosen, try manifest(db, chosen))
  }

  static func manifest(_ db: Database, _ checkpoint: Checkpoint) throws -> CheckpointManifest {
    let text = try db.string("SELECT manifest FROM checkpoints WHERE id = ?", [checkpoint.id])
    guard let text else {
      throw StoreError.checkpointNotFound(run: checkpoint.runId, choice: "\(checkpoint.epoch)")
    }
    return try RecordCoding.value(text)
  }

  /// Index of the best by the run's metric at the checkpoints' epochs; of equal ones the earliest.
  /// Without such values, or where the metric has no direction, the newest.
  private static func best(
    _ db: Database, run: Int64, _ checkpoints: [Checkpoint]
  ) throws -> Int {
    let newest = checkpoints.count - 1
    let row = try db.row(
      """
      SELECT k.name, m.id FROM runs r JOIN metric_keys k ON k.name = r.best_metric
        JOIN metrics m ON m.key_id = k.id AND m.run_id = r.id
      WHERE r.id = ?
      """, [run])
    guard let row else { return newest }
    let direction = MetricDirection(metric: row[0])
    guard direction != .none else { return newest }
    var best: (index: Int, value: Double)?
    for (index, checkpoint) in checkpoints.enumerated() {
      guard let value = try value(db, metric: row[1], at: checkpoint), !value.isNaN else {
        continue
      }
      if let known = best?.value, direction == .higher ? value <= known : value >= known {
        continue
      }
      best = (index, value)
    }
    return best?.index ?? newest
  }

  /// What the metric had at the checkpoint's epoch. Looks at the checkpoint's own step first, since
  /// a series may hold millions of points.
  private static func value(
    _ db: Database, metric: Int64, at checkpoint: Checkpoint
  ) throws -> Double? {
    let epoch = Int64(checkpoint.epoch)
    let points = try CountedPoints(db, metric: metric)
    var found: Double?
    try points.forEachStepBackwards(from: checkpoint.step) { point in
      guard let own = point.epoch else { return true }
      if own == epoch { found = point.value }
      return own > epoch
    }
    guard found == nil else { return found }
    try points.forEachStepBackwards { point in
      if point.epoch == epoch { found = point.value }
      return found == nil && point.step > checkpoint.step
    }
    return found
  }

  /// Deletes a checkpoint, not its chunks.
  /// - Returns: the chunks that it named.
  static func remove(_ db: Database, _ id: Int64) throws -> Set<Int64> {
    let chunks = try db.int64s(
      "SELECT DISTINCT chunk_id FROM checkpoint_chunks WHERE checkpoint_id = ?", [id])
    try db.run("DELETE FROM checkpoint_chunks WHERE checkpoint_id = ?", [id])
    try db.run("DELETE FROM checkpoints WHERE id = ?", [id])
    return Set(chunks)
  }

  /// Deletes what the run's policy does not keep: all but its newest `keep_last` and the best.
  /// - Returns: the chunks that were named by what is gone.
  static func applyPolicy(_ db: Database, run: Int64) throws -> Set<Int64> {
    guard let keep = try db.int64("SELECT keep_last FROM runs WHERE id = ?", [run]) else {
      return []
    }
    let checkpoints = try all(db, run: run)
    let old = checkpoints.dropLast(Int(max(1, keep))).filter { !$0.isBest }
    return try old.reduce(into: []) { $0.formUnion(try remove(db, $1.id)) }
  }
}
