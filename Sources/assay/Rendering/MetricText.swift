// A metric's value with the unit that its name tells.

enum MetricText {
  static func value(_ key: String, _ value: Double) -> String {
    switch unit(key) {
    case .seconds: Quantities.duration(value)
    case .bytes:
      Int64(exactly: value.rounded()).map { Quantities.bytes($0) } ?? Numbers.metric(value)
    case .perSecond: Quantities.factored(value) + "/s"
    case .none: Numbers.metric(value)
    }
  }

  /// `0.8710 ± 0.0031`; without a deviation the mean alone.
  static func side(_ key: String, mean: Double, deviation: Double?) -> String {
    let text = value(key, mean)
    guard let deviation else { return text }
    if unit(key) == .none { return "\(text) ± \(Numbers.significant(deviation, digits: 2))" }
    return "\(text) ± \(value(key, deviation))"
  }

  /// A difference, in the metric's unit and relative to the reference.
  static func change(_ key: String, _ change: Double, relative: Double?) -> String {
    let percent = relative.map { Numbers.percentChange($0) }
    if unit(key) != .none, let percent { return percent }
    let text = Numbers.change(change)
    return percent.map { "\(text) (\($0))" } ?? text
  }

  /// The smallest change that matters: of metrics with a unit in percent of the reference.
  static func tolerance(_ key: String, _ tolerance: Double, reference: Double) -> String {
    if unit(key) != .none, reference != 0 {
      return Numbers.fixed(100 * tolerance / abs(reference), decimals: 1) + " %"
    }
    return Numbers.significant(tolerance, digits: 2)
  }

  private enum Unit { case seconds, bytes, perSecond, none }

  private static func unit(_ key: String) -> Unit {
    if key.hasSuffix("per_second") { return .perSecond }
    if key.hasSuffix("_seconds") || key.hasSuffix("_time") { return .seconds }
    if key.hasSuffix("_bytes") { return .bytes }
    return .none
  }
}
