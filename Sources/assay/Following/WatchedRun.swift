// What is known of a run while it is watched, and how it is drawn: a line of its state, and of each
// metric the newest value, its range and its course.

import Analysis
import Experiments
import Wire

struct WatchedRun {
  private(set) var state: RunState?
  private(set) var traces: [String: Trace] = [:]

  /// A metric's course so far in a bounded number of values.
  struct Trace {
    private(set) var last = Double.nan
    private(set) var step: Int64 = 0
    private(set) var low = Double.infinity
    private(set) var high = -Double.infinity
    private(set) var values: [Double] = []
    private static let most = 2_048

    mutating func take(_ series: WatchedSeries) {
      if series.restarts { self = Trace() }
      for value in series.values {
        if value < low { low = value }
        if value > high { high = value }
        values.append(value)
        if values.count >= Self.most { halve() }
      }
      last = series.values.last ?? last
      step = series.steps.last ?? step
    }

    /// Of each four values the least and the greatest stay, so that no peak is lost.
    private mutating func halve() {
      values = stride(from: 0, to: values.count, by: 4).flatMap { start -> [Double] in
        let four = values[start..<min(start + 4, values.count)]
        if let hole = four.first(where: \.isNaN) { return [hole, four.last ?? hole] }
        let low = four.indices.min { four[$0] < four[$1] } ?? start
        let high = four.indices.max { four[$0] < four[$1] } ?? start
        return [four[min(low, high)], four[max(low, high)]]
      }
    }
  }

  mutating func take(_ event: PointsEvent) {
    for series in event.series { traces[series.key, default: Trace()].take(series) }
  }

  mutating func take(_ state: RunState) { self.state = state }

  /// At most `height` lines of `width` columns.
  func lines(width: Int, height: Int, now: Timestamp, style: Style) -> [String] {
    let heading = ShownText.cut(self.heading(now), to: width)
    let all = traces.sorted { MetricOrder.isBefore($0.key, $1.key) }
    let shown = all.prefix(max(1, all.count > height - 2 ? height - 3 : height - 2))
    var table = TextTable([
      .left("metric", flexible: true), .right("last"), .right("least"), .right("greatest"),
      .right("step"), .left(""),
    ])
    let room = min(60, max(8, width - 66))
    for (key, trace) in shown {
      table.add([
        .init(key), .init(MetricText.value(key, trace.last), .bold),
        .init(trace.low.isInfinite && trace.low > 0 ? "" : MetricText.value(key, trace.low)),
        .init(trace.high.isInfinite && trace.high < 0 ? "" : MetricText.value(key, trace.high)),
        .init(Numbers.count(trace.step)),
        .init(Sparkline.text(values: trace.values, width: room)),
      ])
    }
    var lines = [style.paint(heading, .bold)] + table.lines(width: width, style: style)
    if shown.count < all.count {
      lines.append(style.paint("and \(all.count - shown.count) more", .dim))
    }
    return lines
  }

  /// `run 12  reference  running  ━━━━━━────── 5/10  step 1 200  1.9 M samples/s  in 3 min`.
  func heading(_ now: Timestamp) -> String {
    guard let state else { return "" }
    var parts = ["run \(state.runId)", ShownText.line(state.name), StateText.text(state.status)]
    if let progress = state.progress, !state.status.isFinal {
      let fraction = progress.steps > 0 ? Double(progress.step) / Double(progress.steps) : 0
      let bar = ProgressLine.bar(fraction, width: ProgressLine.barWidth)
      parts.append("\(bar.done)\(bar.rest) \(progress.epoch)/\(progress.epochs)")
      if progress.samplesPerSecond > 0 {
        parts.append(Quantities.rate(samplesPerSecond: progress.samplesPerSecond))
      }
    }
    if let started = state.startedAt {
      let seconds = (state.endedAt ?? now).seconds(since: started)
      let word = state.status.isFinal ? "after" : "for"
      parts.append("\(word) \(Quantities.duration(seconds.rounded()))")
    }
    if let failure = state.failure {
      parts.append("\(failure.code): \(ShownText.line(failure.message))")
    }
    return parts.joined(separator: "  ")
  }

  /// `step 1200  loss 0.3100  val_loss 0.3050`: the newest values of some metrics.
  func line(of keys: Set<String>) -> String? {
    let chosen = keys.sorted(by: MetricOrder.isBefore).compactMap { key in
      traces[key].map { (key, $0) }
    }
    guard let step = chosen.map(\.1.step).max() else { return nil }
    let values = chosen.map { "\(ShownText.line($0)) \(MetricText.value($0, $1.last))" }
    return (["step \(step)"] + values).joined(separator: "  ")
  }
}
