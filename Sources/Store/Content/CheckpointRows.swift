// Checkpoints between their tables and their records, which of them is the best, and which are kept.

import Experiments
import GRDB

enum CheckpointRows {
  /// A checkpoint before it is known whether it is the best or the newest.
  private static let select = """
    SELECT id, run_id, kind, epoch, step, sha256, raw_bytes, stored_bytes,
      json_array_length(manifest, '$.tensors'), created_at
    FROM checkpoints

    """

  /// What is kept of each epoch of a run, in order: its whole state, or else its weights.
  static func all(_ db: Database, run: Int64) throws -> [Checkpoint] {
    // A checkpoint comes before a snapshot, as in the alphabet.
    let rows = try db.rows(select + "WHERE run_id = ? ORDER BY epoch, kind", [run])
    var checkpoints: [Checkpoint] = []
    for row in rows where checkpoints.last?.epoch != row[3] {
      checkpoints.append(
        Checkpoint(
          id: row[0], runId: row[1], kind: try row.name(2), epoch: row[3], step: row[4],
          sha256: row[5], rawBytes: row[6], storedBytes: row[7], tensors: row[8],
          createdAt: row.time(9), isBest: false, isLatest: false))
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

  /// Deletes what the run's policy does not keep. Epochs are kept if they are among the newest
  /// `keep_last` or the best. Of those that are kept, the whole state stays where it is the newest
  /// whole one, the best, or that of a multiple of `whole_every`, or where no snapshot is there to
  /// stay instead.
  /// - Returns: the chunks that were named by what is gone.
  static func applyPolicy(_ db: Database, run: Int64) throws -> Set<Int64> {
    let policy = try db.row("SELECT keep_last, whole_every FROM runs WHERE id = ?", [run])
    let keepLast: Int? = policy?[0]
    let wholeEvery: Int? = policy?[1]
    let epochs = try all(db, run: run)
    let newestWhole = epochs.last { $0.kind == .checkpoint }?.epoch
    let kept = keepLast.map { epochs.suffix(max(1, $0)) } ?? epochs[...]
    let first = kept.first?.epoch ?? 0
    let snapshots = Set(
      try db.rows("SELECT epoch FROM checkpoints WHERE run_id = ? AND kind = 'snapshot'", [run])
        .map { $0[0] as Int })
    var gone: Set<Int64> = []
    for epoch in epochs {
      guard epoch.isBest || epoch.epoch >= first else {
        let rows = try db.int64s(
          "SELECT id FROM checkpoints WHERE run_id = ? AND epoch = ?", [run, epoch.epoch])
        for row in rows { gone.formUnion(try remove(db, row)) }
        continue
      }
      let staysWhole =
        epoch.kind == .snapshot || epoch.isBest || epoch.epoch == newestWhole
        || wholeEvery.map { epoch.epoch.isMultiple(of: $0) } ?? false
        || !snapshots.contains(epoch.epoch)
      if !staysWhole { gone.formUnion(try remove(db, epoch.id)) }
    }
    return gone
  }
}
