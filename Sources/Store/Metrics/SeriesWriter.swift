// Adds points to one series and keeps its summary exact. A new point normally only adds to it; where
// attempts overlap in steps the summary is computed anew from the points that count, once per batch.

import Experiments
import GRDB

struct SeriesWriter {
  let id: Int64
  private var summary: SeriesSummary
  private var hasChanged = false
  private var mustRecompute = false

  /// The series of a run and key, made if there is none.
  init(_ db: Database, run: Int64, key: String, attempt: Int64) throws {
    let keyId = try MetricKeys.id(db, key)
    let row = try db.row(
      """
      SELECT id, attempt, older_last_step, last, last_step, last_time, last_epoch, min, max, sum,
        numbers, count
      FROM metrics WHERE run_id = ? AND key_id = ?
      """, [run, keyId])
    guard let row else {
      summary = SeriesSummary(attempt: attempt)
      // Its real values follow in the same transaction.
      try db.run(
        """
        INSERT INTO metrics
          (run_id, key_id, attempt, last, last_step, last_time, min, max, sum, numbers, count)
        VALUES (?, ?, ?, 'NaN', 0, 0, 'NaN', 'NaN', 0.0, 0, 0)
        """, [run, keyId, attempt])
      id = db.lastInsertedRowID
      return
    }
    id = row[0]
    summary = SeriesSummary(attempt: row[1], olderLastStep: row[2])
    summary.totals = SeriesSummary.Totals(
      last: try MetricColumn.double(row[3]), lastStep: row[4], lastTime: row[5],
      lastEpoch: row[6], min: try MetricColumn.double(row[7]),
      max: try MetricColumn.double(row[8]), sum: try MetricColumn.double(row[9]),
      numbers: row[10], count: row[11])
  }

  mutating func add(_ db: Database, _ point: SeriesPoints.Point) throws {
    if try SeriesPoints.insert(db, series: id, point) {
      note(point)
    } else if point.attempt != summary.attempt || summary.olderLastStep != nil,
      try SeriesPoints.claim(db, series: id, point)
    {
      note(point)
      mustRecompute = true
    }
  }

  private mutating func note(_ point: SeriesPoints.Point) {
    hasChanged = true
    if point.attempt > summary.attempt {
      // Every step that was written counts for someone, so the last step is the greatest of all.
      if summary.totals.count > 0 { raiseOlderLastStep(to: summary.totals.lastStep) }
      summary.attempt = point.attempt
    } else if point.attempt < summary.attempt {
      raiseOlderLastStep(to: point.step)
    }
    if let older = summary.olderLastStep, point.step <= older { mustRecompute = true }
    if !mustRecompute {
      summary.totals.add(
        step: point.step, time: point.time, value: point.value, epoch: point.epoch)
    }
  }

  private mutating func raiseOlderLastStep(to step: Int64) {
    summary.olderLastStep = max(summary.olderLastStep ?? step, step)
  }

  /// Writes the summary, if points were added.
  mutating func finish(_ db: Database) throws {
    guard hasChanged else { return }
    if mustRecompute {
      var totals = SeriesSummary.Totals()
      try SeriesPoints.forEach(db, series: id) {
        totals.add(step: $0.step, time: $0.time, value: $0.value, epoch: $0.epoch)
      }
      summary.totals = totals
    }
    let totals = summary.totals
    try db.run(
      """
      UPDATE metrics SET attempt = ?, older_last_step = ?, last = ?, last_step = ?, last_time = ?,
        last_epoch = ?, min = ?, max = ?, sum = ?, numbers = ?, count = ?
      WHERE id = ?
      """,
      [
        summary.attempt, summary.olderLastStep, MetricColumn.databaseValue(totals.last),
        totals.lastStep, totals.lastTime, totals.lastEpoch, MetricColumn.databaseValue(totals.min),
        MetricColumn.databaseValue(totals.max), MetricColumn.databaseValue(totals.sum),
        totals.numbers, totals.count, id,
      ])
  }
}
