// The best epoch so far by the checkpoint policy's metric.
import Experiments

struct BestEpoch {
  private let direction: MetricDirection
  private var value: Double?

  init(metric: String) { direction = MetricDirection(metric: metric) }

  /// Takes the value of one more epoch; whether it is the best so far. Equal ones are not, and
  /// neither is NaN.
  mutating func isImproved(by new: Double?) -> Bool {
    guard let new, !new.isNaN else { return false }
    if let value {
      switch direction {
      case .higher where new > value: break
      case .lower where new < value: break
      default: return false
      }
    }
    value = new
    return true
  }
}
