// All access to stored metric points goes through here: adding them, and reading those that count
// (of each step what the newest attempt wrote), so that the table's layout may change.

import Experiments
import GRDB

enum SeriesPoints {
  /// A stored point; `time` in microseconds since the run's creation.
  struct Point {
    var step: Int64
    var time: Int64
    var value: Double
    var epoch: Int64?
    var attempt: Int64
  }

  /// - Returns: whether it was not there.
  static func insert(_ db: Database, series: Int64, _ point: Point) throws -> Bool {
    try db.changed(
      """
      INSERT OR IGNORE INTO metric_points (metric_id, step, time, value, epoch, attempt)
      VALUES (?, ?, ?, ?, ?, ?)
      """,
      [
        series, point.step, point.time, MetricColumn.databaseValue(point.value), point.epoch,
        point.attempt,
      ])
  }

  /// Makes an existing point that of a newer attempt.
  /// - Returns: whether it was an older one's.
  static func claim(_ db: Database, series: Int64, _ point: Point) throws -> Bool {
    try db.changed(
      """
      UPDATE metric_points SET attempt = ?, epoch = ?
      WHERE metric_id = ? AND step = ? AND time = ? AND value = ? AND attempt < ?
      """,
      [
        point.attempt, point.epoch, series, point.step, point.time,
        MetricColumn.databaseValue(point.value), point.attempt,
      ])
  }

  /// Hands over the points that count, in order of (step, time, value).
  static func forEach(
    _ db: Database, series: Int64, _ body: (Point) throws -> Void
  ) throws {
    let statement = try db.cachedStatement(
      sql: """
        SELECT step, time, value, epoch, attempt FROM metric_points WHERE metric_id = ?
        ORDER BY step, time, value
        """)
    let rows = try Row.fetchCursor(statement, arguments: [series])
    var sameStep: [Point] = []
    while let row = try rows.next() {
      let point = try point(row)
      if let first = sameStep.first, first.step != point.step {
        try sameStep.forEach(body)
        sameStep.removeAll(keepingCapacity: true)
      }
      if let attempt = sameStep.first?.attempt {
        if point.attempt < attempt { continue }
        if point.attempt > attempt { sameStep.removeAll(keepingCapacity: true) }
      }
      sameStep.append(point)
    }
    try sameStep.forEach(body)
  }

  /// Hands over the last point that counts of each step, in falling order of steps, until `body`
  /// returns false.
  static func forEachStepBackwards(
    _ db: Database, series: Int64, from step: Int64 = .max, _ body: (Point) throws -> Bool
  ) throws {
    let statement = try db.cachedStatement(
      sql: """
        SELECT step, time, value, epoch, attempt FROM metric_points
        WHERE metric_id = ? AND step <= ? ORDER BY step DESC, time DESC, value DESC
        """)
    let rows = try Row.fetchCursor(statement, arguments: [series, step])
    var best: Point?
    while let row = try rows.next() {
      let point = try point(row)
      guard let candidate = best else {
        best = point
        continue
      }
      if candidate.step == point.step {
        if point.attempt > candidate.attempt { best = point }
        continue
      }
      guard try body(candidate) else { return }
      best = point
    }
    if let best { _ = try body(best) }
  }

  private static func point(_ row: Row) throws -> Point {
    Point(
      step: row[0], time: row[1], value: try MetricColumn.double(row[2]), epoch: row[3],
      attempt: row[4])
  }
}
