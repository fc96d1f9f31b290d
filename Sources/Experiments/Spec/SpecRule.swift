// What one field of a job spec may hold: how to read it, and how to say what is allowed.

/// Reads a value, or says in words why it cannot be one.
struct SpecRule<Value> {
  /// What is allowed, after `needs`: `a whole number from 1 to 65536`.
  let expectation: String
  let read: (JSONValue) throws(SpecComplaint) -> Value
}

/// Why a value is refused.
struct SpecComplaint: Error {
  let message: String
}

extension SpecRule {
  /// The rule of a value that `convert` knows, with the refusal `VALUE is not EXPECTATION` and,
  /// where there is one, a hint what to write instead.
  static func converting(
    _ expectation: String, hint: @escaping (JSONValue) -> String? = { _ in nil },
    _ convert: @escaping (JSONValue) -> Value?
  ) -> SpecRule {
    SpecRule(expectation: expectation) { (value) throws(SpecComplaint) -> Value in
      if let result = convert(value) { return result }
      let advice = hint(value).map { "; \($0)" } ?? ""
      throw SpecComplaint(message: "\(value.shown) is not \(expectation)\(advice)")
    }
  }

  /// One of a few names, told from their text.
  static func oneOf(_ names: [String], _ convert: @escaping (String) -> Value?) -> SpecRule {
    let list = names.joined(separator: ", ")
    return SpecRule(expectation: "one of \(list)") { (value) throws(SpecComplaint) -> Value in
      if let text = value.stringValue, let result = convert(text) { return result }
      let question = NearestName.question(for: value.stringValue ?? "", among: names)
      throw SpecComplaint(message: "\(value.shown) is none of \(list)\(question)")
    }
  }
}

extension SpecRule where Value: RawRepresentable<String> & CaseIterable {
  static var name: SpecRule { oneOf(Value.allCases.map(\.rawValue)) { Value(rawValue: $0) } }
}

extension SpecRule<Int> {
  static func whole(_ range: ClosedRange<Int>) -> SpecRule {
    converting(
      "a whole number from \(range.lowerBound) to \(range.upperBound)", hint: withoutQuotes
    ) { $0.intValue.flatMap { range.contains($0) ? $0 : nil } }
  }
}

extension SpecRule<Double> {
  /// A finite number in a range, whose infinite ends are none.
  static func number(_ range: NumberRange) -> SpecRule {
    converting("a number \(range)", hint: withoutQuotes) {
      $0.doubleValue.flatMap { range.contains($0) ? $0 : nil }
    }
  }
}

extension SpecRule<Bool> {
  static var flag: SpecRule { converting("true or false", hint: withoutQuotes) { $0.boolValue } }
}

extension SpecRule<String> {
  /// A text that is not empty, without the character NUL, which SQLite and C end a text at.
  static func text(upTo characters: Int) -> SpecRule {
    converting("a text of 1 to \(characters) characters", hint: inQuotes) {
      $0.stringValue.flatMap { fits($0, 1...characters) ? $0 : nil }
    }
  }

  /// A column's name or a cell's text. A whole number is taken as its digits, since `positive: 1`
  /// is what people write; `true` is not, since YAML reads `yes` as that.
  static func cell(orEmpty: Bool = false) -> SpecRule {
    let lengths = (orEmpty ? 0 : 1)...Limits.tagCharacters
    return converting(
      "a text of \(lengths.lowerBound) to \(lengths.upperBound) characters", hint: inQuotes
    ) { value in
      if case .int(let number) = value { return String(number) }
      return value.stringValue.flatMap { fits($0, lengths) ? $0 : nil }
    }
  }

  /// A tag's value: any scalar, kept as it is written.
  static var tag: SpecRule {
    converting("a text of up to \(Limits.tagCharacters) characters, a number, true or false") {
      switch $0 {
      case .string(let text): fits(text, 0...Limits.tagCharacters) ? text : nil
      case .int, .bool: $0.plainText
      case .number(let number): number.isFinite ? $0.plainText : nil
      case .null, .array, .object: nil
      }
    }
  }

  /// The name of a job, an experiment or a dataset: it must be easy to type and to tell apart.
  static func identifier(orEmpty: Bool = false) -> SpecRule {
    converting(
      """
      a name: 1 to \(Limits.nameCharacters) letters (a-z, A-Z), digits, '-', '_' or '.', \
      beginning with a letter or digit
      """, hint: inQuotes
    ) { value in
      guard let text = value.stringValue else { return nil }
      return SpecName.isValid(text) || orEmpty && text.isEmpty ? text : nil
    }
  }

  private static func fits(_ text: String, _ characters: ClosedRange<Int>) -> Bool {
    characters.contains(text.count) && !text.unicodeScalars.contains("\0")
  }
}

/// Names of jobs, experiments and datasets.
package enum SpecName {
  package static func isValid(_ name: String) -> Bool {
    guard let first = name.utf8.first, name.utf8.count <= Limits.nameCharacters else {
      return false
    }
    return isAlphanumeric(first) && name.utf8.allSatisfy { isAlphanumeric($0) || isMark($0) }
  }

  /// A name made of any text, e.g. of a file's: other characters become `-`. Nil if nothing is left.
  package static func made(from text: some StringProtocol) -> String? {
    let marked = text.map { character in
      character.utf8.allSatisfy { isAlphanumeric($0) || isMark($0) } ? character : "-"
    }
    let name = String(
      marked.drop { !$0.isLetter && !$0.isNumber }.prefix(Limits.nameCharacters))
    return isValid(name) ? name : nil
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }

  private static func isMark(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
  }
}

/// An interval of numbers and its words.
struct NumberRange: CustomStringConvertible {
  let description: String
  let contains: (Double) -> Bool

  static func from(_ lower: Double, to upper: Double) -> NumberRange {
    NumberRange(description: "from \(lower.shown) to \(upper.shown)") {
      $0 >= lower && $0 <= upper
    }
  }

  static func from(_ lower: Double, below upper: Double) -> NumberRange {
    NumberRange(description: "from \(lower.shown) to below \(upper.shown)") {
      $0 >= lower && $0 < upper
    }
  }

  static func above(_ lower: Double, to upper: Double) -> NumberRange {
    NumberRange(description: "above \(lower.shown), at most \(upper.shown)") {
      $0 > lower && $0 <= upper
    }
  }
}

extension Double {
  /// Whole numbers without `.0`, as people write them.
  var shown: String {
    Int(exactly: self).flatMap { abs($0) < 1_000_000_000 ? String($0) : nil }
      ?? MetricValue.text(self)
  }
}

extension JSONValue {
  /// The value in a message: texts in quotes, long ones cut.
  var shown: String {
    switch self {
    case .number(let number): return number.shown
    case .string(let text) where text.count > 60:
      return JSONValue.string(String(text.prefix(60)) + "…").canonicalText
    case .array(let values) where values.count > 8: return "a list of \(values.count)"
    case .array, .object:
      let text = canonicalText
      return text.count > 60 ? String(text.prefix(60)) + "…" : text
    case .null, .bool, .int, .string: return canonicalText
    }
  }
}

private func withoutQuotes(_ value: JSONValue) -> String? {
  guard let text = value.stringValue, text.count <= 30 else { return nil }
  if ["true", "false"].contains(text) || Double(text)?.isFinite == true {
    return "write \(text) without quotes"
  }
  return nil
}

private func inQuotes(_ value: JSONValue) -> String? {
  switch value {
  case .int, .number: "write \"\(value.plainText)\" in quotes"
  case .bool: "write it in quotes (YAML reads yes, no, on and off as true and false)"
  case .null, .string, .array, .object: nil
  }
}
