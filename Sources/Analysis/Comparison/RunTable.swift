// Runs side by side: the params in which they differ, and their metrics with the best marked. What
// `assay compare RUN RUN…` prints.

package import Experiments

package struct RunTable: Codable, Sendable, Equatable {
  /// In the order given; the columns of all rows.
  package var runIds: [Int64]
  package var params: [ParamRow]
  package var metrics: [MetricRow]

  package struct ParamRow: Codable, Sendable, Equatable {
    package var key: String
    /// Nil where a run has no such param.
    package var values: [String?]
  }

  package struct MetricRow: Codable, Sendable, Equatable {
    package var key: String
    package var direction: MetricDirection
    /// The last value of the metric, or the cost; nil where a run has none.
    package var values: [Double?]
    /// Columns of the best finite value, several where they are equal. None where the metric has
    /// no direction or there is nothing to be better than.
    package var best: [Int]
  }

  /// Params are in alphabetical order, and so are the metrics within their groups: test,
  /// validation, others, costs.
  package init(_ runs: [Run], policy: MetricPolicy = .standard) {
    runIds = runs.map(\.id)
    params = Set(runs.flatMap(\.params.keys)).sorted().compactMap { key in
      let values = runs.map { $0.params[key] }
      return Set(values).count > 1 ? ParamRow(key: key, values: values) : nil
    }
    // Shown, not judged: the times of short work are here too.
    let observed = runs.map { run in
      run.metrics.mapValues(\.last).merging(CostMetric.values(of: run.cost)) { own, _ in own }
    }
    metrics = Set(observed.flatMap(\.keys)).sorted { Self.order($0) < Self.order($1) }.map { key in
      let values = observed.map { $0[key] }
      let direction = policy.rule(for: key).direction
      return MetricRow(
        key: key, direction: direction, values: values, best: Self.best(values, direction))
    }
  }

  private static func order(_ key: String) -> (Int, Int, String) {
    if let place = CostMetric.all.firstIndex(of: key) { return (3, place, key) }
    return (key.hasPrefix("test_") ? 0 : key.hasPrefix("val_") ? 1 : 2, 0, key)
  }

  private static func best(_ values: [Double?], _ direction: MetricDirection) -> [Int] {
    let numbers = values.compactMap { $0 }
    let finite = numbers.filter(\.isFinite)
    let best: Double? =
      switch direction {
      case .higher: finite.max()
      case .lower: finite.min()
      case .none: nil
      }
    guard let best, numbers.contains(where: { $0 != best }) else { return [] }
    return values.indices.filter { values[$0] == best }
  }
}
