// The tables of `assay runs --select` and `--group-by`.

import Experiments
import Wire

enum RunColumnsTable {
  static func table(_ rows: [RunTableRow], columns names: [String]) -> TextTable {
    let isNumber = names.map { name in
      rows.allSatisfy { row in row.values[name].map { $0.doubleValue != nil } ?? true }
    }
    var table = TextTable(
      [.right("run"), .left("name", flexible: true)]
        + zip(names, isNumber).map { $1 ? .right($0) : .left($0, flexible: true) })
    for row in rows {
      table.add(
        [.init(String(row.id)), .init(row.name)] + names.map { .init(text(row.values[$0], of: $0)) }
      )
    }
    return table
  }

  static func groups(
    _ groups: [RunGroup], by fields: [String], columns: [String]
  ) -> TextTable {
    var table = TextTable(
      fields.map { .left($0, flexible: true) } + [.right("runs")]
        + columns.flatMap { [.right($0), .right("median")] })
    for group in groups {
      var row: [TextTable.Cell] = fields.map { .init(text(group.key[$0], of: $0)) }
      row.append(.init(String(group.runs)))
      for column in columns {
        let values = group.values[column]
        row.append(.init(side(values, of: column, runs: group.runs)))
        row.append(.init(values?.median.map { number($0, of: column) } ?? ""))
      }
      table.add(row)
    }
    return table
  }

  /// The mean and the deviation; with how many values, if that is not how many runs.
  private static func side(_ values: ValueStatistics?, of column: String, runs: Int) -> String {
    guard let values, let mean = values.mean else { return "" }
    let text = MetricText.side(
      FieldNames.key(column), mean: mean, deviation: values.standardDeviation)
    return values.count == runs ? text : "\(text) (n \(values.count))"
  }

  private static func text(_ value: JSONValue?, of column: String) -> String {
    switch value {
    case nil, .null: ""
    case .string(let text): text
    case .int(let number) where FieldNames.isTime(column):
      Moments.relative(Timestamp(microseconds: number), to: Moments.now())
    case .int(let number): String(number)
    case .number(let number): self.number(number, of: column)
    case let other?: other.canonicalText
    }
  }

  private static func number(_ value: Double, of column: String) -> String {
    column.lowercased() == "duration"
      ? Quantities.duration(value) : MetricText.value(FieldNames.key(column), value)
  }
}

/// Names of fields as they stand on the command line.
enum FieldNames {
  /// `val_f1` of `best(metrics.val_f1)`; for the unit that a metric's name tells.
  static func key(_ field: String) -> String {
    var inner = Substring(field)
    if let open = inner.firstIndex(of: "("), inner.last == ")" {
      if inner[..<open].lowercased() == "count" { return "" }
      inner = inner[inner.index(after: open)...].dropLast()
    }
    if let bracket = inner.firstIndex(of: "[") { inner = inner[..<bracket] }
    guard let dot = inner.firstIndex(of: ".") else { return String(inner) }
    return inner[inner.index(after: dot)...].filter { $0 != "`" && $0 != "\"" }
  }

  static func isTime(_ field: String) -> Bool {
    ["started", "ended", "created"].contains(field.split(separator: ".").last?.lowercased() ?? "")
      && !field.contains("(") && !field.lowercased().hasPrefix("param")
      && !field.lowercased().hasPrefix("metric") && !field.lowercased().hasPrefix("tag")
  }
}
