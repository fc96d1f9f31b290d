// A page of runs from its tables right into JSON, the same as the wire's encoder makes of the runs
// that `RunRows` reads: making a hundred runs of values and keys, only to write them out again,
// takes longer than finding them among a hundred thousand.

import Experiments
import GRDB

struct RunPageJSON {
  private let db: Database
  private let ids: [Int64]
  private let select: RunSelection?
  private var json: JSONBytes
  private var experiments: [Int64: String] = [:]
  private var datasets: [Int64: String] = [:]

  /// The runs in the order of `ids`, as an array; those that do not exist are left out.
  static func items(
    _ db: Database, _ ids: [Int64], select: RunSelection?
  ) throws -> [UInt8] {
    var page = RunPageJSON(db, ids, select)
    try page.write()
    return page.json.bytes
  }

  private init(_ db: Database, _ ids: [Int64], _ select: RunSelection?) {
    self.db = db
    self.ids = ids
    self.select = select
    json = JSONBytes(capacity: ids.count * 2_048 + 64)
  }

  private mutating func write() throws {
    let list = ids.jsonList
    let sql = """
      SELECT j.key, r.id, r.uid, r.name, r.experiment_id, r.job_id, r.parent_run_id, r.status,
        r.seed, r.created_at, r.started_at, r.ended_at, r.deleted_at, r.note, r.progress,
        r.failure_code, r.failure_message, r.cost, r.comparability_key, r.dataset_id,
        \(Self.texts("params", select?.params)), \(Self.texts("tags", select?.tags)), r.beside
      FROM json_each(?) j CROSS JOIN runs r ON r.id = j.value
      """
    let keys = [select?.params, select?.tags].compactMap { $0 }.filter { !$0.isEmpty }
    let rows = try Row.fetchCursor(
      db.cachedStatement(sql: sql),
      arguments: StatementArguments(keys.map(\.jsonTexts) + [list]))
    var summaries = try Summaries(db, list, select?.metrics)
    json.byte(UInt8(ascii: "["))
    var isFirst = true
    while let row = try rows.next() {
      if !isFirst { json.byte(UInt8(ascii: ",")) }
      isFirst = false
      try write(row, &summaries)
    }
    json.byte(UInt8(ascii: "]"))
  }

  /// SQLite itself writes these, in the order of their keys.
  private static func texts(_ table: String, _ keys: [String]?) -> String {
    if let keys, keys.isEmpty { return "'{}'" }
    let condition = keys == nil ? "" : "AND t.key IN (SELECT value FROM json_each(?))"
    return """
      (SELECT json_group_object(t.key, t.value) FROM \(table) t WHERE t.run_id = r.id \(condition))
      """
  }

  private mutating func write(_ row: Row, _ summaries: inout Summaries) throws {
    json.raw("{")
    if let beside = row[22] as Bool? { json.raw("\"beside\":\(beside),") }
    if let key = row[18] as String? {
      json.member("\"comparability_key\":", key)
      json.raw(",")
    }
    if let cost = row[17] as String? {
      json.raw("\"cost\":")
      json.raw(cost)
      json.raw(",")
    }
    json.member("\"created_at\":", row[9] as Int64)
    if let dataset = row[19] as Int64? {
      json.raw(",\"dataset\":")
      json.raw(try text("SELECT info FROM datasets WHERE id = ?", dataset, &datasets))
    }
    json.optional(",\"deleted_at\":", row[12])
    json.optional(",\"ended_at\":", row[11])
    json.member(
      ",\"experiment\":",
      try text("SELECT name FROM experiments WHERE id = ?", row[4], &experiments))
    if let code = row[15] as String? {
      json.member(",\"failure\":{\"code\":", code)
      json.member(",\"message\":", row[16] ?? "")
      json.raw("}")
    }
    json.member(",\"id\":", row[1] as Int64)
    json.optional(",\"job_id\":", row[5])
    json.raw(",\"metrics\":")
    try summaries.write(place: row[0], into: &json)
    json.member(",\"name\":", row[3] as String)
    json.member(",\"note\":", row[13] as String)
    json.raw(",\"params\":")
    json.raw(row[20] as String)
    json.optional(",\"parent_id\":", row[6])
    if let progress = row[14] as String? {
      json.raw(",\"progress\":")
      json.raw(progress)
    }
    json.optional(",\"seed\":", row[8])
    json.optional(",\"started_at\":", row[10])
    json.member(",\"status\":", row[7] as String)
    json.raw(",\"tags\":")
    json.raw(row[21] as String)
    json.member(",\"uid\":", row[2] as String)
    json.raw("}")
  }

