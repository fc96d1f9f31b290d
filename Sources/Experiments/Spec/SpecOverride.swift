// `--set optimizer.learning_rate=0.01`: one value of a job spec changed at submission, before the
// spec is validated.

/// A dotted path and the value to put there.
package struct SpecOverride: Sendable, Equatable {
  package var path: String
  package var value: JSONValue

  package init(path: String, value: JSONValue) {
    self.path = path
    self.value = value
  }

  /// Reads `PATH=VALUE`. The value is taken as JSON where it is some (`0.01`, `true`, `null`, `"64"`,
  /// `[accuracy]` is not, `["accuracy"]` is), else as text.
  package static func parse(_ text: String) throws(SpecMistakes) -> SpecOverride {
    guard let sign = text.firstIndex(of: "="), sign != text.startIndex else {
      throw SpecMistakes([
        SpecMistake(path: "", message: "\(JSONValue.string(text).shown) is not PATH=VALUE")
      ])
    }
    let value = String(text[text.index(after: sign)...])
    return SpecOverride(path: String(text[..<sign]), value: scalar(value))
  }

  private static func scalar(_ text: String) -> JSONValue {
    // `.5` is a number to YAML and to people, but not to JSON
    let isShort = text.hasPrefix(".") || text.hasPrefix("-.")
    if isShort, let number = Double(text), number.isFinite { return .number(number) }
    return JSONValue(parsing: text.utf8) ?? .string(text)
  }
}

extension JSONValue {
  /// The spec with the value at a dotted path replaced. Members that are missing are made; an index
  /// must be one that the list has. A bare `optimizer: adam` becomes `{type: adam}` when something
  /// within it is set. All that follows `tags.` is one key.
  package func setting(_ path: String, to value: JSONValue) throws(SpecMistakes) -> JSONValue {
    var keys = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    if keys[0] == "tags", keys.count > 2 {
      keys = ["tags", keys[1...].joined(separator: ".")]
    }
    guard !keys.contains("") else {
      throw SpecMistakes([SpecMistake(path: path, message: "is not a dotted path of keys")])
    }
    return try setting(keys[...], below: "", to: value)
  }

  private func setting(
    _ keys: ArraySlice<String>, below path: String, to value: JSONValue
  ) throws(SpecMistakes) -> JSONValue {
    guard let key = keys.first else { return value }
    let place = path.isEmpty ? key : "\(path).\(key)"
    switch self {
    case .object(var members):
      let member = members[key] ?? .object([:])
      members[key] = try member.setting(keys.dropFirst(), below: place, to: value)
      return .object(members)
    case .array(var elements):
      guard let index = Int(key), elements.indices.contains(index) else {
        let range = elements.isEmpty ? "" : ", 0 to \(elements.count - 1)"
        throw SpecMistakes([
          SpecMistake(
            path: place, message: "no such element; \(path) has \(elements.count)\(range)")
        ])
      }
      elements[index] = try elements[index].setting(keys.dropFirst(), below: place, to: value)
      return .array(elements)
    case .string where path == "optimizer":
      return try JSONValue.object(["type": self]).setting(keys, below: path, to: value)
    case .null, .bool, .int, .number, .string:
      let owner = path.isEmpty ? "the spec" : path
      throw SpecMistakes([
        SpecMistake(
          path: place, message: "cannot be set; \(owner) is \(shown), which has no members")
      ])
    }
  }
}
