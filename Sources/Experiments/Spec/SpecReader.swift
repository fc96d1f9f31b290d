// Reads a job spec object by object. A reader records every mistake instead of stopping at the
// first, and knows which keys were asked for, so that the others are reported as unknown.

/// The mistakes found so far, shared by all readers of one spec.
final class MistakeLog {
  private var entries: [(mistake: SpecMistake, isUnknownKey: Bool)] = []

  var isEmpty: Bool { entries.isEmpty }

  func add(_ path: String, _ message: String, isUnknownKey: Bool = false) {
    entries.append((SpecMistake(path: path, message: message), isUnknownKey))
  }

  /// Unknown keys first, since one is often the cause of what follows; each part in the order of
  /// `fields`, the spec's top-level keys.
  func sorted(by fields: [String]) -> [SpecMistake] {
    let ranks = Dictionary(
      fields.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    func rank(_ index: Int) -> (Int, Int, Int) {
      let entry = entries[index]
      let field = entry.mistake.path.prefix { $0 != "." }
      return (entry.isUnknownKey ? 0 : 1, ranks[String(field)] ?? fields.count, index)
    }
    return entries.indices.sorted { rank($0) < rank($1) }.map { entries[$0].mistake }
  }
}

/// A view of one object of the spec.
struct SpecReader {
  let path: String
  let log: MistakeLog
  /// The keys asked for, in order.
  private(set) var known: [String] = []
  private let members: [String: JSONValue]
  private var missing: [(key: String, expectation: String)] = []
  private var takesAnyKey = false

  init(_ members: [String: JSONValue], path: String = "", log: MistakeLog) {
    self.members = members
    self.path = path
    self.log = log
  }

  func path(of key: String) -> String {
    let shown = key.count > 100 ? String(key.prefix(100)) + "…" : key
    return path.isEmpty ? shown : "\(path).\(shown)"
  }

  func mistake(_ key: String, _ message: String) { log.add(path(of: key), message) }

  /// Of the members that are there, in alphabetical order.
  var names: [String] { members.keys.sorted() }

  /// The member as it is, for what another field's default depends on.
  func peek(_ key: String) -> JSONValue? { members[key] }

  func has(_ key: String) -> Bool { members[key] != nil }

  /// The field's value; `standard` if it is absent, and a mistake if there is no standard. Nil
  /// means that a mistake was recorded.
  mutating func read<Value>(
    _ key: String, _ rule: SpecRule<Value>, default standard: Value? = nil
  ) -> Value? {
    guard let value = take(key, orNeed: standard == nil ? rule.expectation : nil) else {
      return standard
    }
    return apply(rule, to: value, at: path(of: key))
  }

  /// The field's value, nil where it is absent or wrong.
  mutating func readIfPresent<Value>(_ key: String, _ rule: SpecRule<Value>) -> Value? {
    take(key, orNeed: nil).flatMap { apply(rule, to: $0, at: path(of: key)) }
  }

  /// A list in which nothing stands twice.
  mutating func list<Value: Hashable>(
    _ key: String, _ rule: SpecRule<Value>, upTo count: Int, default standard: [Value]? = nil
  ) -> [Value]? {
    guard let elements = elements(key, 0...count, of: "list", isOptional: true) else {
      return has(key) ? nil : standard
    }
    var seen: Set<Value> = []
    let values = elements.enumerated().compactMap { index, element -> Value? in
      let place = "\(path(of: key)).\(index)"
      guard let value = apply(rule, to: element, at: place) else { return nil }
      guard seen.insert(value).inserted else {
        log.add(place, "\(element.shown) is listed twice")
        return nil
      }
      return value
    }
    return values.count == elements.count ? values : nil
  }

  /// The object in a field, read by `body`; an absent one is read as an empty one unless it is
  /// `required`.
  mutating func object<Value>(
    _ key: String, required: Bool = false, _ body: (inout SpecReader) -> Value?
  ) -> Value? {
    let value = take(key, orNeed: required ? "an object" : nil)
    if value == nil, required { return nil }
    return Self.read(value ?? .object([:]), at: path(of: key), log: log, body)
  }

