// Which metrics are judged, which way each gets better, and the smallest change of each that
// matters. The defaults go by the metric's name.

package import Experiments

/// The smallest change that matters: the greater of a fixed one and a share of the reference.
package struct Tolerance: Sendable, Equatable {
  package var absolute: Double
  /// Of the reference mean's magnitude; 0.05 is 5 %.
  package var relative: Double

  package init(absolute: Double = 0, relative: Double = 0) {
    self.absolute = absolute
    self.relative = relative
  }

  /// The smallest absolute change that matters where the reference's mean is `reference`.
  package func change(at reference: Double) -> Double {
    max(absolute, relative * abs(reference))
  }
}

package struct MetricRule: Sendable, Equatable {
  package var direction: MetricDirection
  package var tolerance: Tolerance

  package init(direction: MetricDirection, tolerance: Tolerance) {
    self.direction = direction
    self.tolerance = tolerance
  }

  /// The rule that the metric's name suggests. A rate on a test part of `testRows` rows does not
  /// matter to less than three of them: one row more or less is no news.
  package init(metric: String, testRows: Int? = nil) {
    direction = MetricDirection(metric: metric)
    let rates = ["accuracy", "precision", "recall", "f1", "auc", "r2"]
    if CostMetric.all.contains(metric) {
      tolerance = Tolerance(relative: 0.1)
    } else if rates.contains(where: { metric.lowercased().hasSuffix($0) }) {
      let threeRows = testRows.map { metric.hasPrefix("test_") && $0 > 0 ? 3 / Double($0) : 0 } ?? 0
      tolerance = Tolerance(absolute: max(0.01, threeRows))
    } else {
      // The fixed part keeps a loss that is all but zero from being judged by its rounding.
      tolerance = Tolerance(absolute: 1e-6, relative: 0.05)
    }
  }
}

package struct MetricPolicy: Sendable, Equatable {
  /// Rules that go before the ones that names suggest.
  package var rules: [String: MetricRule]

  package init(rules: [String: MetricRule] = [:]) {
    self.rules = rules
  }

  package static let standard = MetricPolicy()

  package func rule(for metric: String, testRows: Int? = nil) -> MetricRule {
    rules[metric] ?? MetricRule(metric: metric, testRows: testRows)
  }

  /// The metrics that are judged where none are named: `test_*` of either side, or `val_*` if
  /// there are none, in alphabetical order; then `step_time` and `peak_rss_bytes` where both sides
  /// have them. Metrics of the training part are not: they get better by overfitting.
  package func metrics(reference: [RunObservation], candidate: [RunObservation]) -> [String] {
    let left = Set(reference.flatMap(\.metrics.keys))
    let right = Set(candidate.flatMap(\.metrics.keys))
    let all = left.union(right).sorted()
    let test = all.filter { $0.hasPrefix("test_") }
    let quality = test.isEmpty ? all.filter { $0.hasPrefix("val_") } : test
    let costs = [CostMetric.stepTime, CostMetric.peakRssBytes]
    return quality + costs.filter { left.contains($0) && right.contains($0) }
  }
}
