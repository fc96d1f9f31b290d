// Metric values in text: NaN and the infinities are values, never lost. On the wire they are the
// strings "NaN", "Infinity" and "-Infinity", since JSON has no numbers for them.

package enum MetricValue {
  package static let nan = "NaN"
  package static let positiveInfinity = "Infinity"
  package static let negativeInfinity = "-Infinity"

  /// The text of any value, exact for finite ones (shortest form that reads back the same).
  package static func text(_ value: Double) -> String {
    if value.isNaN { return nan }
    if value == .infinity { return positiveInfinity }
    if value == -.infinity { return negativeInfinity }
    return "\(value)"
  }

  package static func parse(_ text: String) -> Double? {
    switch text {
    case nan: .nan
    case positiveInfinity: .infinity
    case negativeInfinity: -.infinity
    default: Double(text)
    }
  }
}
