// What `assay metrics` prints.

import Analysis
import Experiments
import Wire

enum HistoryReport {
  static let mostRows = 200
  private static let sparklineWidth = 24

  static func table(_ histories: [MetricHistory]) -> TextTable {
    var table = TextTable([
      .left("metric"), .left("course"), .right("last"), .right("best"), .right("at"),
    ])
    for history in histories {
      let best = best(of: history)
      table.add([
        .init(history.key), .init(sparkline(history)),
        .init(MetricText.value(history.key, history.summary.last)),
        .init(best.map { MetricText.value(history.key, $0.value) } ?? ""),
        .init(best?.place ?? ""),
      ])
    }
    return table
  }

  /// A heading, the course, and step, epoch and value of the points, at most `mostRows` of them.
  static func lines(_ history: MetricHistory, mostRows: Int, style: Style) -> [String] {
    let count = history.values.count
    var heading = "run \(history.runId)  \(style.paint(ShownText.line(history.key), .bold))"
    heading +=
      "  \(sparkline(history))  last \(MetricText.value(history.key, history.summary.last))"
    if let best = best(of: history) {
      heading += "  best \(MetricText.value(history.key, best.value)) at \(best.place)"
    }
    let whole = max(count, Int(clamping: history.summary.count))
    let stride = max(1, (count - 1) / mostRows + 1)
    let hasEpochs = history.epochs.contains { $0 != nil }
    var table = TextTable(
      [.right("step")] + (hasEpochs ? [.right("epoch")] : []) + [.right("value")], indent: 2)
    for index in history.values.indices where index.isMultiple(of: stride) || index == count - 1 {
      var row = [TextTable.Cell(String(history.steps[index]))]
      if hasEpochs { row.append(.init(history.epochs[index].map(String.init) ?? "")) }
      row.append(.init(MetricText.value(history.key, history.values[index])))
      table.add(row)
    }
    var lines = [heading] + table.lines(width: nil, style: style)
    if count < whole {
      let shown = table.rows.count
      lines.append("\(shown) points of \(Numbers.count(whole)); all of them with --json")
    } else if stride > 1 {
      lines.append("one of \(stride) points of \(Numbers.count(count)); all of them with --json")
    }
    return lines
  }

  /// The best value by the metric's direction and where it was; nil where there is no direction.
  private static func best(of history: MetricHistory) -> (value: Double, place: String)? {
    let direction = MetricDirection(metric: history.key)
    let numbers = history.values.indices.filter { !history.values[$0].isNaN }
    let found: Int?
    switch direction {
    case .higher: found = numbers.max { history.values[$0] < history.values[$1] }
    case .lower: found = numbers.min { history.values[$0] < history.values[$1] }
    case .none: found = nil
    }
    guard let index = found else { return nil }
    let place = history.epochs[index].map { "epoch \($0)" } ?? "step \(history.steps[index])"
    return (history.values[index], place)
  }

  private static func sparkline(_ history: MetricHistory) -> String {
    Sparkline.text(values: history.values, width: sparklineWidth)
  }
}
