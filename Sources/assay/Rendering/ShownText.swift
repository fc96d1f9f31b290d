// Text from elsewhere (names, notes, messages) made safe and measurable for a terminal: control
// characters could move the cursor or forge a line, wide characters take two columns.

enum ShownText {
  /// On one line and without control characters: each becomes `·`, line ends become spaces.
  static func line(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if scalar == "\n" || scalar == "\t" {
        result.append(" ")
      } else {
        result.append(isControl(scalar) ? "·" : scalar)
      }
    }
    return String(result)
  }

  /// Columns that the text takes on a terminal.
  static func width(_ text: String) -> Int {
    if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
    return text.reduce(0) { $0 + width($1) }
  }

  /// The text, cut to `width` columns with `…` at the end if it is longer.
  static func cut(_ text: String, to width: Int) -> String {
    guard self.width(text) > width else { return text }
    guard width > 0 else { return "" }
    var used = 1
    var result = ""
    for character in text {
      used += self.width(character)
      if used > width { break }
      result.append(character)
    }
    return result + "…"
  }

  static func padded(_ text: String, to width: Int, rightAligned: Bool = false) -> String {
    let padding = String(repeating: " ", count: max(0, width - self.width(text)))
    return rightAligned ? padding + text : text + padding
  }

  private static func width(_ character: Character) -> Int {
    guard let first = character.unicodeScalars.first else { return 0 }
    switch first.value {
    case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
      0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    // C0, DEL, C1; line separators; the marks that turn the direction of writing
    case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}

/// Run and job numbers in few characters: `2-6`, `2, 4`, `1-3, 7`.
enum NumberList {
  static func text(_ numbers: some Sequence<Int64>) -> String {
    var parts: [ClosedRange<Int64>] = []
    for number in numbers.sorted() {
      if let last = parts.last, number <= last.upperBound + 1 {
        parts[parts.count - 1] = last.lowerBound...max(last.upperBound, number)
      } else {
        parts.append(number...number)
      }
    }
    let texts = parts.map { part in
      switch part.upperBound - part.lowerBound {
      case 0: "\(part.lowerBound)"
      case 1: "\(part.lowerBound), \(part.upperBound)"
      default: "\(part.lowerBound)-\(part.upperBound)"
      }
    }
    return texts.joined(separator: ", ")
  }

  /// `run 7`, `runs 2-6`.
  static func text(_ noun: String, _ numbers: some Collection<Int64>) -> String {
    "\(noun)\(numbers.count == 1 ? "" : "s") \(text(numbers))"
  }
}
