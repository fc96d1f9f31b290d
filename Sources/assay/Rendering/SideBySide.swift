// Runs next to each other: the params that differ, then the metrics with the best of each marked.

import Analysis
import Experiments

struct SideBySide {
  private let runs: [Run]
  private let table: RunTable
  private let metrics: [RunTable.MetricRow]

  /// `metrics` nil: all that one of the runs has.
  init(_ runs: [Run], metrics keys: [String]?) {
    self.runs = runs
    table = RunTable(runs)
    let rows = table.metrics
    metrics = keys.map { keys in keys.compactMap { key in rows.first { $0.key == key } } } ?? rows
  }

  func lines(width: Int?, style: Style) -> [String] {
    var text = TextTable([.left("")] + runs.map { .right("run \($0.id)") })
    text.add(["name"] + runs.map { .init($0.name, .bold) })
    text.add(["status"] + runs.map { .init(StateText.text($0.status), StateText.tint($0.status)) })
    for row in table.params.sorted(by: { ParamOrder.isBefore($0.key, $1.key) }) {
      text.add([.init(row.key)] + row.values.map { .init($0 ?? "-") })
    }
    for row in metrics { text.add([.init(row.key)] + Self.cells(row)) }
    var lines = text.lines(width: nil, style: style)
    if table.params.isEmpty { lines.append("all params are the same") }
    if metrics.contains(where: { !$0.best.isEmpty }) { lines.append("* the best") }
    return lines
  }

  private static func cells(_ row: RunTable.MetricRow) -> [TextTable.Cell] {
    row.values.enumerated().map { index, value in
      guard let value else { return "-" }
      let text = MetricText.value(row.key, value)
      return row.best.contains(index) ? .init("* " + text, .good) : .init(text)
    }
  }
}
