// Text to tree, by precedence climbing (V. Pratt, "Top Down Operator Precedence", 1973): `or` binds
// weakest, then `and`, `not`, comparisons. Mistakes name what was expected, and where.

package import Experiments

extension Limits {
  /// Comparisons in one expression: SQLite's own limit on the height of an expression is 1,000.
  package static let queryTerms = 200
}

struct QueryParser {
  private var reader: TokenReader
  private let now: Timestamp
  private var depth = 0
  private var terms = 0

  /// - Parameter now: what relative times are counted from.
  /// - Throws: `invalid_query`, `limit_exceeded`.
  static func parse(_ text: String, now: Timestamp) throws -> QueryNode {
    try Bounds.count(text.utf8.count, of: "where", atMost: Limits.queryBytes)
    do {
      var parser = QueryParser(reader: try TokenReader(text), now: now)
      let node = try parser.expression(above: 0)
      guard parser.current.kind == .end else {
        throw parser.reader.expected("\"and\", \"or\" or the end")
      }
      return node
    } catch let mistake as QueryMistake {
      throw mistake.storeError(in: text)
    }
  }

  private init(reader: TokenReader, now: Timestamp) {
    self.reader = reader
    self.now = now
  }

  private var current: QueryToken { reader.current }

  private func precedence(of token: QueryToken) -> Int {
    token.isWord("or") ? 1 : token.isWord("and") ? 2 : 0
  }

  /// Reads operators that bind more strongly than `strength`.
  private mutating func expression(above strength: Int) throws(QueryMistake) -> QueryNode {
    var left = try operand()
    while case let own = precedence(of: current), own > strength {
      _ = reader.advance()
      let right = try expression(above: own)
      left = own == 1 ? Self.either(left, right) : Self.both(left, right)
    }
    return left
  }

  /// `a and b and c` becomes one node with three children.
  private static func both(_ left: QueryNode, _ right: QueryNode) -> QueryNode {
    if case .and(let children) = left { return .and(children + [right]) }
    return .and([left, right])
  }

  private static func either(_ left: QueryNode, _ right: QueryNode) -> QueryNode {
    if case .or(let children) = left { return .or(children + [right]) }
    return .or([left, right])
  }

  private mutating func operand() throws(QueryMistake) -> QueryNode {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Limits.queryDepth else {
      throw QueryMistake(
        reason: "the expression is nested more than \(Limits.queryDepth) deep",
        position: current.position)
    }
    if reader.skip(word: "not") { return .not(try operand()) }
    if current.kind == .sign("(") {
      let opening = reader.advance()
      let inner = try expression(above: 0)
      guard reader.skip(")") else {
        throw current.kind == .end
          ? QueryMistake(
            reason: "the parenthesis that begins here is not closed", position: opening.position)
          : reader.expected("\"and\", \"or\" or \")\"")
      }
      return inner
    }
    return try comparison()
  }

  private mutating func comparison() throws(QueryMistake) -> QueryNode {
    terms += 1
    guard terms <= Limits.queryTerms else {
      throw QueryMistake(
        reason: "the expression has more than \(Limits.queryTerms) comparisons",
        position: current.position)
    }
    guard reader.isAtField else { return try flippedComparison() }
    let field = try reader.field()
    if reader.skip(word: "is") { return try isNull(field) }
    if reader.skip(word: "not") {
      guard let node = try wordComparison(field) else {
        throw reader.expected("\"in\", \"like\", \"ilike\" or \"matches\" after \"not\"")
      }
      return .not(node)
    }
    if let node = try wordComparison(field) { return node }
    if current.kind == .sign("=~") { return try matches(field) }
    if current.kind == .sign("!~") { return .not(try matches(field)) }
    guard let sign = comparisonSign else {
      throw reader.expected(
        "a comparison (=, !=, <, <=, >, >=, in, like, ilike, =~, !~, is null)")
    }
    let operatorToken = reader.advance()
    if sign != .equal, sign != .notEqual, field.type == .status {
      throw QueryMistake(
        reason: "a status is compared with =, != or in", position: operatorToken.position)
    }
    let compared = Self.compared(field, with: current)
    return .compare(compared, sign, try value(for: compared))
  }

  /// In MLflow `created` is the start, in milliseconds; here it takes times, so a number tells.
  private static func compared(_ field: QueryField, with token: QueryToken) -> QueryField {
    if field == .attribute(.created), case .number = token.kind { return .attribute(.startTime) }
    return field
  }

  /// `in`, `like`, `ilike` and `matches`; nil if none of them is here.
  private mutating func wordComparison(_ field: QueryField) throws(QueryMistake) -> QueryNode? {
    if current.isWord("in") { return try isIn(field) }
    if current.isWord("like") || current.isWord("ilike") { return try like(field) }
    if current.isWord("matches") || current.isWord("rlike") { return try matches(field) }
    return nil
  }

  /// `0.9 < metrics.val_f1`
  private mutating func flippedComparison() throws(QueryMistake) -> QueryNode {
    let literal = current
    switch literal.kind {
    case .number, .span, .string: _ = reader.advance()
    case .word where reader.isAtLiteralWord: _ = reader.advance()
    default:
      throw reader.expected("a field such as metrics.val_f1, params.optimizer.type or status")
    }
    guard let sign = comparisonSign else {
      throw reader.expected("a comparison (=, !=, <, <=, >, >=)")
    }
    let operatorToken = reader.advance()
    let field = try reader.field()
    if sign != .equal, sign != .notEqual, field.type == .status {
      throw QueryMistake(
        reason: "a status is compared with =, != or in", position: operatorToken.position)
    }
    let compared = Self.compared(field, with: literal)
    return .compare(compared, sign.flipped, try convert(literal, for: compared))
  }

