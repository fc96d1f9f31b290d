// The verdict on one metric, by its direction and by the smallest change that matters, with the
// reason in words. The rules and their limits are described in docs/statistics.md.

import Experiments

struct MetricJudge {
  let metric: String
  let rule: MetricRule
  let reference: [Double]
  let candidate: [Double]
  /// Why a cost may not be compared, if this is one.
  let obstacle: String?

  func comparison() -> MetricComparison {
    let left = SampleStatistics.side(reference)
    let right = SampleStatistics.side(candidate)
    let change = right.mean - left.mean
    let matters = rule.tolerance.change(at: left.mean)
    let chance = SampleStatistics.chance(reference, candidate)
    let tolerance = max(matters, chance ?? 0)
    let (verdict, reason) = judge(
      reference: left.mean, change: change, matters: matters, chance: chance)
    return MetricComparison(
      metric: metric, direction: rule.direction, reference: left, candidate: right, change: change,
      relativeChange: left.mean == 0 ? nil : change / abs(left.mean), tolerance: tolerance,
      verdict: verdict, reason: reason)
  }

  private func judge(
    reference mean: Double, change: Double, matters: Double, chance: Double?
  ) -> (Verdict, String) {
    if let refusal { return refusal }
    guard change.isFinite else { return (.notEnoughData, "the values are too large to compare") }
    let words = ChangeWords(
      metric: metric, reference: mean, matters: matters, tolerance: rule.tolerance)
    let sentence = words.change(change)
    let isBeyond = { (limit: Double) in
      // 0.87 - 0.86 is 0.010000000000000009: a change that equals the tolerance is within it.
      abs(change) > limit + 1e-12 * max(abs(mean), abs(mean + change))
    }
    guard isBeyond(matters) else {
      return (.equivalent, "\(sentence), within the \(words.limit) that matters")
    }
    if let chance, !isBeyond(chance) {
      let runs = "\(reference.count) and \(candidate.count) runs"
      return (
        .equivalent,
        "\(sentence), within the \(words.amount(chance)) that chance moves \(runs) by"
      )
    }
    var reason = "\(sentence), more than the \(words.limit) that matters"
    if let chance, chance > matters {
      reason =
        "\(sentence), more than the \(words.amount(chance)) that chance moves "
        + "\(reference.count) and \(candidate.count) runs by"
    } else if chance == nil {
      reason += "; too few runs to rule out chance"
    }
    return (isImprovement(change).map { $0 ? .better : .worse } ?? .different, reason)
  }

  /// Where there are no two numbers to compare, the verdict that this means.
  private var refusal: (Verdict, String)? {
    if reference.isEmpty { return (.notEnoughData, "no run of the reference has it") }
    if candidate.isEmpty { return (.notEnoughData, "no run of the candidate has it") }
    if let obstacle { return (.notEnoughData, "not compared: \(obstacle)") }
    if let value = reference.first(where: { !$0.isFinite }) {
      return (.notEnoughData, "a run of the reference has the value \(MetricValue.text(value))")
    }
    if let value = candidate.first(where: { !$0.isFinite }) {
      return (
        .worse,
        "a run of the candidate has the value \(MetricValue.text(value)), the reference is finite"
      )
    }
    return nil
  }

  /// Nil where the metric has no direction.
  private func isImprovement(_ change: Double) -> Bool? {
    switch rule.direction {
    case .higher: change > 0
    case .lower: change < 0
    case .none: nil
    }
  }
}
