// Metrics: named series of points of a run. A point's key is (series, step, time, value), so a batch
// may be sent again; the summaries that lists and queries read are kept in the same transaction.

package import Experiments
import GRDB

extension Store {
  /// Adds what a worker measured. Points that are there already change nothing.
  /// - Returns: how many points there were.
  /// - Throws: `attempt_not_found`, `attempt_fenced`, `limit_exceeded`, `invalid_value`.
  @discardableResult
  package func appendMetrics(attempt id: Int64, _ series: [PointSeries]) async throws -> Int {
    let count = try Self.check(series)
    try await write { db, change in
      let attempt = try AttemptRows.live(db, id)
      // An attempt's run cannot be deleted before its job is over.
      let origin = try Self.origin(db, run: attempt.runId)
      try Self.append(series, db, run: attempt.runId, attempt: attempt.number, origin: origin)
      change.note(.metrics, run: attempt.runId, job: attempt.jobId)
    }
    notePoints(count)
    return count
  }

  /// Adds points to a run by someone who is not one of its attempts.
  /// - Returns: how many points there were.
  /// - Throws: `run_not_found`, `run_deleted`, `limit_exceeded`, `invalid_value`.
  @discardableResult
  package func appendMetrics(run id: Int64, _ series: [PointSeries]) async throws -> Int {
    let count = try Self.check(series)
    try await write { [clock] db, change in
      try Self.append(series, db, run: id, at: clock.now(), &change)
    }
    notePoints(count)
    return count
  }

  /// The same for those that cannot wait: `answer` is called on the writer's thread once the points
  /// are on disk, or with the error. The caller bounds how many of these are under way.
  /// - Throws: `limit_exceeded`, `invalid_value`.
  package func appendMetrics(
    run id: Int64, _ series: [PointSeries],
    answer: @escaping @Sendable (Result<Int, any Error>) -> Void
  ) throws {
    let count = try Self.check(series)
    try submit(
      { [clock] db, change in
        try Self.append(series, db, run: id, at: clock.now(), &change)
        return count
      },
      answer: { [weak self] result in
        if case .success(let count) = result { self?.notePoints(count) }
        answer(result)
      })
  }

  package func appendMetrics(attempt id: Int64, _ points: [MetricPoint]) async throws {
    try await appendMetrics(attempt: id, PointSeries.grouping(points))
  }

  package func appendMetrics(run id: Int64, _ points: [MetricPoint]) async throws {
    try await appendMetrics(run: id, PointSeries.grouping(points))
  }

  private static func check(_ series: [PointSeries]) throws -> Int {
    var count = 0
    for one in series {
      guard !one.key.isEmpty else {
        throw StoreError.invalidValue(field: "key", message: "must not be empty")
      }
      try Bounds.length(one.key, of: "key", atMost: Limits.keyCharacters)
      guard one.isRectangular else {
        throw StoreError.invalidValue(
          field: "series", message: "\"\(one.key)\" has columns of different lengths")
      }
      count += one.count
    }
    try Bounds.count(count, of: "points", atMost: Limits.pointsPerRequest)
    return count
  }

  /// By someone who is none of the run's attempts.
  private static func append(
    _ series: [PointSeries], _ db: Database, run: Int64, at now: Timestamp,
    _ change: inout StoreChange
  ) throws {
    let (origin, hasLease) = try LeaseRows.requireUsable(db, run: run)
    try append(series, db, run: run, attempt: 0, origin: origin)
    change.note(.metrics, run: run)
    if hasLease { try LeaseRows.renew(db, run: run, at: now, &change) }
  }

  private static func append(
    _ series: [PointSeries], _ db: Database, run: Int64, attempt: Int64, origin: Int64
  ) throws {
    for points in series where points.count > 0 {
      var writer = try SeriesWriter(db, run: run, key: points.key, attempt: attempt)
      try writer.add(points, origin: origin)
      try writer.finish()
    }
  }

