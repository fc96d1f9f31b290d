// Durations, sizes and rates with their units.

enum Quantities {
  /// `29 µs`, `45 ms`, `0.5 s`, `42 s`, `3 min 12 s`, `2 h 5 min`, `3 d 4 h`.
  static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite else { return Numbers.metric(seconds) }
    if seconds < 0 { return "-" + duration(-seconds) }
    if seconds == 0 { return "0 s" }
    if seconds < 1e-3 { return scaled(seconds * 1e6) + " µs" }
    if seconds < 0.0995 { return scaled(seconds * 1e3) + " ms" }
    if seconds < 9.95 { return Numbers.fixed(seconds, decimals: 1) + " s" }
    if seconds < 59.5 { return Numbers.fixed(seconds, decimals: 0) + " s" }
    guard seconds < 1e15 else { return Numbers.metric(seconds) + " s" }
    let whole = Int(seconds.rounded())
    if whole < 3_600 { return parts(whole / 60, "min", whole % 60, "s") }
    if whole < 86_400 { return parts(whole / 3_600, "h", whole % 3_600 / 60, "min") }
    return parts(whole / 86_400, "d", whole % 86_400 / 3_600, "h")
  }

  /// Decimal units: `512 B`, `12.3 kB`, `0.9 MB`, `1.2 GB`.
  static func bytes(_ count: Int64) -> String {
    let size = Double(count)
    if size < 1_000 { return "\(count) B" }
    if size < 100_000 { return Numbers.fixed(size / 1e3, decimals: 1) + " kB" }
    if size < 99_950_000 { return Numbers.fixed(size / 1e6, decimals: 1) + " MB" }
    if size < 999_500_000 { return Numbers.fixed(size / 1e6, decimals: 0) + " MB" }
    if size < 1e12 { return Numbers.fixed(size / 1e9, decimals: 1) + " GB" }
    return Numbers.fixed(size / 1e12, decimals: 1) + " TB"
  }

  /// A number with a factor in words that a unit may follow: `950`, `12.3 k`, `1.9 M`.
  static func factored(_ value: Double) -> String {
    guard value.isFinite else { return Numbers.metric(value) }
    if abs(value) < 999.5 { return Numbers.fixed(value, decimals: abs(value) < 9.95 ? 1 : 0) }
    if abs(value) < 999_500 { return Numbers.fixed(value / 1e3, decimals: 1) + " k" }
    if abs(value) < 999_500_000 { return Numbers.fixed(value / 1e6, decimals: 1) + " M" }
    return Numbers.fixed(value / 1e9, decimals: 1) + " G"
  }

  static func rate(samplesPerSecond: Double) -> String { factored(samplesPerSecond) + " samples/s" }

  private static func scaled(_ value: Double) -> String {
    Numbers.fixed(value, decimals: value < 9.95 ? 1 : 0)
  }

  private static func parts(_ large: Int, _ unit: String, _ small: Int, _ smallUnit: String)
    -> String
  {
    small == 0 ? "\(large) \(unit)" : "\(large) \(unit) \(small) \(smallUnit)"
  }
}
