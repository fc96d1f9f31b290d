// The `meta.yaml` files of MLflow's file store: flat maps of scalars, as Python's safe_dump writes
// them (plain, 'single' or "double" quoted, folded over lines).

struct MLflowMeta {
  private(set) var values: [String: String] = [:]

  init(_ text: String) {
    var key: String?
    var value = ""
    func finished() -> (String, String)? { key.map { ($0, Self.scalar(value)) } }
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      let isContinued = line.first == " " || line.isEmpty
      if !isContinued, let colon = line.firstIndex(of: ":"), line.first != "#", line.first != "-" {
        if let (key, text) = finished() { values[key] = text }
        key = Self.scalar(String(line[..<colon]))
        value = String(line[line.index(after: colon)...])
      } else if key != nil {
        value += "\n" + line
      }
    }
    if let (key, text) = finished() { values[key] = text }
  }

  /// Nil for what is missing or null.
  subscript(key: String) -> String? { values[key].flatMap { $0 == "null" || $0 == "" ? nil : $0 } }

  private static func scalar(_ text: String) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
      $0.drop { $0 == " " }
    }
    // A fold is a space; an empty line in it is a line end.
    let isDouble = text.first { $0 != " " } == "\""
    var folded = ""
    var breaks = 0
    for (index, line) in lines.enumerated() {
      let line = index + 1 < lines.count ? line.trimmedEnd : line
      if index > 0 {
        if line.isEmpty && index + 1 < lines.count {
          breaks += 1
          continue
        }
        if isDouble, folded.reversed().prefix(while: { $0 == "\\" }).count % 2 == 1 {
          folded.removeLast()  // an escaped line end joins two lines
        } else {
          folded += breaks > 0 ? String(repeating: "\n", count: breaks) : " "
        }
        breaks = 0
      }
      folded += line
    }
    let trimmed = folded.trimmedBoth
    if trimmed.hasPrefix("'"), trimmed.hasSuffix("'"), trimmed.count >= 2 {
      return String(trimmed.dropFirst().dropLast().replacing("''", with: "'"))
    }
    if trimmed.hasPrefix("\""), trimmed.hasSuffix("\""), trimmed.count >= 2 {
      return unescaped(trimmed.dropFirst().dropLast())
    }
    return trimmed
  }

  private static func unescaped(_ text: Substring) -> String {
    var result = String.UnicodeScalarView()
    var rest = text.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      guard scalar == "\\", let code = rest.popFirst() else {
        result.append(scalar)
        continue
      }
      switch code {
      case "n": result.append("\n")
      case "t": result.append("\t")
      case "r": result.append("\r")
      case "0": result.append("\0")
      case "a": result.append("\u{7}")
      case "b": result.append("\u{8}")
      case "e": result.append("\u{1B}")
      case "f": result.append("\u{C}")
      case "v": result.append("\u{B}")
      case "N": result.append("\u{85}")
      case "_": result.append("\u{A0}")
      case "L": result.append("\u{2028}")
      case "P": result.append("\u{2029}")
      case "x", "u", "U":
        let count = code == "x" ? 2 : code == "u" ? 4 : 8
        let digits = String(String.UnicodeScalarView(rest.prefix(count)))
        rest = rest.dropFirst(count)
        if let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value) {
          result.append(scalar)
        }
      default: result.append(code)
      }
    }
    return String(result)
  }
}

extension StringProtocol {
  fileprivate var trimmedEnd: SubSequence {
    guard let last = lastIndex(where: { $0 != " " }) else { return self[startIndex..<startIndex] }
    return self[...last]
  }

  fileprivate var trimmedBoth: String { String(String(drop { $0 == " " }).trimmedEnd) }
}
