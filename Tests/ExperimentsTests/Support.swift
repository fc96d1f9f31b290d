// What the suites of this target share: YAML as a spec's JSON, the repository's files, and
// randomness from a seed.

import Experiments
import Foundation
import Yams

/// The text of a file of the repository.
func repositoryText(_ path: String) throws -> String {
  let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  return try String(contentsOf: root.appending(path: path), encoding: .utf8)
}

func json(_ text: String) throws -> JSONValue {
  try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
}

/// A YAML document as the command line hands it to the parser.
func yaml(_ text: String) throws -> JSONValue { value(try Yams.load(yaml: text)) }

private func value(_ any: Any?) -> JSONValue {
  switch any {
  case let value as Bool: .bool(value)
  case let value as Int: .int(Int64(value))
  case let value as Double: .number(value)
  case let value as String: .string(value)
  case let values as [Any]: .array(values.map { value($0) })
  case let members as [String: Any]: .object(members.mapValues { value($0) })
  default: .null
  }
}

/// The mistakes of a spec, one line each: `path: message`.
func mistakes(_ spec: JSONValue) -> [String] {
  do {
    _ = try JobSpec.parse(spec)
    return []
  } catch {
    return error.mistakes.map { "\($0.path): \($0.message)" }
  }
}

extension JSONValue {
  /// The value at a dotted path; nil where there is none. The empty path is the value itself.
  func at(_ path: String) -> JSONValue? {
    path.split(separator: ".").reduce(self as JSONValue?) { value, key in
      if let elements = value?.arrayValue, let index = Int(key) {
        return elements.indices.contains(index) ? elements[index] : nil
      }
      return value?[String(key)]
    }
  }

  /// Without the member at a dotted path.
  func removing(_ path: String) -> JSONValue {
    let keys = path.split(separator: ".").map(String.init)
    return removing(keys[...])
  }

  private func removing(_ keys: ArraySlice<String>) -> JSONValue {
    guard let key = keys.first else { return self }
    switch self {
    case .object(var members):
      members[key] = keys.count == 1 ? nil : members[key]?.removing(keys.dropFirst())
      return .object(members)
    case .array(var elements):
      guard let index = Int(key), elements.indices.contains(index) else { return self }
      elements[index] = elements[index].removing(keys.dropFirst())
      return .array(elements)
    default: return self
    }
  }

  /// Equal, `2` and `2.0` being the same number.
  func isSame(as other: JSONValue) -> Bool {
    switch (self, other) {
    case (.array(let a), .array(let b)):
      a.count == b.count && zip(a, b).allSatisfy { $0.isSame(as: $1) }
    default: self == other || doubleValue != nil && doubleValue == other.doubleValue
    }
  }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same on every machine.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
