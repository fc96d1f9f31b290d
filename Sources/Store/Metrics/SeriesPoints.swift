// All access to the rows of metric points goes through here and `SeriesWriter`, so that the table's
// layout may change. A series is what one attempt wrote of a metric.

import Experiments
import GRDB

/// A stored point; `time` in microseconds since the run's creation.
struct StoredPoint: Equatable {
  var step: Int64
  var time: Int64
  var value: Double
  var epoch: Int64?

  /// Whether it comes after the other in the order of the points' key, where NaN is a text and so
  /// comes after all numbers.
  func isAfter(_ other: StoredPoint) -> Bool {
    if step != other.step { return step > other.step }
    if time != other.time { return time > other.time }
    return value.isNaN ? !other.value.isNaN : value > other.value
  }
}

/// Steps through the points of one series in rising or falling order of (step, time, value).
struct SeriesCursor {
  private let statement: DirectStatement
  /// The point it is at; nil at the end.
  private(set) var point: StoredPoint?

  /// Stands at the first point.
  /// - Parameter isShared: false where several are open at once.
  init(
    _ db: Database, series: Int64, steps: ClosedRange<Int64>, falling: Bool = false,
    isShared: Bool = true
  ) throws {
    statement = try DirectStatement(
      db, falling ? Self.fallingSQL : Self.risingSQL, isShared: isShared)
    statement.bind(1, series)
    statement.bind(2, steps.lowerBound)
    statement.bind(3, steps.upperBound)
    try advance()
  }

  private static let risingSQL = """
    SELECT step, time, value, epoch FROM metric_points
    WHERE series_id = ? AND step BETWEEN ? AND ? ORDER BY step, time, value
    """
  private static let fallingSQL = """
    SELECT step, time, value, epoch FROM metric_points
    WHERE series_id = ? AND step BETWEEN ? AND ? ORDER BY step DESC, time DESC, value DESC
    """

  /// Adds a series' points to columns, without a point of its own for each.
  static func append(
    _ db: Database, series: Int64, steps: ClosedRange<Int64>, origin: Int64,
    to columns: inout PointSeries
  ) throws {
    let statement = try DirectStatement(db, risingSQL)
    defer { statement.reset() }
    statement.bind(1, series)
    statement.bind(2, steps.lowerBound)
    statement.bind(3, steps.upperBound)
    while try statement.step() {
      columns.append(
        step: statement.int64(0), time: origin &+ statement.int64(1),
        value: try statement.value(2), epoch: statement.optionalInt64(3))
    }
  }

  mutating func advance() throws {
    do {
      guard try statement.step() else { return close() }
      point = StoredPoint(
        step: statement.int64(0), time: statement.int64(1), value: try statement.value(2),
        epoch: statement.optionalInt64(3))
    } catch {
      close()
      throw error
    }
  }

  /// To be called unless the end was reached.
  mutating func close() {
    statement.reset()
    point = nil
  }
}
