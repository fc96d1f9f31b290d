// The summary of one metric of a run, kept in step with its points. What counts: of each
// step the points of the newest attempt that wrote it, since a resumed attempt repeats steps.

import Experiments
import GRDB

struct SeriesSummary: Equatable {
  /// Number of the newest attempt that wrote to the metric.
  var attempt: Int64
  /// The greatest step that an attempt before that one wrote. Beyond it a new point only adds;
  /// up to it one may take the place of others.
  var olderLastStep: Int64?
  var totals = Totals()

  /// What is known of the points that count.
  struct Totals: Equatable {
    var last = Double.nan
    var lastStep = Int64.min
    var lastTime = Int64.min
    var lastEpoch: Int64?
    var min = Double.nan
    var max = Double.nan
    var sum = 0.0
    /// How many are not NaN, and how many there are.
    var numbers: Int64 = 0
    var count: Int64 = 0

    mutating func add(_ point: StoredPoint) {
      let value = point.value
      if count == 0 || point.isAfter(lastPoint) {
        last = value
        lastStep = point.step
        lastTime = point.time
        lastEpoch = point.epoch
      }
      // A count that is read may be anything.
      count &+= 1
      guard !value.isNaN else { return }
      min = numbers == 0 ? value : Swift.min(min, value)
      max = numbers == 0 ? value : Swift.max(max, value)
      sum += value
      numbers &+= 1
    }

    private var lastPoint: StoredPoint {
      StoredPoint(step: lastStep, time: lastTime, value: last, epoch: lastEpoch)
    }
  }

  /// Reads `last, last_step, last_epoch, min, max, sum, numbers, count` beginning at a column.
  static func metricSummary(_ row: Row, from index: Int) throws -> MetricSummary {
    let numbers: Int64 = row[index + 6]
    let sum = try MetricColumn.double(row[index + 5])
    return MetricSummary(
      last: try MetricColumn.double(row[index]), lastStep: row[index + 1],
      lastEpoch: row[index + 2], min: try MetricColumn.double(row[index + 3]),
      max: try MetricColumn.double(row[index + 4]),
      mean: numbers == 0 ? .nan : sum / Double(numbers),
      count: row[index + 7])
  }

  /// The same from a statement that is at such a row.
  static func metricSummary(_ row: DirectStatement, from index: Int32) throws -> MetricSummary {
    let numbers = row.int64(index + 6)
    return MetricSummary(
      last: try row.value(index), lastStep: row.int64(index + 1),
      lastEpoch: row.optionalInt64(index + 2), min: try row.value(index + 3),
      max: try row.value(index + 4),
      mean: numbers == 0 ? .nan : try row.value(index + 5) / Double(numbers),
      count: row.int64(index + 7))
  }

  /// What the points that count say, read anew.
  static func totals(_ db: Database, metric: Int64) throws -> Totals {
    var totals = Totals()
    try CountedPoints(db, metric: metric).forEach { totals.add($0) }
    return totals
  }
}
