// A point of a metric, and what is kept of a whole series.

package struct MetricPoint: Codable, Sendable, Equatable {
  package var key: String
  /// Optimizer updates done when it was measured.
  package var step: Int64
  /// Epochs done when it was measured; nil where there are none.
  package var epoch: Int64?
  package var time: Timestamp
  package var value: Double

  package init(key: String, step: Int64, epoch: Int64?, time: Timestamp, value: Double) {
    self.key = key
    self.step = step
    self.epoch = epoch
    self.time = time
    self.value = value
  }
}

/// Summary of a series. `min`, `max` and `mean` are over its values that are not NaN, and NaN if
/// there is none; `last` belongs to the greatest (step, time, value).
package struct MetricSummary: Codable, Sendable, Equatable {
  package var last: Double
  package var lastStep: Int64
  package var lastEpoch: Int64?
  package var min: Double
  package var max: Double
  package var mean: Double
  package var count: Int64

  package init(
    last: Double, lastStep: Int64, lastEpoch: Int64?, min: Double, max: Double, mean: Double,
    count: Int64
  ) {
    self.last = last
    self.lastStep = lastStep
    self.lastEpoch = lastEpoch
    self.min = min
    self.max = max
    self.mean = mean
    self.count = count
  }

  /// The best value in the given direction; `last` where there is none.
  package func best(_ direction: MetricDirection) -> Double {
    switch direction {
    case .higher: max
    case .lower: min
    case .none: last
    }
  }
}
