// Takes the metrics of a run away for good, some points at a time, so that nobody waits long for
// the writer however long the series are.

import GRDB

enum SeriesRemoval {
  /// Deletes points of the run, each series once it has none left, and each metric once it has no
  /// series.
  /// - Parameter limit: the most points that are deleted, about.
  /// - Returns: how many were, and whether the run has no series any more.
  static func removeSome(
    _ db: Database, run: Int64, atMost limit: Int
  ) throws -> (points: Int64, isDone: Bool) {
    var points: Int64 = 0
    while points < limit {
      let metric = try db.int64("SELECT id FROM metrics WHERE run_id = ? LIMIT 1", [run])
      guard let metric else { return (points, true) }
      guard let series = try db.int64("SELECT id FROM series WHERE metric_id = ? LIMIT 1", [metric])
      else {
        try db.run("DELETE FROM metrics WHERE id = ?", [metric])
        continue
      }
      let (removed, isEmpty) = try remove(db, series: series, atMost: limit - Int(points))
      points += removed
      guard isEmpty else { break }
      try db.run("DELETE FROM series WHERE id = ?", [series])
    }
    return (points, false)
  }

  private static func remove(
    _ db: Database, series: Int64, atMost limit: Int
  ) throws -> (points: Int64, isEmpty: Bool) {
    // A block stands for points that are about to go.
    try db.run("DELETE FROM series_blocks WHERE series_id = ?", [series])
    // The key of the first point that stays; a range is deleted much faster than a list.
    let end = try db.row(
      """
      SELECT step, time, value FROM metric_points WHERE series_id = ?
      ORDER BY step, time, value LIMIT 1 OFFSET ?
      """, [series, limit])
    guard let end else {
      try db.run("DELETE FROM metric_points WHERE series_id = ?", [series])
      return (Int64(db.changesCount), true)
    }
    try db.run(
      """
      DELETE FROM metric_points WHERE series_id = ? AND (step, time, value) < (?, ?, ?)
      """, [series, end[0] as Int64, end[1] as Int64, end[2] as DatabaseValue])
    return (Int64(db.changesCount), false)
  }
}
