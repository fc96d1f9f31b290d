// Resources between their columns and their values.

import Experiments

enum ResourceText {
  /// One text for equal needs; empty for none.
  static func text(_ amounts: [String: Int]) -> String {
    amounts.isEmpty
      ? "" : JSONValue.object(amounts.mapValues { .int(Int64($0)) }).canonicalText
  }

  /// - Throws: `database_damaged`.
  static func amounts(_ text: String) throws -> [String: Int] {
    guard !text.isEmpty else { return [:] }
    return try members(text).mapValues { $0.intValue ?? 0 }
  }

  /// What an attempt was handed out; nil for nothing.
  static func text(handedOut: [String: [Int]]) -> String? {
    guard !handedOut.isEmpty else { return nil }
    return JSONValue.object(
      handedOut.mapValues { .array($0.map { .int(Int64($0)) }) }
    ).canonicalText
  }

  /// - Throws: `database_damaged`.
  static func handedOut(_ text: String) throws -> [String: [Int]] {
    try members(text).mapValues { $0.arrayValue?.compactMap(\.intValue) ?? [] }
  }

  private static func members(_ text: String) throws -> [String: JSONValue] {
    guard let members = try JSONText.parse(text).objectValue else {
      throw StoreError.databaseDamaged("\"\(text)\" are no resources")
    }
    return members
  }
}
