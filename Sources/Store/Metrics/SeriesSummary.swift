// The summary of one series (a metric of a run), kept in step with its points. What counts: of each
// step the points of the newest attempt that wrote it, since a resumed attempt repeats steps.

import Experiments
import GRDB

struct SeriesSummary: Equatable {
  /// Number of the newest attempt that wrote to the series.
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

    mutating func add(step: Int64, time: Int64, value: Double, epoch: Int64?) {
      if count == 0 || isGreater(step, time, value) {
        last = value
        lastStep = step
        lastTime = time
        lastEpoch = epoch
      }
      count += 1
      guard !value.isNaN else { return }
      min = numbers == 0 ? value : Swift.min(min, value)
      max = numbers == 0 ? value : Swift.max(max, value)
      sum += value
      numbers += 1
    }

    /// In the order of the points' key, where NaN is a text and so comes after all numbers.
    private func isGreater(_ step: Int64, _ time: Int64, _ value: Double) -> Bool {
      if step != lastStep { return step > lastStep }
      if time != lastTime { return time > lastTime }
      return value.isNaN || value > last
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
}
