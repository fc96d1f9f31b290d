// The tokens of a text and where its reader is: what expressions, orders and columns share, above
// all reading a field such as `metrics.loss[10]`, `min(metrics.loss)` or `params.lr`.

struct TokenReader {
  private let tokens: [QueryToken]
  private var index = 0

  init(_ text: String) throws(QueryMistake) {
    tokens = try QueryLexer.tokens(of: text)
  }

  var current: QueryToken { tokens[index] }
  private var following: QueryToken { tokens[min(index + 1, tokens.count - 1)] }

  mutating func advance() -> QueryToken {
    defer { if index < tokens.count - 1 { index += 1 } }
    return tokens[index]
  }

  /// Goes on if the sign is there.
  mutating func skip(_ sign: String) -> Bool {
    guard current.kind == .sign(sign) else { return false }
    _ = advance()
    return true
  }

  /// Goes on if the keyword is there, in any case.
  mutating func skip(word: String) -> Bool {
    guard current.isWord(word) else { return false }
    _ = advance()
    return true
  }

  func expected(_ what: String) -> QueryMistake {
    QueryMistake(
      reason: "expected \(what) but found \(current.description)", position: current.position)
  }

  /// Whether a field may begin here.
  var isAtField: Bool { if case .word = current.kind { !isAtLiteralWord } else { false } }

  var isAtLiteralWord: Bool {
    current.isWord("infinity") || current.isWord("true") || current.isWord("false")
  }

  mutating func field() throws(QueryMistake) -> QueryField {
    guard isAtField, case .word(let word, let isQuoted) = current.kind else {
      throw expected("a field such as metrics.val_f1, params.optimizer.type or status")
    }
    if !isQuoted, following.kind == .sign("("), !word.contains(".") { return try function(word) }
    let field = try QueryField(word: word, at: advance().position)
    guard current.kind == .sign("[") else { return field }
    guard case .metric(let key, _) = field else {
      throw QueryMistake(
        reason: "a step in brackets may only follow a metric", position: current.position)
    }
    _ = advance()
    guard case .number = current.kind, let step = Int64(current.text) else {
      throw expected("a step, a whole number,")
    }
    _ = advance()
    guard skip("]") else { throw expected("\"]\"") }
    return .metric(key, .step(step))
  }

  private mutating func function(_ name: String) throws(QueryMistake) -> QueryField {
    guard let part = MetricPart.functions[name.lowercased()] else {
      throw QueryMistake(
        reason: "\"\(name.prefix(40))\" is no function; there are "
          + MetricPart.functions.keys.sorted().joined(separator: ", "),
        position: current.position)
    }
    _ = advance()
    _ = advance()
    let place = current.position
    guard case .metric(let key, .last) = try field() else {
      throw QueryMistake(
        reason: "\(name.lowercased()) is of a metric, as in \(name.lowercased())(metrics.loss)",
        position: place)
    }
    guard skip(")") else { throw expected("\")\"") }
    return .metric(key, part)
  }
}
