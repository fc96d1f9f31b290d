// What an expression says, after parsing: comparisons of a run's fields with values, joined by and,
// or and not.

indirect enum QueryNode: Equatable, Sendable {
  case and([QueryNode])
  case or([QueryNode])
  case not(QueryNode)
  case compare(QueryField, QueryComparison, QueryValue)
  case isIn(QueryField, [QueryValue])
  /// `%` any characters, `_` one.
  case like(QueryField, String, ignoringCase: Bool)
  case matches(QueryField, RegexPattern)
  case isNull(QueryField)
}

extension QueryNode {
  /// The same with `not` carried down to the comparisons (De Morgan), which holds in three-valued
  /// logic too, and without joints in joints of the same kind.
  var normalized: QueryNode { normalized(isNegated: false) }

  private func normalized(isNegated: Bool) -> QueryNode {
    switch self {
    case .not(let inner): inner.normalized(isNegated: !isNegated)
    case .and(let children), .or(let children):
      Self.joined(
        children.map { $0.normalized(isNegated: isNegated) }, isAnd: isAnd != isNegated)
    case .compare(let field, let comparison, let value) where isNegated:
      // What is unknown stays so, whichever way it is asked.
      .compare(field, comparison.negated, value)
    default: isNegated ? .not(self) : self
    }
  }

  private var isAnd: Bool { if case .and = self { true } else { false } }

  static func joined(_ nodes: [QueryNode], isAnd: Bool) -> QueryNode {
    let flat = nodes.flatMap { node in
      switch node {
      case .and(let children) where isAnd: children
      case .or(let children) where !isAnd: children
      default: [node]
      }
    }
    if flat.count == 1 { return flat[0] }
    return isAnd ? .and(flat) : .or(flat)
  }

  /// Hands over every field that is spoken of.
  func forEachField(_ body: (QueryField) -> Void) {
    switch self {
    case .and(let children), .or(let children): children.forEach { $0.forEachField(body) }
    case .not(let inner): inner.forEachField(body)
    case .compare(let field, _, _), .isIn(let field, _), .like(let field, _, _),
      .matches(let field, _), .isNull(let field):
      body(field)
    }
  }
}

enum QueryComparison: String, Equatable, Sendable {
  case equal = "="
  case notEqual = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="

  var negated: QueryComparison {
    switch self {
    case .equal: .notEqual
    case .notEqual: .equal
    case .less: .greaterOrEqual
    case .lessOrEqual: .greater
    case .greater: .lessOrEqual
    case .greaterOrEqual: .less
    }
  }

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

enum QueryValue: Equatable, Sendable {
  /// With its text as written.
  case number(Double, text: String)
  case text(String)
  /// Microseconds since 1970 UTC.
  case time(Int64)
}
