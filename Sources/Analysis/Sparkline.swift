// A series of values as one line of text, e.g. `█▆▄▃▂▂▁▁`.

package enum Sparkline {
  /// Where there is no number.
  package static let gap: Character = "·"
  private static let bars: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

  /// At most `width` characters, from the lowest finite value (▁) to the highest (█). NaN is a gap;
  /// the infinities are at the top and the bottom. Where there are more values than characters,
  /// pairs of characters show the lowest and the highest of their part in the order they occurred,
  /// so no peak is lost, and a part with a NaN shows the gap and its most extreme value.
  package static func text(values: [Double], width: Int) -> String {
    guard width > 0 else { return "" }
    let shown = values.count <= width ? values : downsample(values, width: width)
    let finite = values.filter(\.isFinite)
    let low = finite.min() ?? 0
    let high = finite.max() ?? 0
    return String(shown.map { bar($0, low: low, high: high) })
  }

  private static func bar(_ value: Double, low: Double, high: Double) -> Character {
    if value.isNaN { return gap }
    if value.isInfinite { return value > 0 ? bars[bars.count - 1] : bars[0] }
    guard high > low else { return bars[3] }
    // Halves, since the difference of two finite numbers may be infinite.
    let share = (value / 2 - low / 2) / (high / 2 - low / 2)
    return bars[Int((share * Double(bars.count - 1)).rounded())]
  }

  private static func downsample(_ values: [Double], width: Int) -> [Double] {
    guard width > 1 else { return values.suffix(1) }
    let numbers = values.filter { !$0.isNaN }
    let middle = (numbers.min() ?? 0) / 2 + (numbers.max() ?? 0) / 2
    let parts = width / 2
    return (0..<parts).flatMap { part in
      pair(of: values[(part * values.count / parts)..<((part + 1) * values.count / parts)], middle)
    }
  }

  /// The two values that stand for a part of the series, in the order they occurred.
  private static func pair(of part: ArraySlice<Double>, _ middle: Double) -> [Double] {
    let numbers = part.indices.filter { !part[$0].isNaN }
    guard let lowest = numbers.min(by: { part[$0] < part[$1] }),
      let highest = numbers.max(by: { part[$0] < part[$1] })
    else { return [.nan, .nan] }
    var chosen = [lowest, highest]
    if let hole = part.firstIndex(where: \.isNaN) {
      let extreme =
        abs(part[lowest] - middle) > abs(part[highest] - middle) ? lowest : highest
      chosen = [hole, extreme]
    }
    return chosen.sorted().map { part[$0] }
  }
}