  private func text(
    _ sql: String, _ id: Int64, _ known: inout [Int64: String]
  ) throws -> String {
    if let text = known[id] { return text }
    guard let text = try db.string(sql, [id]) else {
      throw StoreError.databaseDamaged("what a run refers to as \(id) is not there")
    }
    known[id] = text
    return text
  }
}

/// The summaries of the page's metrics, read alongside the runs: both come in the order of the ids.
private struct Summaries {
  private struct Name {
    let text: String
    /// With the quotes and the colon.
    let json: [UInt8]
  }

  private let db: Database
  private let rows: RowCursor?
  private var next: Row?
  private var names: [Int64: Name] = [:]
  private var own: [(name: Name, summary: MetricSummary)] = []

  init(_ db: Database, _ list: String, _ keys: [String]?) throws {
    self.db = db
    if let keys, keys.isEmpty {
      rows = nil
      return
    }
    let condition =
      keys == nil
      ? ""
      : """
      WHERE m.key_id IN (SELECT id FROM metric_keys WHERE name IN (SELECT value FROM json_each(?)))
      """
    let arguments = [list] + (keys.map { [$0.jsonTexts] } ?? [])
    rows = try Row.fetchCursor(
      db.cachedStatement(
        sql: """
          SELECT j.key, m.key_id, m.last, m.last_step, m.last_epoch, m.min, m.max, m.sum,
            m.numbers, m.count
          FROM json_each(?) j CROSS JOIN metrics m ON m.run_id = j.value \(condition)
          """), arguments: StatementArguments(arguments))
    next = try rows?.next()
  }

  mutating func write(place: Int64, into json: inout JSONBytes) throws {
    own.removeAll(keepingCapacity: true)
    while let row = next, case let place0 = row[0] as Int64, place0 <= place {
      if place0 == place {
        own.append((try name(row[1]), try SeriesSummary.metricSummary(row, from: 2)))
      }
      next = try rows?.next()
    }
    own.sort { $0.name.text < $1.name.text }
    json.byte(UInt8(ascii: "{"))
    for (index, item) in own.enumerated() {
      if index > 0 { json.byte(UInt8(ascii: ",")) }
      json.raw(item.name.json)
      let summary = item.summary
      json.member("{\"count\":", summary.count)
      json.member(",\"last\":", summary.last)
      json.optional(",\"last_epoch\":", summary.lastEpoch)
      json.member(",\"last_step\":", summary.lastStep)
      json.member(",\"max\":", summary.max)
      json.member(",\"mean\":", summary.mean)
      json.member(",\"min\":", summary.min)
      json.byte(UInt8(ascii: "}"))
    }
    json.byte(UInt8(ascii: "}"))
  }

  private mutating func name(_ key: Int64) throws -> Name {
    if let name = names[key] { return name }
    let text = try MetricKeys.name(db, key)
    var json = JSONBytes()
    json.text(text)
    json.byte(UInt8(ascii: ":"))
    let name = Name(text: text, json: json.bytes)
    names[key] = name
    return name
  }
}

extension [String] {
  /// For `IN (SELECT value FROM json_each(?))`.
  fileprivate var jsonTexts: String {
    JSONValue.array(map { .string($0) }).canonicalText
  }
}
