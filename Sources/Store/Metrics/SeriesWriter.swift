// Adds points to what one attempt wrote of a metric, and keeps the metric's summary exact. A new point
// normally only adds to it; where attempts overlap in steps the summary is computed anew from the
// points that count, once per batch.

import Experiments
import GRDB

struct SeriesWriter {
  private let db: Database
  private let metric: Int64
  private let series: Int64
  private let attempt: Int64
  private let countBefore: Int64
  private let lastStepBefore: Int64
  private var summary: SeriesSummary
  private var hasChanged = false
  private var mustRecompute = false
  /// Where new points did not come in order: single steps, or if there are many one range.
  private var late: [ClosedRange<Int64>] = []
  private static let mostLate = 64

  /// For a run, key and attempt; metric and series are made if there are none.
  init(_ db: Database, run: Int64, key: String, attempt: Int64) throws {
    self.db = db
    self.attempt = attempt
    let keyId = try MetricKeys.id(db, key)
    if let known = try Self.known(db, run: run, key: keyId) {
      (metric, summary) = known
    } else {
      summary = SeriesSummary(attempt: attempt)
      // Its real values follow in the same transaction.
      try db.run(
        """
        INSERT INTO metrics
          (run_id, key_id, attempt, last, last_step, last_time, min, max, sum, numbers, count)
        VALUES (?, ?, ?, 'NaN', 0, 0, 'NaN', 'NaN', 0.0, 0, 0)
        """, [run, keyId, attempt])
      metric = db.lastInsertedRowID
    }
    countBefore = summary.totals.count
    lastStepBefore = summary.totals.lastStep
    series = try Self.series(db, metric: metric, attempt: attempt)
  }

  private static func known(
    _ db: Database, run: Int64, key: Int64
  ) throws -> (metric: Int64, summary: SeriesSummary)? {
    let row = try DirectStatement(
      db,
      """
      SELECT id, attempt, older_last_step, last, last_step, last_time, last_epoch, min, max, sum,
        numbers, count
      FROM metrics WHERE run_id = ? AND key_id = ?
      """)
    defer { row.reset() }
    row.bind(1, run)
    row.bind(2, key)
    guard try row.step() else { return nil }
    var summary = SeriesSummary(attempt: row.int64(1), olderLastStep: row.optionalInt64(2))
    summary.totals = SeriesSummary.Totals(
      last: try row.value(3), lastStep: row.int64(4), lastTime: row.int64(5),
      lastEpoch: row.optionalInt64(6), min: try row.value(7), max: try row.value(8),
      sum: try row.value(9), numbers: row.int64(10), count: row.int64(11))
    return (row.int64(0), summary)
  }

  private static func series(_ db: Database, metric: Int64, attempt: Int64) throws -> Int64 {
    let row = try DirectStatement(
      db, "SELECT id FROM series WHERE metric_id = ? AND attempt = ?")
    defer { row.reset() }
    row.bind(1, metric)
    row.bind(2, attempt)
    if try row.step() { return row.int64(0) }
    try db.run("INSERT INTO series (metric_id, attempt) VALUES (?, ?)", [metric, attempt])
    return db.lastInsertedRowID
  }

  /// Adds those points that are not there yet.
  /// - Parameter origin: the run's creation.
  /// - Throws: `invalid_value` for a time that is too far from it.
  mutating func add(_ points: PointSeries, origin: Int64) throws {
    let insert = try DirectStatement(
      db,
      """
      INSERT OR IGNORE INTO metric_points (series_id, step, time, value, epoch)
      VALUES (?, ?, ?, ?, ?)
      """)
    insert.bind(1, series)
    for index in 0..<points.count {
      let (time, overflow) = points.times[index].subtractingReportingOverflow(origin)
      guard !overflow else {
        throw StoreError.invalidValue(
          field: "time", message: "\(points.times[index]) is out of range")
      }
      let point = StoredPoint(
        step: points.steps[index], time: time, value: points.values[index],
        epoch: points.epoch(index))
      insert.bind(2, point.step)
      insert.bind(3, point.time)
      insert.bind(4, value: point.value)
      insert.bind(5, point.epoch)
      if try insert.execute() > 0 { note(point) }
    }
  }

  private mutating func note(_ point: StoredPoint) {
    hasChanged = true
    if attempt > summary.attempt {
      // Every step that was written counts for someone, so the last step is the greatest of all.
      if summary.totals.count > 0 { raiseOlderLastStep(to: summary.totals.lastStep) }
      summary.attempt = attempt
    } else if attempt < summary.attempt {
      raiseOlderLastStep(to: point.step)
    }
    if let older = summary.olderLastStep, point.step <= older { mustRecompute = true }
    if countBefore > 0, point.step <= lastStepBefore { noteLate(point.step) }
    if !mustRecompute { summary.totals.add(point) }
  }

  private mutating func noteLate(_ step: Int64) {
    if let last = late.last, last.contains(step) { return }
    late.append(step...step)
    guard late.count > Self.mostLate else { return }
    let first = late.reduce(step) { min($0, $1.lowerBound) }
    late = [first...late.reduce(step) { max($0, $1.upperBound) }]
  }

  private mutating func raiseOlderLastStep(to step: Int64) {
    summary.olderLastStep = max(summary.olderLastStep ?? step, step)
  }

  /// Writes the summary, if points were added.
  mutating func finish() throws {
    guard hasChanged else { return }
    if mustRecompute { summary.totals = try SeriesSummary.totals(db, metric: metric) }
    try write(summary)
    for steps in late { try SeriesBlocks.drop(db, series: series, steps: steps) }
    if SeriesBlocks.isDue(from: countBefore, to: summary.totals.count) {
      try SeriesBlocks.extend(db, series: series)
    }
  }

  private func write(_ summary: SeriesSummary) throws {
    let totals = summary.totals
    let update = try DirectStatement(
      db,
      """
      UPDATE metrics SET attempt = ?, older_last_step = ?, last = ?, last_step = ?, last_time = ?,
        last_epoch = ?, min = ?, max = ?, sum = ?, numbers = ?, count = ?
      WHERE id = ?
      """)
    update.bind(1, summary.attempt)
    update.bind(2, summary.olderLastStep)
    update.bind(3, value: totals.last)
    update.bind(4, totals.lastStep)
    update.bind(5, totals.lastTime)
    update.bind(6, totals.lastEpoch)
    update.bind(7, value: totals.min)
    update.bind(8, value: totals.max)
    update.bind(9, value: totals.sum)
    update.bind(10, totals.numbers)
    update.bind(11, totals.count)
    update.bind(12, metric)
    try update.execute()
  }
}
