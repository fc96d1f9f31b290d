// The table of `assay runs`.

import Experiments

enum RunList {
  private static let mostMetrics = 3
  private static let preferred = [
    "val_loss", "test_accuracy", "test_f1", "test_r2", "test_mean_absolute_error", "test_loss",
    "val_accuracy", "val_f1", "accuracy", "loss",
  ]

  /// The fields that a table may show, as the daemon calls them.
  static func fields(besides named: [RunFields.Field]) -> [String] {
    named.prefix(50).map(\.path) + preferred.map { "metrics." + $0 }
  }

  /// `fields` are those that the query speaks of, such as `params.optimizer.type`.
  static func table(_ runs: [Run], fields: [RunFields.Field], now: Timestamp) -> TextTable {
    let fields = fields + defaults(runs, besides: fields)
    var columns: [TextTable.Column] = [
      .right("run"), .left("name", flexible: true), .left("experiment", flexible: true),
      .left("status"),
    ]
    columns += fields.map { $0.isNumber ? .right($0.title) : .left($0.title, flexible: true) }
    columns += [.right("took"), .left("created")]
    var table = TextTable(columns)
    for run in runs {
      var row: [TextTable.Cell] = [
        .init(String(run.id)), .init(run.name), .init(run.experiment),
        .init(StateText.text(run.status), StateText.tint(run.status)),
      ]
      row += fields.map { TextTable.Cell($0.text(run)) }
      row += [.init(took(run, now: now)), .init(Moments.relative(run.createdAt, to: now))]
      table.add(row)
    }
    return table
  }

  private static func defaults(_ runs: [Run], besides fields: [RunFields.Field])
    -> [RunFields.Field]
  {
    let room = max(0, mostMetrics - fields.count { $0.isNumber })
    let keys = preferred.filter { key in
      !fields.contains(.metric(key)) && runs.contains { $0.metrics[key] != nil }
    }
    return keys.prefix(room).map { .metric($0) }
  }

  static func took(_ run: Run, now: Timestamp) -> String {
    guard let started = run.startedAt else { return "" }
    return Quantities.duration((run.endedAt ?? now).seconds(since: started))
  }
}

/// Fields of runs that are named in an expression or an order.
enum RunFields {
  enum Field: Equatable {
    case metric(String)
    case param(String)
    case tag(String)

    var title: String {
      switch self {
      case .metric(let key), .param(let key), .tag(let key): key
      }
    }

    var path: String {
      switch self {
      case .metric(let key): "metrics." + key
      case .param(let key): "params." + key
      case .tag(let key): "tags." + key
      }
    }

    var isNumber: Bool {
      if case .metric = self { true } else { false }
    }

    func text(_ run: Run) -> String {
      switch self {
      case .metric(let key): run.metrics[key].map { MetricText.value(key, $0.last) } ?? ""
      case .param(let key): run.params[key] ?? ""
      case .tag(let key): run.tags[key] ?? ""
      }
    }
  }

  /// The fields in an expression, each once. What stands in quotes is not looked at.
  static func named(in expression: String) -> [Field] {
    var fields: [Field] = []
    var quote: Character?
    var word = ""
    for character in expression + " " {
      if let open = quote {
        if character == open { quote = nil }
      } else if "'\"`".contains(character) {
        quote = character
      } else if character.isLetter || character.isNumber || "._/-:".contains(character) {
        word.append(character)
        continue
      }
      if let field = field(word), !fields.contains(field) { fields.append(field) }
      word = ""
    }
    return fields
  }

  private static func field(_ word: String) -> Field? {
    let parts = word.drop { $0 == "-" }.split(separator: ".", maxSplits: 1)
    guard parts.count == 2 else { return nil }
    let key = String(parts[1])
    switch parts[0].lowercased() {
    case "metrics", "metric": return .metric(key)
    case "params", "param": return .param(key)
    case "tags", "tag": return .tag(key)
    default: return nil
    }
  }
}
