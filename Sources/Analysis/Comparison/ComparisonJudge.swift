// Compares two sets of runs, metric by metric, and says what else differs between them. A pure
// function: the same runs always give the same comparison.

package import Experiments

package enum ComparisonJudge {
  /// - Parameters:
  ///   - reference: what is known to be good; comes first everywhere.
  ///   - metrics: in the order they are reported; nil for those that the policy chooses.
  package static func compare(
    reference: [RunObservation], candidate: [RunObservation],
    policy: MetricPolicy = .standard, metrics: [String]? = nil
  ) -> Comparison {
    var seen: Set<String> = []
    let chosen = (metrics ?? policy.metrics(reference: reference, candidate: candidate))
      .filter { seen.insert($0).inserted }
    let obstacle = obstacleToCosts(reference, candidate)
    let testRows = (reference + candidate).compactMap(\.testRows).min()
    let comparisons = chosen.map { metric in
      MetricJudge(
        metric: metric, rule: policy.rule(for: metric, testRows: testRows),
        reference: reference.compactMap { $0.metrics[metric] },
        candidate: candidate.compactMap { $0.metrics[metric] },
        obstacle: CostMetric.all.contains(metric) ? obstacle : nil
      ).comparison()
    }
    return Comparison(
      referenceRunIds: reference.map(\.runId), candidateRunIds: candidate.map(\.runId),
      verdict: overall(comparisons), metrics: comparisons,
      differences: Differences.between(reference, candidate))
  }

  /// Worse if any metric is. Not enough data if nothing could be judged or a metric of quality
  /// could not, since that may be the one that got worse; a cost that could not be compared does
  /// not matter. Else what the metrics say: better before different before equivalent.
  private static func overall(_ comparisons: [MetricComparison]) -> Verdict {
    let verdicts = comparisons.map(\.verdict)
    if verdicts.contains(.worse) { return .worse }
    let quality = comparisons.filter { !CostMetric.all.contains($0.metric) }
    if verdicts.allSatisfy({ $0 == .notEnoughData })
      || quality.contains(where: { $0.verdict == .notEnoughData })
    {
      return .notEnoughData
    }
    return [.better, .different].first { verdicts.contains($0) } ?? .equivalent
  }

  /// What forbids to compare costs, in words.
  private static func obstacleToCosts(
    _ reference: [RunObservation], _ candidate: [RunObservation]
  ) -> String? {
    guard haveSameHostClass(reference, candidate) else {
      return "the sides did not run on one class of machine"
    }
    let left = reference.contains { $0.ranBeside == true }
    let right = candidate.contains { $0.ranBeside == true }
    // A run of an earlier Assay, of which it is not known, is taken as it always was.
    if left != right, (left ? candidate : reference).contains(where: { $0.ranBeside == false }) {
      return left
        ? "runs of the reference ran beside other jobs, and the candidate ran alone"
        : "runs of the candidate ran beside other jobs, and the reference ran alone"
    }
    return nil
  }

  /// Whether every run of both sides ran on one and the same class of machine. Where that is not
  /// known of a run, it is not the same.
  private static func haveSameHostClass(
    _ reference: [RunObservation], _ candidate: [RunObservation]
  ) -> Bool {
    let classes = Set((reference + candidate).map { $0.covariates[RunObservation.hostClass] })
    return classes.count == 1 && !classes.contains(nil)
  }
}
