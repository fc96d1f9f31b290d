// Lists of a run's fields as people write them, separated by commas: columns, orders, what runs are
// grouped by. The command line and the daemon cut them alike.

package enum CommaList {
  /// Cuts at the commas that stand outside of quotes, parentheses and brackets; empty parts are
  /// left out.
  package static func split(_ text: String) -> [String] {
    var parts: [String] = []
    var part = ""
    var quote: Character?
    var depth = 0
    for character in text {
      if let open = quote {
        if character == open { quote = nil }
      } else {
        switch character {
        case "`", "\"", "'": quote = character
        case "(", "[": depth += 1
        case ")", "]": depth -= 1
        case "," where depth <= 0:
          parts.append(part)
          part = ""
          continue
        default: break
        }
      }
      part.append(character)
    }
    return (parts + [part]).map(trimmed).filter { !$0.isEmpty }
  }

  private static func trimmed(_ text: String) -> String {
    var rest = Substring(text)
    while rest.first?.isWhitespace ?? false { rest.removeFirst() }
    while rest.last?.isWhitespace ?? false { rest.removeLast() }
    return String(rest)
  }
}
