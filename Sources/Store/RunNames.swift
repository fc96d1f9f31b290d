// How people name runs: `12`, `2-6`, `2,3`, `@latest`, `@BASELINE`, a hexadecimal id or the
// beginning of one.

import Experiments
import GRDB

enum RunNames {
  static let latest = "latest"
  private static let minPrefix = 6

  /// All runs that the names mean, each once, in their order.
  /// - Throws: `run_not_found`, `baseline_not_found`, `ambiguous_id`, `invalid_run_name`,
  ///   `experiment_not_found`, `limit_exceeded`.
  static func resolve(
    _ db: Database, _ names: [String], experiment: String?
  ) throws -> [Int64] {
    try resolve(names) { try ids(db, $0, experiment) }
  }

  /// The same for runs that something is to be made of: deleted ones are left out of baselines, and
  /// refused where they are named.
  /// - Throws: also `run_deleted`, `baseline_runs_deleted`.
  static func resolveUsable(_ db: Database, _ names: [String]) throws -> [Int64] {
    try resolve(names) { name in
      if name.first == "@", name != "@" + latest, name.count > 1 {
        return try usable(db, baseline: String(name.dropFirst()))
      }
      let ids = try ids(db, name, nil)
      for id in ids { try RunRows.requireUsable(db, id) }
      return ids
    }
  }

  /// The baseline's runs that are not deleted, of which there is one at least.
  /// - Throws: `baseline_not_found`, `baseline_runs_deleted`.
  static func usable(_ db: Database, baseline name: String) throws -> [Int64] {
    let all = try baseline(db, name)
    let left = try db.int64s(
      """
      SELECT id FROM runs
      WHERE id IN (SELECT value FROM json_each(?)) AND deleted_at IS NULL ORDER BY id
      """, [all.jsonList])
    guard !left.isEmpty else { throw StoreError.baselineRunsDeleted(name: name) }
    return left
  }

  private static func resolve(
    _ names: [String], _ ids: (String) throws -> [Int64]
  ) throws -> [Int64] {
    try Bounds.count(names.count, of: "runs", atMost: Limits.pageItems)
    var seen: Set<Int64> = []
    var result: [Int64] = []
    for name in names {
      for part in name.split(separator: ",", omittingEmptySubsequences: false) {
        for id in try ids(String(part)) where seen.insert(id).inserted {
          result.append(id)
        }
        try Bounds.count(result.count, of: "runs", atMost: Limits.pageItems)
      }
    }
    return result
  }

  private static func ids(_ db: Database, _ name: String, _ experiment: String?) throws -> [Int64] {
    if name.first == "@" {
      let word = String(name.dropFirst())
      guard !word.isEmpty else { throw StoreError.invalidRunName(name) }
      return word == latest
        ? [try newest(db, experiment)] : try baseline(db, word)
    }
    if name.utf8.allSatisfy({ (0x30...0x39).contains($0) }), name.utf8.count < 19,
      let id = Int64(name)
    {
      try RunRows.require(db, id)
      return [id]
    }
    let ends = name.split(separator: "-", omittingEmptySubsequences: false)
    if ends.count == 2, let first = Int64(ends[0]), let last = Int64(ends[1]) {
      return try range(db, name, first, last)
    }
    return [try identified(db, name)]
  }

  private static func range(
    _ db: Database, _ name: String, _ first: Int64, _ last: Int64
  ) throws -> [Int64] {
    guard first <= last else { throw StoreError.invalidRunName(name) }
    let ids = try db.int64s(
      "SELECT id FROM runs WHERE id BETWEEN ? AND ? AND deleted_at IS NULL ORDER BY id LIMIT ?",
      [first, last, Limits.pageItems + 1])
    guard !ids.isEmpty else { throw StoreError.runNotFound(name: name) }
    return ids
  }

  private static func newest(_ db: Database, _ experiment: String?) throws -> Int64 {
    guard let experiment else {
      let id = try db.int64("SELECT MAX(id) FROM runs WHERE deleted_at IS NULL")
      guard let id else { throw StoreError.runNotFound(name: "@latest") }
      return id
    }
    let id = try db.int64(
      "SELECT MAX(id) FROM runs WHERE experiment_id = ? AND deleted_at IS NULL",
      [try experimentId(db, experiment)])
    guard let id else {
      throw StoreError.runNotFound(name: "@latest of experiment \"\(experiment)\"")
    }
    return id
  }

  static func experimentId(_ db: Database, _ name: String) throws -> Int64 {
    guard let id = try db.int64("SELECT id FROM experiments WHERE name = ?", [name]) else {
      throw StoreError.experimentNotFound(name: name)
    }
    return id
  }

  private static func baseline(_ db: Database, _ name: String) throws -> [Int64] {
    let ids = try db.int64s(
      """
      SELECT m.run_id FROM baselines b JOIN baseline_runs m ON m.baseline_id = b.id
      WHERE b.name = ? ORDER BY m.run_id
      """, [name])
    guard !ids.isEmpty else { throw StoreError.baselineNotFound(name: name) }
    return ids
  }

  private static func identified(_ db: Database, _ name: String) throws -> Int64 {
    let text = name.lowercased()
    let isHex = text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    guard isHex, (minPrefix...32).contains(text.utf8.count) else {
      throw StoreError.invalidRunName(name)
    }
    // "g" comes after every hexadecimal digit.
    let ids = try db.int64s(
      "SELECT id FROM runs WHERE uid >= ? AND uid < ? LIMIT 2", [text, text + "g"])
    guard ids.count < 2 else { throw StoreError.ambiguousId(text: name) }
    guard let id = ids.first else { throw StoreError.runNotFound(name: name) }
    return id
  }
}
