// What an expression says, after parsing: comparisons of a run's fields with values, joined by and,
// or and not.

indirect enum QueryNode: Equatable, Sendable {
  case and([QueryNode])
  case or([QueryNode])
  case not(QueryNode)
  case compare(QueryField, QueryComparison, QueryValue)
  case isIn(QueryField, [QueryValue])
  case like(QueryField, String)
  case isNull(QueryField)
}

enum QueryComparison: String, Equatable, Sendable {
  case equal = "="
  case notEqual = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="

  /// The same with its sides changed: `1 < x` is `x > 1`.
  var flipped: QueryComparison {
    switch self {
    case .equal, .notEqual: self
    case .less: .greater
    case .lessOrEqual: .greaterOrEqual
    case .greater: .less
    case .greaterOrEqual: .lessOrEqual
    }
  }
}

enum QueryField: Equatable, Sendable {
  case metric(String)
  case param(String)
  case tag(String)
  case attribute(QueryAttribute)

  /// The word as a field.
  /// - Throws: what is wrong with it, with the names that there are.
  init(word: String, at position: Int) throws(QueryMistake) {
    if let dot = word.firstIndex(of: ".") {
      let key = String(word[word.index(after: dot)...])
      guard !key.isEmpty else {
        throw QueryMistake(reason: "expected a key after \"\(word)\"", position: position)
      }
      switch word[..<dot].lowercased() {
      case "metrics", "metric": self = .metric(key)
      case "params", "param": self = .param(key)
      case "tags", "tag": self = .tag(key)
      case "attributes", "attribute": self = .attribute(try Self.attribute(key, at: position))
      default:
        throw QueryMistake(
          reason: "\"\(word.prefix(40))\" is no field; keys begin with metrics., params. or tags.",
          position: position)
      }
      return
    }
    self = .attribute(try Self.attribute(word, at: position))
  }

  private static func attribute(
    _ name: String, at position: Int
  ) throws(QueryMistake) -> QueryAttribute {
    guard let attribute = QueryAttribute(rawValue: name.lowercased()) else {
      throw QueryMistake(
        reason: "\"\(name.prefix(40))\" is no field; there are metrics.KEY, params.KEY, tags.KEY, "
          + QueryAttribute.allCases.map(\.rawValue).joined(separator: ", "),
        position: position)
    }
    return attribute
  }

  /// What it can be compared with.
  var type: QueryType {
    switch self {
    case .metric: .number
    case .param: .any
    case .tag: .text
    case .attribute(let attribute): attribute.type
    }
  }
}

enum QueryAttribute: String, CaseIterable, Sendable {
  case status, name, id, experiment, seed, started, ended, created, note, job, dataset, parent

  var type: QueryType {
    switch self {
    case .status: .status
    case .name, .experiment, .note, .dataset: .text
    case .id, .seed, .job, .parent: .number
    case .started, .ended, .created: .time
    }
  }
}

enum QueryType: Equatable {
  case number, text, time, status
  /// A param: a number where both sides are numbers, else a text.
  case any
}

enum QueryValue: Equatable, Sendable {
  /// With its text as written.
  case number(Double, text: String)
  case text(String)
  /// Microseconds since 1970 UTC.
  case time(Int64)
}
