// A line of a metrics member: some points of one series, column by column. Values are exact; NaN and
// the infinities are the strings "NaN", "Infinity" and "-Infinity", as on the wire.

package import Experiments

package struct SeriesLine: Codable, Sendable, Equatable {
  /// Points of one line as they are written.
  package static let points = 1_000

  package var key: String
  package var steps: [Int64]
  /// Microseconds since 1970.
  package var times: [Int64]
  package var values: [Double]
  /// Absent where no point has one.
  package var epochs: [Int64?]?

  package init(
    key: String, steps: [Int64], times: [Int64], values: [Double], epochs: [Int64?]?
  ) {
    self.key = key
    self.steps = steps
    self.times = times
    self.values = values
    self.epochs = epochs
  }

  /// JSON without a line break. Written by hand: there are millions of numbers.
  package var text: String {
    var text = "{\"key\":" + JSONValue.string(key).canonicalText
    text += ",\"steps\":[" + steps.map { String($0) }.joined(separator: ",")
    text += "],\"times\":[" + times.map { String($0) }.joined(separator: ",")
    text += "],\"values\":["
    text += values.map { $0.isFinite ? "\($0)" : "\"\(MetricValue.text($0))\"" }
      .joined(separator: ",")
    if let epochs {
      text += "],\"epochs\":["
      text += epochs.map { $0.map { String($0) } ?? "null" }.joined(separator: ",")
    }
    return text + "]}"
  }

  /// What is wrong with it, if anything is.
  package var mistake: String? {
    if key.isEmpty { return "its key is empty" }
    if steps.count > ArchiveLimits.linePoints {
      return "it has \(steps.count) points; the limit is \(ArchiveLimits.linePoints)"
    }
    guard times.count == steps.count, values.count == steps.count,
      epochs.map({ $0.count == steps.count }) ?? true
    else { return "its columns are not of the same length" }
    return nil
  }

  /// Some of its points.
  package func series(_ range: Range<Int>) -> PointSeries {
    var series = PointSeries(key: key)
    series.reserveCapacity(range.count)
    for index in range {
      series.append(
        step: steps[index], time: times[index], value: values[index],
        epoch: epochs.flatMap { $0[index] })
    }
    return series
  }
}
