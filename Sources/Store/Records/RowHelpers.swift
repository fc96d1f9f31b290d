// Small conversions between rows and values that every table needs.

import Experiments
import GRDB

extension Row {
  func time(_ index: Int) -> Timestamp { Timestamp(microseconds: self[index]) }

  func optionalTime(_ index: Int) -> Timestamp? {
    (self[index] as Int64?).map { Timestamp(microseconds: $0) }
  }

  func failure(code: Int, message: Int) -> Failure? {
    (self[code] as String?).map { Failure(code: $0, message: self[message] ?? "") }
  }

  /// - Throws: `database_damaged` if the text is none of the enumeration's.
  func name<Name: RawRepresentable<String>>(_ index: Int) throws -> Name {
    let text: String = self[index]
    guard let value = Name(rawValue: text) else {
      throw StoreError.databaseDamaged("\"\(text)\" is no \(Name.self)")
    }
    return value
  }

  func identifier(_ index: Int) throws -> Identifier {
    let text: String = self[index]
    guard let value = Identifier(text) else {
      throw StoreError.databaseDamaged("\"\(text)\" is no identifier")
    }
    return value
  }
}

extension Database {
  /// Runs a statement that is kept prepared; for text that does not vary.
  func run(_ sql: String, _ arguments: StatementArguments = []) throws {
    try cachedStatement(sql: sql).execute(arguments: arguments)
  }

  /// The same, and whether it changed a row.
  func changed(_ sql: String, _ arguments: StatementArguments = []) throws -> Bool {
    try run(sql, arguments)
    return changesCount > 0
  }

  func row(_ sql: String, _ arguments: StatementArguments = []) throws -> Row? {
    try Row.fetchOne(cachedStatement(sql: sql), arguments: arguments)
  }

  func rows(_ sql: String, _ arguments: StatementArguments = []) throws -> [Row] {
    try Row.fetchAll(cachedStatement(sql: sql), arguments: arguments)
  }

  func int64(_ sql: String, _ arguments: StatementArguments = []) throws -> Int64? {
    try Int64.fetchOne(cachedStatement(sql: sql), arguments: arguments)
  }

  func int64s(_ sql: String, _ arguments: StatementArguments = []) throws -> [Int64] {
    try Int64.fetchAll(cachedStatement(sql: sql), arguments: arguments)
  }

  func string(_ sql: String, _ arguments: StatementArguments = []) throws -> String? {
    try String.fetchOne(cachedStatement(sql: sql), arguments: arguments)
  }

  func strings(_ sql: String, _ arguments: StatementArguments = []) throws -> [String] {
    try String.fetchAll(cachedStatement(sql: sql), arguments: arguments)
  }
}

extension Sequence where Element: BinaryInteger {
  /// For `IN (SELECT value FROM json_each(?))`: any number of ids in one prepared statement.
  var jsonList: String { "[" + map { String($0) }.joined(separator: ",") + "]" }
}

/// A name or text from outside that is too long or empty is refused, never cut.
enum Bounds {
  static func length(_ text: String, of field: String, atMost limit: Int) throws {
    // Counting characters is slow; most texts are too short for it to matter.
    guard text.utf8.count > limit else { return }
    let count = text.count
    if count > limit {
      throw StoreError.limitExceeded(field: field, limit: Int64(limit), value: Int64(count))
    }
  }

  static func name(_ text: String, of field: String) throws {
    guard !text.isEmpty else {
      throw StoreError.invalidValue(field: field, message: "must not be empty")
    }
    try length(text, of: field, atMost: Limits.nameCharacters)
  }

  static func count(_ count: Int, of field: String, atMost limit: Int) throws {
    if count > limit {
      throw StoreError.limitExceeded(field: field, limit: Int64(limit), value: Int64(count))
    }
  }

  static func page(_ limit: Int) throws {
    guard limit >= 1 else {
      throw StoreError.invalidValue(field: "limit", message: "is \(limit); it must be at least 1")
    }
    try count(limit, of: "limit", atMost: Limits.pageItems)
  }
}