  /// A series as it counts: of each step only what the newest attempt wrote, in order of step and
  /// time.
  /// - Throws: `run_not_found`, `metric_not_found`.
  package func history(
    run id: Int64, key: String
  ) async throws -> (summary: MetricSummary, points: [MetricPoint]) {
    let (summary, series) = try await series(run: id, key: key)
    return (summary, series.points)
  }

  /// The same as columns.
  /// - Parameter most: at most so many points, chosen so that a plot of them looks like one of all
  ///   (see `Thinning`); nil: all of them. 10 is the least.
  /// - Throws: `run_not_found`, `metric_not_found`, `invalid_value`.
  package func series(
    run id: Int64, key: String, most: Int? = nil
  ) async throws -> (summary: MetricSummary, series: PointSeries) {
    if let most, most < Thinning.fewest {
      throw StoreError.invalidValue(
        field: "points", message: "is \(most); it must be at least \(Thinning.fewest)")
    }
    return try await read { db in
      let origin = try Self.origin(db, run: id)
      let row = try DirectStatement(
        db,
        """
        SELECT m.id, m.last, m.last_step, m.last_epoch, m.min, m.max, m.sum, m.numbers, m.count
        FROM metrics m JOIN metric_keys k ON k.id = m.key_id WHERE m.run_id = ? AND k.name = ?
        """)
      defer { row.reset() }
      row.bind(1, id)
      row.bind(2, key)
      guard try row.step() else { throw StoreError.metricNotFound(run: id, key: key) }
      let metric = row.int64(0)
      let summary = try SeriesSummary.metricSummary(row, from: 1)
      let hasNaN = row.int64(7) < summary.count
      var series = PointSeries(key: key)
      func take(_ point: StoredPoint) {
        series.append(
          step: point.step, time: origin &+ point.time, value: point.value, epoch: point.epoch)
      }
      if let most, summary.count > most {
        try Thinning.thin(db, metric: metric, count: summary.count, hasNaN: hasNaN, most: most)
          .forEach(take)
      } else {
        // A count that is read may be anything.
        try CountedPoints(db, metric: metric).append(
          to: &series, origin: origin, count: Int(clamping: min(max(0, summary.count), 1 << 24)))
      }
      return (summary, series)
    }
  }

  /// What was measured at the ends of the epochs after `epoch`, in order: of each epoch the values
  /// at its first step (where it was over), newest attempt.
  /// - Throws: `run_not_found`.
  package func epochMetrics(
    run id: Int64, afterEpoch epoch: Int64
  ) async throws -> [(epoch: Int64, step: Int64, metrics: [String: Double])] {
    try await read { db in
      _ = try Self.origin(db, run: id)
      var ends: [Int64: (step: Int64, metrics: [String: Double])] = [:]
      let series = try db.rows(
        """
        SELECT m.id, k.name FROM metrics m JOIN metric_keys k ON k.id = m.key_id
        WHERE m.run_id = ? AND (m.last_epoch IS NULL OR m.last_epoch > ?)
        """, [id, epoch])
      for row in series {
        let key: String = row[1]
        try CountedPoints(db, metric: row[0]).forEachStepBackwards { point in
          guard let own = point.epoch else { return true }
          guard own > epoch else { return false }
          var end = ends[own] ?? (point.step, [:])
          if point.step < end.step { end = (point.step, [:]) }
          if point.step == end.step { end.metrics[key] = point.value }
          ends[own] = end
          return true
        }
      }
      return ends.sorted { $0.key < $1.key }.map { ($0.key, $0.value.step, $0.value.metrics) }
    }
  }

  private static func origin(_ db: Database, run: Int64) throws -> Int64 {
    let statement = try DirectStatement(db, "SELECT created_at FROM runs WHERE id = ?")
    defer { statement.reset() }
    statement.bind(1, run)
    guard try statement.step() else { throw StoreError.runNotFound(name: "\(run)") }
    return statement.int64(0)
  }
}
