// Gathers single points into columns, a piece at a time.

import Experiments

struct SeriesBatch {
  /// Points that are handed over at once.
  static let size = 20_000

  private(set) var count = 0
  private var series: [PointSeries] = []
  private var indices: [String: Int] = [:]

  var isFull: Bool { count >= Self.size }

  mutating func add(key: String, step: Int64, time: Int64?, value: Double, epoch: Int64? = nil) {
    let index: Int
    if let known = indices[key] {
      index = known
    } else {
      index = series.count
      indices[key] = index
      series.append(PointSeries(key: key))
    }
    series[index].append(step: step, time: time ?? PointSeries.noTime, value: value, epoch: epoch)
    count += 1
  }

  /// Takes what there is; the batch is empty afterwards.
  mutating func drain() -> [PointSeries] {
    defer { self = SeriesBatch() }
    return series
  }
}
