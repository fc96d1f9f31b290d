// Numbers as people read them: in reasons, tables and reports. Never for storing: use
// `MetricValue.text` where a value must read back the same.

import Experiments

package enum NumberText {
  /// With so many digits after the point: `fixed(0.8714, places: 3)` is `0.871`. Values too large
  /// for that (2⁵³ and more, with their places) are written in the shortest exact form.
  package static func fixed(_ value: Double, places: Int) -> String {
    let places = max(0, min(places, 15))
    let scale = power(of: places)
    let scaled = (abs(value) * scale).rounded()
    guard value.isFinite, scaled < 0x1p53 else { return MetricValue.text(value) }
    let units = Int64(scaled)
    let whole = units / Int64(scale)
    let sign = value < 0 && units > 0 ? "-" : ""
    guard places > 0 else { return "\(sign)\(whole)" }
    let fraction = String(units % Int64(scale))
    return "\(sign)\(whole)." + String(repeating: "0", count: places - fraction.count) + fraction
  }

  /// With so many significant digits: `significant(0.0001234, digits: 3)` is `0.000123`. Very small
  /// and very large values get an exponent.
  package static func significant(_ value: Double, digits: Int = 3) -> String {
    guard value.isFinite, value != 0 else { return value == 0 ? "0" : MetricValue.text(value) }
    var exponent = exponent(of: value)
    // 9.996 with three digits is 10.0, not 10.00.
    let rounded = (abs(mantissa(of: value, exponent)) * power(of: digits - 1)).rounded()
    if rounded >= power(of: digits) { exponent += 1 }
    if exponent < -4 || exponent > 14 {
      return fixed(mantissa(of: value, exponent), places: digits - 1) + "e\(exponent)"
    }
    return fixed(value, places: digits - 1 - exponent)
  }

  /// A metric's value with the unit that its name tells: `29.0 µs`, `118 MB`, else three
  /// significant digits.
  package static func value(_ value: Double, of metric: String) -> String {
    guard value.isFinite else { return MetricValue.text(value) }
    if metric.hasSuffix("_bytes") { return scaled(value, byteUnits) }
    if metric.hasSuffix("_seconds") || metric == "step_time" { return scaled(value, timeUnits) }
    return significant(value)
  }

  /// Digits after the point that show the first `digits` digits of `value`.
  static func places(toShow value: Double, digits: Int) -> Int {
    guard value.isFinite, value != 0 else { return digits }
    return max(0, digits - 1 - exponent(of: value))
  }

  private typealias Unit = (name: String, size: Double)
  private static let byteUnits: [Unit] = [
    ("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1),
  ]
  private static let timeUnits: [Unit] = [("s", 1), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)]

  private static func scaled(_ value: Double, _ units: [Unit]) -> String {
    let unit = units.first { abs(value) >= $0.size } ?? units[units.count - 1]
    return significant(value / unit.size) + " " + unit.name
  }

  /// The exponent of ten that `value` has in scientific notation.
  private static func exponent(of value: Double) -> Int {
    // Counted, since a rounded logarithm may be one off at powers of ten.
    var exponent = 0
    var magnitude = abs(value)
    if magnitude >= 1 {
      while magnitude >= 10 { (magnitude, exponent) = (magnitude / 10, exponent + 1) }
    } else {
      while magnitude < 1 { (magnitude, exponent) = (magnitude * 10, exponent - 1) }
    }
    return exponent
  }

  private static func mantissa(of value: Double, _ exponent: Int) -> Double {
    // Divided twice, since ten to the power of the exponent may be out of range by itself.
    let half = exponent / 2
    return value / power(of: half) / power(of: exponent - half)
  }

  private static func power(of exponent: Int) -> Double {
    (0..<abs(exponent)).reduce(1.0) { power, _ in exponent < 0 ? power / 10 : power * 10 }
  }
}
