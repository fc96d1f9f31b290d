// A judged comparison: one line per metric with both sides, the change and the verdict, then what
// else is different between the sides.

import Experiments
import Wire

struct VerdictReport {
  private let comparison: Comparison
  private let reference: String
  private let candidate: String

  /// `reference` and `candidate` are the sides as they were named.
  init(_ comparison: Comparison, reference: String, candidate: String) {
    self.comparison = comparison
    self.reference = Self.title(reference, comparison.referenceRunIds)
    self.candidate = Self.title(candidate, comparison.candidateRunIds)
  }

  func lines(width: Int?, style: Style) -> [String] {
    var table = TextTable([
      .left(""), .left(reference), .left(candidate), .left("change"), .left("verdict"),
    ])
    for metric in comparison.metrics {
      table.add([
        .init(metric.metric, .bold), .init(Self.text(metric.metric, metric.reference)),
        .init(Self.text(metric.metric, metric.candidate)),
        .init(
          metric.reference.count > 0 && metric.candidate.count > 0
            ? MetricText.change(metric.metric, metric.change, relative: metric.relativeChange) : ""),
        .init(Self.verdict(metric), VerdictText.tint(metric.verdict)),
      ])
    }
    var lines = table.lines(width: nil, style: style)
    if comparison.metrics.isEmpty { lines.append("no metric stands on both sides") }
    return lines + reasons + comparison.differences.map(Self.text)
  }

  /// `nightly (5 runs)`, `run 7`, `runs 2-6`.
  private static func title(_ name: String, _ ids: [Int64]) -> String {
    guard name.hasPrefix("@"), name != RunName.latest else { return NumberList.text("run", ids) }
    return "\(name.dropFirst()) (\(ids.count == 1 ? "1 run" : "\(ids.count) runs"))"
  }

  private static func text(_ metric: String, _ side: MetricSide) -> String {
    guard side.count > 0 else { return "-" }
    return MetricText.side(metric, mean: side.mean, deviation: side.standardDeviation)
  }

  /// `WORSE`, `equivalent (within 2.0 %)`.
  private static func verdict(_ metric: MetricComparison) -> String {
    let text = VerdictText.text(metric.verdict)
    guard metric.verdict == .equivalent else { return text }
    let limit = MetricText.tolerance(
      metric.metric, metric.tolerance, reference: metric.reference.mean)
    return "\(text) (within \(limit))"
  }

  /// Where a verdict calls for an explanation.
  private var reasons: [String] {
    comparison.metrics.compactMap { metric in
      switch metric.verdict {
      case .worse, .notEnoughData: ShownText.line("\(metric.metric): \(metric.reason)")
      case .better, .equivalent, .different: nil
      }
    }
  }

  /// `differs in: optimizer.learning_rate 0.001 -> 0.1`
  static func text(_ change: CovariateChange) -> String {
    let prefix = "params."
    let name =
      change.name.hasPrefix(prefix) ? String(change.name.dropFirst(prefix.count)) : change.name
    let sides = [change.reference, change.candidate].map { values in
      values.isEmpty ? "(none)" : values.map(shortened).joined(separator: ", ")
    }
    return ShownText.line("differs in: \(name) \(sides[0]) -> \(sides[1])")
  }

  /// Hashes are told apart by their first digits.
  private static func shortened(_ value: String) -> String {
    let isHash = value.utf8.count == 64 && value.allSatisfy(\.isHexDigit)
    return isHash ? String(value.prefix(12)) : value
  }
}

enum VerdictText {
  static func text(_ verdict: Verdict) -> String {
    verdict == .worse ? "WORSE" : verdict.rawValue.replacing("_", with: " ")
  }

  static func tint(_ verdict: Verdict) -> Tint {
    switch verdict {
    case .better: .good
    case .worse: .bad
    case .notEnoughData: .caution
    case .equivalent, .different: .plain
    }
  }
}
