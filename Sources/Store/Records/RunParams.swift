// Params and tags that are added to a run after it was made: a param keeps its first value, a tag
// that is there is left alone.

import Experiments
import GRDB

enum RunParams {
  /// As they are stored.
  /// - Throws: `invalid_value` for an empty key or a value that is no scalar; `limit_exceeded`.
  static func checked(_ params: [String: JSONValue]) throws -> [(key: String, value: String)] {
    try Bounds.count(params.count, of: "params", atMost: Limits.paramsPerRun)
    return try params.sorted { $0.key < $1.key }.map { key, value in
      try check(key, of: "params")
      switch value {
      case .array, .object:
        throw StoreError.invalidValue(
          field: "params.\(key)", message: "is a list or an object; params are scalars")
      case .number(let number):
        // As a program's own text of it, which is also how it reads back.
        return (key, MetricValue.text(number))
      default:
        let text = value.plainText
        try Bounds.length(text, of: "params.\(key)", atMost: Limits.paramCharacters)
        return (key, text)
      }
    }
  }

  static func check(tags: [String: String]) throws {
    try Bounds.count(tags.count, of: "tags", atMost: Limits.tagsPerRun)
    for (key, value) in tags {
      try check(key, of: "tags")
      try Bounds.length(value, of: "tags.\(key)", atMost: Limits.tagCharacters)
    }
  }

  private static func check(_ key: String, of field: String) throws {
    guard !key.isEmpty else {
      throw StoreError.invalidValue(field: field, message: "must not have an empty key")
    }
    try Bounds.length(key, of: field, atMost: Limits.keyCharacters)
  }

  /// - Returns: whether one was new.
  /// - Throws: `param_conflict`, `limit_exceeded`.
  static func add(
    _ db: Database, run: Int64, _ params: [(key: String, value: String)]
  ) throws -> Bool {
    var hasNew = false
    for (key, value) in params {
      let isNew = try db.changed(
        """
        INSERT INTO params (run_id, key, value, number) VALUES (?, ?, ?, ?)
        ON CONFLICT (run_id, key) DO NOTHING
        """, [run, key, value, RunWriter.number(value)])
      if isNew {
        hasNew = true
        continue
      }
      let stored = try db.string(
        "SELECT value FROM params WHERE run_id = ? AND key = ?", [run, key])
      if let stored, stored != value {
        throw StoreError.paramConflict(run: run, key: key, stored: stored, given: value)
      }
    }
    if hasNew {
      let count = try db.int64("SELECT COUNT(*) FROM params WHERE run_id = ?", [run]) ?? 0
      try Bounds.count(Int(count), of: "params", atMost: Limits.paramsPerRun)
    }
    return hasNew
  }

  /// - Returns: whether one was new.
  static func add(_ db: Database, run: Int64, tags: [String: String]) throws -> Bool {
    var hasNew = false
    for (key, value) in tags.sorted(by: { $0.key < $1.key }) {
      let isNew = try db.changed(
        """
        INSERT INTO tags (run_id, key, value) VALUES (?, ?, ?)
        ON CONFLICT (run_id, key) DO NOTHING
        """, [run, key, value])
      hasNew = hasNew || isNew
    }
    if hasNew {
      let count = try db.int64("SELECT COUNT(*) FROM tags WHERE run_id = ?", [run]) ?? 0
      try Bounds.count(Int(count), of: "tags", atMost: Limits.tagsPerRun)
    }
    return hasNew
  }
}

enum ExperimentRows {
  /// The id of the experiment of that name, which is made if there is none.
  /// - Throws: `invalid_value`, `limit_exceeded`.
  static func id(_ db: Database, _ name: String, at now: Timestamp) throws -> Int64 {
    if let id = try db.int64("SELECT id FROM experiments WHERE name = ?", [name]) { return id }
    try Bounds.name(name, of: "experiment")
    try db.run(
      "INSERT INTO experiments (name, created_at) VALUES (?, ?)", [name, now.microseconds])
    return db.lastInsertedRowID
  }
}
