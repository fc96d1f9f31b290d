// What the doctor needs to know of the layout of metrics: their stored summaries, the same from their
// points, and writing the one over the other.

import Experiments
import GRDB

enum SummaryRows {
  struct Stored {
    let run: Int64
    let key: String
    let totals: SeriesSummary.Totals
  }

  static func stored(_ db: Database, metric: Int64) throws -> Stored? {
    let row = try db.row(
      """
      SELECT m.run_id, k.name, m.last, m.last_step, m.last_time, m.last_epoch, m.min, m.max, m.sum,
        m.numbers, m.count
      FROM metrics m LEFT JOIN metric_keys k ON k.id = m.key_id WHERE m.id = ?
      """, [metric])
    guard let row else { return nil }
    return Stored(
      run: row[0], key: (row[1] as String?) ?? "(without a name)",
      totals: SeriesSummary.Totals(
        last: try MetricColumn.double(row[2]), lastStep: row[3], lastTime: row[4],
        lastEpoch: row[5], min: try MetricColumn.double(row[6]),
        max: try MetricColumn.double(row[7]), sum: try MetricColumn.double(row[8]),
        numbers: row[9], count: row[10]))
  }

  /// - Returns: also the sum of the values' sizes, which bounds the rounding of their sum.
  static func recomputed(
    _ db: Database, metric: Int64
  ) throws -> (totals: SeriesSummary.Totals, magnitude: Double) {
    var totals = SeriesSummary.Totals()
    var magnitude = 0.0
    try CountedPoints(db, metric: metric).forEach { point in
      totals.add(point)
      if point.value.isFinite { magnitude += abs(point.value) }
    }
    return (totals, magnitude)
  }

  /// Makes the summary that of the points. A metric without points has none to tell.
  static func rewrite(_ db: Database, metric: Int64) throws {
    let (totals, _) = try recomputed(db, metric: metric)
    guard totals.count > 0 else { return }
    try db.run(
      """
      UPDATE metrics SET last = ?, last_step = ?, last_time = ?, last_epoch = ?, min = ?, max = ?,
        sum = ?, numbers = ?, count = ?
      WHERE id = ?
      """,
      [
        MetricColumn.databaseValue(totals.last), totals.lastStep, totals.lastTime,
        totals.lastEpoch, MetricColumn.databaseValue(totals.min),
        MetricColumn.databaseValue(totals.max), MetricColumn.databaseValue(totals.sum),
        totals.numbers, totals.count, metric,
      ])
  }
}
