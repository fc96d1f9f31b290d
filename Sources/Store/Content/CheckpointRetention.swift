// What stays of a run's checkpoints when another one comes. Neither looks at all of them: a training
// may keep thousands.

import Experiments
import GRDB

enum CheckpointRetention {
  /// Notes which epoch is the best now that a checkpoint of `place` was added.
  /// - Parameters:
  ///   - attempt: the number of the attempt that added it.
  ///   - isRepeated: whether it took the place of another one.
  static func noteBest(
    _ db: Database, run: Int64, added place: BestCheckpoint.Place, attempt: Int64,
    isRepeated: Bool
  ) throws -> Int {
    let rule = try BestCheckpoint(db, run: run)
    let known = try db.row(
      """
      SELECT r.best_epoch, c.step FROM runs r
        JOIN checkpoints c ON c.run_id = r.id AND c.epoch = r.best_epoch
      WHERE r.id = ? LIMIT 1
      """, [run])
    let before = try db.row(
      """
      SELECT epoch, attempt FROM checkpoints WHERE run_id = ? AND epoch <> ?
      ORDER BY epoch DESC LIMIT 1
      """, [run, place.epoch])
    let best: Int
    // A newer attempt may have measured the others' epochs anew.
    if !isRepeated, let known, let before, before[0] < place.epoch, before[1] == attempt {
      let old: BestCheckpoint.Place = (known[0], known[1])
      guard old.epoch != place.epoch, try rule.isBetter(newest: place, than: old) else {
        return old.epoch
      }
      best = place.epoch
    } else {
      let places = try db.rows(
        "SELECT epoch, MAX(step) FROM checkpoints WHERE run_id = ? GROUP BY epoch ORDER BY epoch",
        [run]
      ).map { (epoch: $0[0] as Int, step: $0[1] as Int64) }
      best = try rule.index(of: places).map { places[$0].epoch } ?? place.epoch
    }
    try db.run("UPDATE runs SET best_epoch = ? WHERE id = ?", [best, run])
    return best
  }

  /// Deletes what the run's policy does not keep of what its attempts have added. Epochs are kept if
  /// they are among the newest `keep_last` or the best. One between two of every `every`, which was the
  /// best when the attempt before ended there, goes as if that had not been. Of those that are kept, the whole state stays
  /// where it is the newest whole one, the best, or that of a multiple of `whole_every`, or where no
  /// snapshot is there to stay instead.
  /// - Returns: the chunks that were named by what is gone.
  static func apply(
    _ db: Database, run: Int64, added epoch: Int, best: Int
  ) throws -> Set<Int64> {
    let policy = try db.row("SELECT keep_last, whole_every FROM runs WHERE id = ?", [run])
    let keepLast: Int? = policy?[0]
    let wholeEvery: Int? = policy?[1]
    var leaving = try between(db, run: run, before: epoch, best: best)
    if let keepLast {
      let first = try db.int64(
        """
        SELECT DISTINCT epoch FROM checkpoints WHERE run_id = ? AND attempt <> 0
        ORDER BY epoch DESC LIMIT 1 OFFSET ?
        """, [run, max(1, keepLast) - 1])
      if let first {
        leaving += try db.int64s(
          """
          SELECT id FROM checkpoints
          WHERE run_id = ? AND epoch < ? AND epoch <> ? AND attempt <> 0
          """, [run, first, best])
      }
    }
    if wholeEvery != 1 {
      leaving += try db.int64s(
        """
        SELECT c.id FROM checkpoints c
        WHERE c.run_id = ?1 AND c.kind = 'checkpoint' AND c.attempt <> 0 AND c.epoch <> ?2
          AND (?3 IS NULL OR c.epoch % ?3 <> 0)
          AND c.epoch <> (SELECT MAX(n.epoch) FROM checkpoints n
            WHERE n.run_id = ?1 AND n.kind = 'checkpoint' AND n.attempt <> 0)
          AND EXISTS (SELECT 1 FROM checkpoints s
            WHERE s.run_id = ?1 AND s.epoch = c.epoch AND s.kind = 'snapshot')
        """, [run, best, wholeEvery])
    }
    var gone: Set<Int64> = []
    for id in Set(leaving) { gone.formUnion(try CheckpointRows.remove(db, id)) }
    return gone
  }

  /// The checkpoints between the newest, if that is `epoch`, and the last of every `every` before it.
  private static func between(
    _ db: Database, run: Int64, before epoch: Int, best: Int
  ) throws -> [Int64] {
    let every = try db.int64(
      """
      SELECT json_extract(j.spec, '$.checkpoints.every') FROM runs r JOIN jobs j ON j.id = r.job_id
      WHERE r.id = ?
      """, [run])
    guard let every, every > 1 else { return [] }
    return try db.int64s(
      """
      SELECT id FROM checkpoints
      WHERE run_id = ?1 AND epoch < ?2 AND epoch > ?2 - 1 - (?2 - 1) % ?3
        AND epoch <> ?4 AND attempt <> 0
        AND ?2 = (SELECT MAX(n.epoch) FROM checkpoints n WHERE n.run_id = ?1)
      """, [run, epoch, every, best])
  }
}
