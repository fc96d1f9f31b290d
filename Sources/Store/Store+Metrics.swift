// Metrics: named series of points of a run. A point's key is (series, step, time, value), so a batch
// may be sent again; the summaries that lists and queries read are kept in the same transaction.

package import Experiments
import GRDB

extension Store {
  /// Adds what a worker measured. Points that are there already change nothing.
  /// - Throws: `attempt_not_found`, `attempt_fenced`, `limit_exceeded`, `invalid_value`.
  package func appendMetrics(attempt id: Int64, _ points: [MetricPoint]) async throws {
    try Self.check(points)
    try await write { db, change in
      let attempt = try AttemptRows.live(db, id)
      try Self.append(points, db, run: attempt.runId, attempt: attempt.number)
      change.note(.metrics, run: attempt.runId, job: attempt.jobId)
    }
  }

  /// Adds points to a run by someone who is not one of its attempts.
  /// - Throws: `run_not_found`, `limit_exceeded`, `invalid_value`.
  package func appendMetrics(run id: Int64, _ points: [MetricPoint]) async throws {
    try Self.check(points)
    try await write { db, change in
      try Self.append(points, db, run: id, attempt: 0)
      change.note(.metrics, run: id)
    }
  }

  private static func check(_ points: [MetricPoint]) throws {
    try Bounds.count(points.count, of: "points", atMost: Limits.pointsPerRequest)
    for point in points {
      guard !point.key.isEmpty else {
        throw StoreError.invalidValue(field: "key", message: "must not be empty")
      }
      try Bounds.length(point.key, of: "key", atMost: Limits.keyCharacters)
    }
  }

  private static func append(
    _ points: [MetricPoint], _ db: Database, run: Int64, attempt: Int64
  ) throws {
    guard let origin = try db.int64("SELECT created_at FROM runs WHERE id = ?", [run]) else {
      throw StoreError.runNotFound(name: "\(run)")
    }
    var series: [SeriesWriter] = []
    var indices: [String: Int] = [:]
    for point in points {
      let time = point.time.microseconds.subtractingReportingOverflow(origin)
      guard !time.overflow else {
        throw StoreError.invalidValue(
          field: "time", message: "\(point.time.microseconds) is out of range")
      }
      let index: Int
      if let known = indices[point.key] {
        index = known
      } else {
        index = series.count
        series.append(try SeriesWriter(db, run: run, key: point.key, attempt: attempt))
        indices[point.key] = index
      }
      try series[index].add(
        db,
        SeriesPoints.Point(
          step: point.step, time: time.partialValue, value: point.value, epoch: point.epoch,
          attempt: attempt))
    }
    for index in series.indices { try series[index].finish(db) }
  }

  /// A series as it counts: of each step only what the newest attempt wrote, in order of step and
  /// time.
  /// - Throws: `run_not_found`, `metric_not_found`.
  package func history(
    run id: Int64, key: String
  ) async throws -> (summary: MetricSummary, points: [MetricPoint]) {
    try await read { db in
      let origin = try Self.origin(db, run: id)
      let row = try db.row(
        """
        SELECT m.id, m.last, m.last_step, m.last_epoch, m.min, m.max, m.sum, m.numbers, m.count
        FROM metrics m JOIN metric_keys k ON k.id = m.key_id WHERE m.run_id = ? AND k.name = ?
        """, [id, key])
      guard let row else { throw StoreError.metricNotFound(run: id, key: key) }
      var points: [MetricPoint] = []
      points.reserveCapacity(row[8])
      try SeriesPoints.forEach(db, series: row[0]) { point in
        points.append(
          MetricPoint(
            key: key, step: point.step, epoch: point.epoch,
            time: Timestamp(microseconds: origin &+ point.time), value: point.value))
      }
      return (try SeriesSummary.metricSummary(row, from: 1), points)
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
        try SeriesPoints.forEachStepBackwards(db, series: row[0]) { point in
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
    guard let origin = try db.int64("SELECT created_at FROM runs WHERE id = ?", [run]) else {
      throw StoreError.runNotFound(name: "\(run)")
    }
    return origin
  }
}
