// Reads a YAML document into a `JSONValue`: the YAML 1.2 core schema, without anchors, aliases, tags
// of one's own and repeated keys, so that a spec says what it seems to say and nothing twice. `no`
// and `1_000` are texts, quoted scalars always are.

import Experiments
import Yams

enum YAMLReader {
  /// `path` names the file in errors.
  static func read(_ text: String, path: String) throws(CommandError) -> JSONValue {
    do {
      // the tags are resolved here; Yams' own resolver follows YAML 1.1
      let parser = try Yams.Parser(yaml: text, resolver: .basic, encoding: .utf8)
      guard let root = try parser.singleRoot() else {
        throw CommandError.syntax(path: path, line: nil, column: nil, problem: "the file is empty")
      }
      let value = try value(root, path: path)
      // nodes refer weakly to anchors, which the parser keeps
      return withExtendedLifetime(parser) { value }
    } catch let error as CommandError {
      throw error
    } catch let error as YamlError {
      throw syntaxError(error, path: path)
    } catch {
      throw .syntax(path: path, line: nil, column: nil, problem: "\(error)")
    }
  }

  private static func value(_ node: Node, path: String) throws(CommandError) -> JSONValue {
    if node.anchor != nil {
      throw mistake(node, path, "anchors and aliases (& and *) are not allowed in a job spec")
    }
    switch node {
    case .scalar(let scalar):
      return try self.scalar(scalar, node, path)
    case .sequence(let sequence):
      try checkTag(sequence.tag.description, standard: "seq", node, path)
      var elements: [JSONValue] = []
      for element in sequence { elements.append(try value(element, path: path)) }
      return .array(elements)
    case .mapping(let mapping):
      try checkTag(mapping.tag.description, standard: "map", node, path)
      var members: [String: JSONValue] = [:]
      for (key, member) in mapping {
        guard case .scalar(let scalar) = key, key.anchor == nil else {
          throw mistake(key, path, "a key must be a plain word")
        }
        guard members.updateValue(try value(member, path: path), forKey: scalar.string) == nil
        else { throw mistake(key, path, "the key \(scalar.string) stands here a second time") }
      }
      return .object(members)
    case .alias:
      throw mistake(node, path, "aliases (*) are not allowed in a job spec")
    }
  }

  private static func scalar(
    _ scalar: Node.Scalar, _ node: Node, _ path: String
  ) throws(CommandError) -> JSONValue {
    let tag = scalar.tag.description
    if tag == "!" || tag == tagPrefix + "str" { return .string(scalar.string) }
    guard tag.isEmpty else {
      throw mistake(node, path, "the tag \(tag) is not allowed in a job spec")
    }
    return scalar.style == .plain ? YAMLScalar.value(scalar.string) : .string(scalar.string)
  }

  private static let tagPrefix = "tag:yaml.org,2002:"

  private static func checkTag(
    _ tag: String, standard: String, _ node: Node, _ path: String
  ) throws(CommandError) {
    guard tag.isEmpty || tag == "!" || tag == tagPrefix + standard else {
      throw mistake(node, path, "the tag \(tag) is not allowed in a job spec")
    }
  }

  private static func mistake(_ node: Node, _ path: String, _ problem: String) -> CommandError {
    .syntax(path: path, line: node.mark?.line, column: node.mark?.column, problem: problem)
  }

  private static func syntaxError(_ error: YamlError, path: String) -> CommandError {
    switch error {
    case .scanner(let context, let problem, let mark, _),
      .parser(let context, let problem, let mark, _):
      if problem.hasPrefix("Maximum nesting level") {
        return .syntax(
          path: path, line: mark.line, column: mark.column, problem: "nested too deeply")
      }
      let place = context.map { " \($0.text) (line \($0.mark.line))" } ?? ""
      return .syntax(path: path, line: mark.line, column: mark.column, problem: problem + place)
    case .composer(_, let problem, let mark, _):
      return .syntax(path: path, line: mark.line, column: mark.column, problem: problem)
    case .reader(let problem, let offset, _, let yaml):
      let before = yaml.prefix(offset ?? 0)
      let line = before.count { $0.isNewline } + 1
      let column = before.reversed().prefix { !$0.isNewline }.count + 1
      return .syntax(path: path, line: line, column: column, problem: problem)
    case .duplicatedKeysInMapping(let duplicates, let context):
      let keys = duplicates.joined(separator: ", ")
      return .syntax(
        path: path, line: context.mark.line, column: context.mark.column,
        problem: "a key stands twice in the same place: \(keys)")
    default:
      return .syntax(path: path, line: nil, column: nil, problem: "\(error)")
    }
  }
}

/// What a plain scalar means (YAML 1.2, section 10.3.2).
enum YAMLScalar {
  static func value(_ text: String) -> JSONValue {
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return .bool(true)
    case "false", "False", "FALSE": return .bool(false)
    default: return number(text) ?? .string(text)
    }
  }

  private static func number(_ text: String) -> JSONValue? {
    var digits = Substring(text)
    if text.hasPrefix("0x") { return Int64(text.dropFirst(2), radix: 16).map { .int($0) } }
    if text.hasPrefix("0o") { return Int64(text.dropFirst(2), radix: 8).map { .int($0) } }
    if digits.first == "-" || digits.first == "+" { digits.removeFirst() }
    // what Swift also takes as a number (`nan`, `infinity`, `0x1p3`) is text here
    guard let first = digits.utf8.first, isDigit(first) || first == UInt8(ascii: "."),
      digits.utf8.contains(where: isDigit), digits.utf8.allSatisfy(isOfNumber)
    else { return nil }
    if let value = Int64(text) { return .int(value) }
    return Double(withoutBarePoint(text)).map { .number($0) }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

  private static func isOfNumber(_ byte: UInt8) -> Bool {
    isDigit(byte) || "+-.eE".utf8.contains(byte)
  }

  /// `1.` and `1.e5` with the digit that Swift wants after the point.
  private static func withoutBarePoint(_ text: String) -> String {
    guard let point = text.firstIndex(of: ".") else { return text }
    let after = text.index(after: point)
    guard after == text.endIndex || !text[after].isNumber else { return text }
    return text[..<after] + "0" + text[after...]
  }
}