  private var comparisonSign: QueryComparison? {
    if case .sign(let sign) = current.kind { QueryComparison(rawValue: sign) } else { nil }
  }

  private mutating func isNull(_ field: QueryField) throws(QueryMistake) -> QueryNode {
    let isNegated = reader.skip(word: "not")
    guard reader.skip(word: "null") else {
      throw reader.expected("\"null\" or \"not null\" after \"is\"")
    }
    return isNegated ? .not(.isNull(field)) : .isNull(field)
  }

  private mutating func isIn(_ field: QueryField) throws(QueryMistake) -> QueryNode {
    _ = reader.advance()
    guard reader.skip("(") else { throw reader.expected("\"(\" after \"in\"") }
    var values = [try value(for: field)]
    while reader.skip(",") { values.append(try value(for: field)) }
    guard reader.skip(")") else { throw reader.expected("\",\" or \")\"") }
    return .isIn(field, values)
  }

  private mutating func like(_ field: QueryField) throws(QueryMistake) -> QueryNode {
    let keyword = reader.advance()
    let name = keyword.text.lowercased()
    guard field.type == .text || field.type == .any || field.type == .status else {
      throw QueryMistake(
        reason: "\(name) compares texts, and this field is none", position: keyword.position)
    }
    guard case .string(let pattern) = current.kind else {
      throw reader.expected("a pattern in quotes such as 'adam%'")
    }
    _ = reader.advance()
    // A status may be written in any case.
    return .like(field, pattern, ignoringCase: name == "ilike" || field.type == .status)
  }

  private mutating func matches(_ field: QueryField) throws(QueryMistake) -> QueryNode {
    let keyword = reader.advance()
    guard field.type == .text || field.type == .any || field.type == .status else {
      throw QueryMistake(
        reason: "a regular expression is for texts, and this field is none",
        position: keyword.position)
    }
    guard case .string(let pattern) = current.kind else {
      throw reader.expected("a regular expression in quotes such as '^adam'")
    }
    let token = reader.advance()
    do throws(QueryMistake) {
      return .matches(field, try RegexPattern(pattern))
    } catch {
      throw QueryMistake(
        reason: "in the regular expression \(error.reason)",
        position: token.place(ofContent: error.position))
    }
  }

  private mutating func value(for field: QueryField) throws(QueryMistake) -> QueryValue {
    let token = current
    switch token.kind {
    case .number, .span, .string: break
    case .word where reader.isAtLiteralWord: break
    case .word where token.isWord("null"):
      throw QueryMistake(reason: "null is compared by \"is null\"", position: token.position)
    case .word(let word, _):
      throw QueryMistake(
        reason: "expected a value but found \"\(word.prefix(40))\"; texts stand in quotes: "
          + "'\(word.prefix(40))'", position: token.position)
    case .sign, .end: throw reader.expected("a value")
    }
    let value = try convert(token, for: field)
    _ = reader.advance()
    return value
  }

  /// The value of a literal, of the kind that the field is compared with.
  private func convert(_ token: QueryToken, for field: QueryField) throws(QueryMistake)
    -> QueryValue
  {
    func mistake(_ what: String) -> QueryMistake {
      QueryMistake(
        reason: "expected \(what) but found \(token.description)", position: token.position)
    }
    switch (field.type, token.kind) {
    case (.number, .number(let value)), (.any, .number(let value)), (.span, .number(let value)),
      (.span, .span(let value)):
      return .number(value, text: token.text)
    case (.number, .word) where token.isWord("infinity"),
      (.span, .word) where token.isWord("infinity"):
      return .number(.infinity, text: token.text)
    case (.number, _): throw mistake("a number")
    case (.span, _): throw mistake("seconds, or a time such as 90m (s, m, h, d, w)")
    case (.text, .string(let text)), (.any, .string(let text)): return .text(text)
    case (.text, .number): return .text(token.text)
    case (.text, .word), (.any, .word): return .text(token.text.lowercased())
    case (.text, _), (.any, _): throw mistake("a number or a text in quotes")
    case (.time, .span(let seconds)):
      let microseconds = seconds * 1e6
      guard abs(microseconds) < 1e18 else { throw mistake("a shorter time") }
      return .time(now.microseconds &+ Int64(microseconds))
    case (.time, .string(let text)):
      guard let time = QueryTime.parse(text) else { fallthrough }
      return .time(time)
    case (.time, _):
      throw mistake("a time such as -7d, '2026-01-31' or '2026-01-31 12:00' (UTC)")
    case (.status, .string(let text)):
      guard let status = Self.status(text.lowercased()) else { fallthrough }
      return .text(status.rawValue)
    case (.status, _):
      throw mistake(
        "one of " + RunStatus.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", "))
    }
  }

  /// By Assay's names or MLflow's.
  private static func status(_ name: String) -> RunStatus? {
    switch name {
    case "scheduled": .queued
    case "killed": .cancelled
    default: RunStatus(rawValue: name)
    }
  }
}
