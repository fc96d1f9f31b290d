// Checkpoints between their tables and their records.

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
      checkpoints.append(try record(row))
    }
    let best = try BestCheckpoint(db, run: run).index(of: checkpoints.map { ($0.epoch, $0.step) })
    guard let best else { return [] }
    checkpoints[checkpoints.count - 1].isLatest = true
    checkpoints[best].isBest = true
    return checkpoints
  }

  /// What is kept of one epoch.
  /// - Parameter best: the epoch that is the best.
  static func one(_ db: Database, run: Int64, epoch: Int, best: Int) throws -> Checkpoint {
    let row = try db.row(select + "WHERE run_id = ? AND epoch = ? ORDER BY kind", [run, epoch])
    guard let row else { throw StoreError.checkpointNotFound(run: run, choice: "\(epoch)") }
    var checkpoint = try record(row)
    checkpoint.isBest = epoch == best
    checkpoint.isLatest =
      try db.int64("SELECT MAX(epoch) FROM checkpoints WHERE run_id = ?", [run]) == Int64(epoch)
    return checkpoint
  }

  /// Both that are kept of an epoch, if there are both.
  static func records(_ db: Database, run: Int64, epoch: Int) throws -> [Checkpoint] {
    try db.rows(select + "WHERE run_id = ? AND epoch = ? ORDER BY kind", [run, epoch])
      .map { try record($0) }
  }

  private static func record(_ row: Row) throws -> Checkpoint {
    Checkpoint(
      id: row[0], runId: row[1], kind: try row.name(2), epoch: row[3], step: row[4],
      sha256: row[5], rawBytes: row[6], storedBytes: row[7], tensors: row[8],
      createdAt: row.time(9), isBest: false, isLatest: false)
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

  /// Deletes a checkpoint, not its chunks.
  /// - Returns: the chunks that it named.
  static func remove(_ db: Database, _ id: Int64) throws -> Set<Int64> {
    let chunks = try db.int64s(
      "SELECT DISTINCT chunk_id FROM checkpoint_chunks WHERE checkpoint_id = ?", [id])
    try db.run("DELETE FROM checkpoint_chunks WHERE checkpoint_id = ?", [id])
    try db.run("DELETE FROM checkpoints WHERE id = ?", [id])
    return Set(chunks)
  }
}
