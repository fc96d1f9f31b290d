// Points of one metric as columns, which is how many of them travel and are read: a value per point
// and column, all columns equally long.

package struct PointSeries: Sendable {
  package var key: String
  /// Optimizer updates done when each was measured.
  package var steps: [Int64]
  /// Microseconds since 1970 UTC.
  package var times: [Int64]
  package var values: [Double]
  /// Epochs done, `noEpoch` where there are none; nil if there are none at all.
  package var epochs: [Int64]?

  /// Stands for a missing epoch in `epochs`.
  package static let noEpoch = Int64.min

  package init(
    key: String, steps: [Int64] = [], times: [Int64] = [], values: [Double] = [],
    epochs: [Int64]? = nil
  ) {
    self.key = key
    self.steps = steps
    self.times = times
    self.values = values
    self.epochs = epochs
  }

  package var count: Int { steps.count }

  /// Whether every point has a value in every column.
  package var isRectangular: Bool {
    times.count == steps.count && values.count == steps.count
      && (epochs.map { $0.count == steps.count } ?? true)
  }

  package func epoch(_ index: Int) -> Int64? {
    guard let epoch = epochs?[index], epoch != Self.noEpoch else { return nil }
    return epoch
  }

  package subscript(index: Int) -> MetricPoint {
    MetricPoint(
      key: key, step: steps[index], epoch: epoch(index),
      time: Timestamp(microseconds: times[index]), value: values[index])
  }

  @inlinable
  package mutating func append(step: Int64, time: Int64, value: Double, epoch: Int64?) {
    if epoch != nil || epochs != nil { append(epoch: epoch) }
    steps.append(step)
    times.append(time)
    values.append(value)
  }

  @usableFromInline
  mutating func append(epoch: Int64?) {
    if epochs == nil { epochs = [Int64](repeating: Self.noEpoch, count: steps.count) }
    epochs?.append(epoch ?? Self.noEpoch)
  }

  package mutating func reserveCapacity(_ count: Int) {
    steps.reserveCapacity(count)
    times.reserveCapacity(count)
    values.reserveCapacity(count)
  }
}

extension PointSeries {
  /// The points by their keys, in the order in which the keys first come.
  package static func grouping(_ points: [MetricPoint]) -> [PointSeries] {
    var series: [PointSeries] = []
    var indices: [String: Int] = [:]
    for point in points {
      let index: Int
      if let last = series.indices.last, series[last].key == point.key {
        index = last
      } else if let known = indices[point.key] {
        index = known
      } else {
        index = series.count
        series.append(PointSeries(key: point.key))
        indices[point.key] = index
      }
      series[index].append(
        step: point.step, time: point.time.microseconds, value: point.value, epoch: point.epoch)
    }
    return series
  }

  package var points: [MetricPoint] { (0..<count).map { self[$0] } }
}
