// Cuts an expression into words, numbers, strings and signs. A word may have dots and quoted parts
// (metrics.`val f1`, params."a b"), since the keys of metrics and params may hold anything.

struct QueryToken: Equatable {
  enum Kind: Equatable {
    /// A keyword or a field; quoted parts come without their quotes.
    case word(String, isQuoted: Bool)
    case number(Double)
    /// A span of time in seconds: `-7d` is -604800.
    case span(Double)
    case string(String)
    case sign(String)
    case end
  }

  let kind: Kind
  /// As written; for texts that are compared with a number.
  let text: String
  /// Of its first character.
  let position: Int

  /// For messages.
  var description: String { kind == .end ? "the end" : "\"\(text.prefix(40))\"" }

  /// Where in the expression a character of a quoted text stands; a quote in it is written twice.
  func place(ofContent offset: Int) -> Int {
    let characters = Array(text)
    var index = 1
    for _ in 0..<offset where index < characters.count {
      index += characters[index] == characters[0] ? 2 : 1
    }
    return position + index
  }

  /// Whether this is the unquoted keyword, in any case.
  func isWord(_ keyword: String) -> Bool {
    if case .word(let word, isQuoted: false) = kind { word.lowercased() == keyword } else { false }
  }
}

struct QueryLexer {
  private let characters: [Character]
  private var index = 0

  private static let spans: [Character: Double] = [
    "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800,
  ]

  static func tokens(of text: String) throws(QueryMistake) -> [QueryToken] {
    var lexer = QueryLexer(characters: Array(text))
    var tokens: [QueryToken] = []
    repeat { tokens.append(try lexer.next()) } while tokens.last?.kind != .end
    return tokens
  }

  private init(characters: [Character]) { self.characters = characters }

  private var current: Character? { index < characters.count ? characters[index] : nil }
  private func peek(_ distance: Int) -> Character? {
    index + distance < characters.count ? characters[index + distance] : nil
  }

  private mutating func next() throws(QueryMistake) -> QueryToken {
    while let character = current, character.isWhitespace { index += 1 }
    let start = index
    guard let character = current else { return token(.end, from: start) }
    switch character {
    case "'", "\"":
      let text = try quoted(by: character)
      return token(.string(text), from: start)
    case "(", ")", "[", "]", ",":
      index += 1
      return token(.sign(String(character)), from: start)
    case "=", "!", "<", ">": return try comparison(character, from: start)
    case "0"..."9", "-", "+", ".": return try number(from: start)
    case "`": return try word(from: start)
    default:
      guard character.isLetter || character == "_" else {
        throw QueryMistake(reason: "\"\(character)\" is not expected here", position: start)
      }
      return try word(from: start)
    }
  }

  private func token(_ kind: QueryToken.Kind, from start: Int) -> QueryToken {
    QueryToken(kind: kind, text: String(characters[start..<index]), position: start)
  }

  private mutating func comparison(
    _ character: Character, from start: Int
  ) throws(QueryMistake) -> QueryToken {
    index += 1
    var sign = String(character)
    if current == "=" {
      // `==` means `=`.
      if character != "=" { sign += "=" }
      index += 1
    } else if current == "~", character == "=" || character == "!" {
      sign += "~"
      index += 1
    } else if character == "<", current == ">" {
      sign = "!="
      index += 1
    }
    guard sign != "!" else {
      throw QueryMistake(reason: "expected \"!=\" or \"!~\"", position: start)
    }
    return token(.sign(sign), from: start)
  }

  private mutating func quoted(by quote: Character) throws(QueryMistake) -> String {
    let start = index
    index += 1
    var text = ""
    while let character = current {
      index += 1
      if character == quote {
        guard current == quote else { return text }
        index += 1
      }
      text.append(character)
    }
    throw QueryMistake(reason: "the quote that begins here is not closed", position: start)
  }

  private mutating func word(from start: Int) throws(QueryMistake) -> QueryToken {
    var text = ""
    var isQuoted = false
    while let character = current {
      if character == "`" || character == "\"" {
        // Quotes begin a part of a key only at the word's start and after a dot.
        guard text.isEmpty || text.last == "." else { break }
        text += try quoted(by: character)
        isQuoted = true
        guard current == "." else { break }
      } else if character.isLetter || character.isNumber || "_.-/:".contains(character) {
        text.append(character)
        index += 1
      } else {
        break
      }
    }
    return token(.word(text, isQuoted: isQuoted), from: start)
  }

  private mutating func number(from start: Int) throws(QueryMistake) -> QueryToken {
    if current == "-" || current == "+" { index += 1 }
    if let infinity = infinity(from: start) { return infinity }
    var digits = String(characters[start..<index])
    func isDigit(_ character: Character?) -> Bool {
      character.map { ("0"..."9").contains($0) } ?? false
    }
    while let character = current {
      let isExponent =
        (character == "e" || character == "E")
        && (isDigit(peek(1)) || (isDigit(peek(2)) && "+-".contains(peek(1) ?? " ")))
      guard isDigit(character) || character == "." || isExponent else { break }
      digits.append(character)
      index += 1
      if isExponent, let sign = current, sign == "+" || sign == "-" {
        digits.append(sign)
        index += 1
      }
    }
    guard let value = Double(digits.hasPrefix("+") ? String(digits.dropFirst()) : digits) else {
      throw QueryMistake(reason: "\"\(digits)\" is not a number", position: start)
    }
    guard let unit = current, unit.isLetter || unit == "_" else {
      return token(.number(value), from: start)
    }
    index += 1
    guard let seconds = Self.spans[unit], current.map({ !$0.isLetter && !isDigit($0) }) ?? true
    else {
      while let character = current, character.isLetter || character.isNumber { index += 1 }
      let text = String(characters[start..<index])
      throw QueryMistake(
        reason: "\"\(text)\" is neither a number nor a time such as -7d (s, m, h, d, w)",
        position: start)
    }
    return token(.span(value * seconds), from: start)
  }

  private mutating func infinity(from start: Int) -> QueryToken? {
    let word = Array("infinity")
    guard
      characters[index...].prefix(word.count).map({ $0.lowercased() }) == word.map({ String($0) })
    else { return nil }
    index += word.count
    return token(.number(characters[start] == "-" ? -.infinity : .infinity), from: start)
  }
}