  /// A list of objects, each read by `body`.
  mutating func objects<Value>(
    _ key: String, count: ClosedRange<Int>, of noun: String, _ body: (inout SpecReader) -> Value?
  ) -> [Value?]? {
    elements(key, count, of: "list of \(noun)")?.enumerated().map { index, element in
      Self.read(element, at: "\(path(of: key)).\(index)", log: log, body)
    }
  }

  /// All members, for an object whose keys are the user's own.
  mutating func entries(_ rule: SpecRule<String>, upTo count: Int) -> [String: String]? {
    ignoreRest()
    guard members.count <= count else {
      log.add(path, "\(members.count) are too many; at most \(count) are allowed")
      return nil
    }
    let values = members.sorted { $0.key < $1.key }.compactMap { key, value -> (String, String)? in
      guard (1...Limits.keyCharacters).contains(key.count), !key.unicodeScalars.contains("\0")
      else {
        mistake(key, "the key is not a text of 1 to \(Limits.keyCharacters) characters")
        return nil
      }
      return apply(rule, to: value, at: path(of: key)).map { (key, $0) }
    }
    return values.count == members.count ? Dictionary(uniqueKeysWithValues: values) : nil
  }

  /// Says nothing of the other keys: what they may be is not known.
  mutating func ignoreRest() { takesAnyKey = true }

  /// The member as it is, for a field of several shapes.
  mutating func raw(_ key: String) -> JSONValue? { take(key, orNeed: nil) }

  /// Reads an object, then reports its unknown keys and those that are missing.
  static func read<Value>(
    _ value: JSONValue, at path: String, log: MistakeLog, _ body: (inout SpecReader) -> Value?
  ) -> Value? {
    guard let members = value.objectValue else {
      log.add(path, "\(value.shown) is not an object")
      return nil
    }
    var reader = SpecReader(members, path: path, log: log)
    let result = body(&reader)
    reader.finish()
    return result
  }

  private func finish() {
    var meant: Set<String> = []
    let unknown = takesAnyKey ? [] : members.keys.filter { !known.contains($0) }.sorted()
    for key in unknown {
      let suggestion = NearestName.suggestion(for: key, among: known)
      let advice =
        suggestion.map { "did you mean \($0)?" }
        ?? "allowed here: \(known.joined(separator: ", "))"
      log.add(path(of: key), "unknown key; \(advice)", isUnknownKey: true)
      if let suggestion { meant.insert(suggestion) }
    }
    // a key that was misspelt is not reported a second time as missing
    for (key, expectation) in missing where !meant.contains(key) {
      mistake(key, "missing; needs \(expectation)")
    }
  }

  private mutating func take(_ key: String, orNeed expectation: String?) -> JSONValue? {
    if !known.contains(key) { known.append(key) }
    if members[key] == nil, let expectation { missing.append((key, expectation)) }
    return members[key]
  }

  private func apply<Value>(
    _ rule: SpecRule<Value>, to value: JSONValue, at place: String
  ) -> Value? {
    do {
      return try rule.read(value)
    } catch {
      log.add(place, error.message)
      return nil
    }
  }

  private mutating func elements(
    _ key: String, _ count: ClosedRange<Int>, of noun: String, isOptional: Bool = false
  ) -> [JSONValue]? {
    let expectation = "a \(noun) with \(count.lowerBound) to \(count.upperBound) elements"
    guard let value = take(key, orNeed: isOptional ? nil : expectation) else { return nil }
    guard let elements = value.arrayValue else {
      mistake(key, "\(value.shown) is not \(expectation)")
      return nil
    }
    guard count.contains(elements.count) else {
      mistake(key, "\(elements.count) elements are not \(expectation)")
      return nil
    }
    return elements
  }
}
