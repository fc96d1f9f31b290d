// Finds one page of runs, by the way that looks at the fewest rows. SQLite's own planner has no
// idea how many runs a condition holds for, and never joins sets, so the choice is made here.

import Experiments
import GRDB

/// How much is tried before one way of finding runs is given up for another.
package struct QueryEffort: Sendable, Equatable {
  /// Up to how many runs of a condition are counted at least; of many runs it is a quarter.
  /// Negative: none are counted.
  package var candidates = 1_000
  /// How many runs along an index are looked at, at least, before the walk is given up.
  package var walked = 1_500
  /// Results that are sorted rather than looked for along an index.
  package var sorted = 2_000

  package init() {}
}

struct RunPager {
  struct Entry {
    let id: Int64
    let keys: [DatabaseValue]

    init(_ row: Row, keys count: Int) {
      id = row[0]
      keys = (0..<count).map { row[$0 + 1] }
    }
  }

  /// One of the conditions that must all hold.
  private struct Part {
    let node: QueryNode
    /// For how many runs it holds, where that was worth counting.
    let count: Int?
    let isIndexed: Bool
  }

  private let runner: QueryRunner
  private let sql: QuerySQL
  private let sets: QuerySets
  private let order: RunOrder
  private let cursor: PageCursor?
  private let effort: QueryEffort
  /// All that a run must fulfil, normalized; and the same without that it must not be deleted, if
  /// it must not.
  private let filter: QueryNode
  private let conditions: [QueryNode]
  private let leavesOutDeleted: Bool
  /// Not less than there are runs.
  private let size: Int

  init(
    _ runner: QueryRunner, filter: QueryNode, order: RunOrder, cursor: PageCursor?,
    effort: QueryEffort
  ) throws {
    self.runner = runner
    self.filter = filter
    self.order = order
    self.cursor = cursor
    self.effort = effort
    var fields = order.terms.map(\.field)
    filter.forEachField { fields.append($0) }
    sql = try QuerySQL(runner.db, fields)
    sets = QuerySets(runner: runner, sql: sql)
    let isNotDeleted = QueryNode.isNull(.attribute(.deleted))
    let all = if case .and(let children) = filter { children } else { [filter] }
    conditions = all.filter { $0 != isNotDeleted }
    leavesOutDeleted = conditions.count < all.count
    // A damaged row may say anything.
    size = Int(min(max(try runner.db.int64("SELECT MAX(id) FROM runs") ?? 0, 0), 1 << 30))
  }

  /// The first `count` entries after the cursor.
  func entries(_ count: Int) throws -> [Entry] {
    let parts = try conditions.map { node in
      let isIndexed = sets.isIndexed(node)
      let limit = effort.candidates < 0 ? -1 : max(effort.candidates, size / 4)
      return Part(
        node: node, count: isIndexed ? try sets.count(node, upTo: limit) : nil,
        isIndexed: isIndexed)
    }
    let fewest = parts.compactMap(\.count).min()
    // A walk looks at so many, if conditions have nothing to do with each other and each that was
    // not counted holds for every second run.
    let share = parts.reduce(1) { $0 * ($1.count.map { Double($0) / Double(max(size, 1)) } ?? 0.5) }
    let walked = min(Double(size), Double(count) / share)
    if let fewest, Double(fewest) <= walked || effort.candidates > size || !canWalk {
      runner.take(.candidates)
      return try narrowed(parts, count)
    }
    guard canWalk else {
      runner.take(.scan)
      return try sorted(nil, [filter], count)
    }
    runner.take(.walk)
    let limit = max(effort.walked, 3 * Int(walked))
    if let found = try walk(members: nil, conditions, atMost: limit, count) { return found }
    runner.take(.sets)
    return try narrowed(parts, count)
  }

  /// The numbers of all runs that fulfil the filter, in rising order.
  func all() throws -> [Int64] {
    try sets.runs(filter).ids
  }

  private var canWalk: Bool { order.isNewestFirst || order.leadingMetric != nil }

  private func deleted() throws -> RunSet {
    guard leavesOutDeleted else { return RunSet() }
    return try sets.runs(.not(.isNull(.attribute(.deleted))))
  }

  // MARK: Sets

  /// Joins the conditions' sets, those of the fewest runs first, as long as that takes less than
  /// looking at each run that is left.
  private func narrowed(_ parts: [Part], _ count: Int) throws -> [Entry] {
    func expected(_ part: Part) -> Int {
      part.count ?? (part.isIndexed ? size / 2 : 4 * size)
    }
    var members: RunSet?
    var rest: [QueryNode] = []
    for part in parts.sorted(by: { expected($0) < expected($1) }) {
      // A step along an index takes about a seventh of looking at a run.
      if let known = members, expected(part) / 7 >= known.count {
        rest.append(part.node)
        continue
      }
      let own = try sets.runs(part.node)
      if members == nil { members = own } else { members?.formIntersection(own) }
    }
    var found = try members ?? sets.allRuns()
    found.subtract(try deleted())
    if canWalk, found.count > effort.sorted {
      return try walk(members: found, rest, atMost: .max, count) ?? []
    }
    return try sorted(found.ids, rest, count)
  }

  // MARK: Sorting

  /// Looks whether these runs (nil: all) fulfil the conditions, and sorts those that do.
  private func sorted(_ ids: [Int64]?, _ conditions: [QueryNode], _ count: Int) throws -> [Entry] {
    let fields = order.terms.map(\.field)
    let source = ids.map { self.source($0, for: conditions, fields) } ?? SQLPiece(sql: "runs r")
    return try runner.rows(
      ordered(from: source, where: condition(conditions), limit: count)
    ).map { Entry($0, keys: order.terms.count) }
  }

  private func condition(_ nodes: [QueryNode]) -> SQLPiece {
    nodes.isEmpty
      ? SQLPiece(sql: "1") : sql.condition(QueryNode.joined(nodes, isAnd: true))
  }

  /// These runs as `r`; without their rows, where nothing in a row is spoken of.
  private func source(
    _ ids: [Int64], for conditions: [QueryNode], _ fields: [QueryField] = []
  ) -> SQLPiece {
    var all = fields
    for node in conditions { node.forEachField { all.append($0) } }
    let needsRow = all.contains { field in
      if case .attribute(let attribute) = field { attribute != .id } else { false }
    }
    return SQLPiece(
      sql: needsRow
        ? "json_each(?) j CROSS JOIN runs r ON r.id = j.value"
        : "(SELECT value AS id FROM json_each(?)) r",
      values: [ids.jsonList.databaseValue])
  }

  /// `id` and the sort keys of what comes after the cursor, in order.
  private func ordered(
    from source: SQLPiece, where condition: SQLPiece, limit: Int?
  ) -> SQLPiece {
    let keys = order.keys(sql)
    let columns = keys.enumerated().map { ", \($1.sql) AS k\($0)" }.joined()
    let after = cursor.map { order.after($0.keys, id: $0.id) } ?? SQLPiece(sql: "1")
    return SQLPiece(
      sql: """
        SELECT * FROM (SELECT r.id AS id\(columns) FROM \(source.sql) WHERE (\(condition.sql)))
        WHERE \(after.sql) ORDER BY \(order.clause)\(limit == nil ? "" : " LIMIT ?")
        """,
      values: keys.flatMap(\.values) + source.values + condition.values + after.values
        + (limit.map { [$0.databaseValue] } ?? []))
  }

  // MARK: Walking

  /// Goes along the runs in order, a batch at a time, and looks whether those that are among the
  /// members (nil: all) fulfil the conditions. Nil if more than `limit` were looked at.
  private func walk(
    members: RunSet?, _ conditions: [QueryNode], atMost limit: Int, _ count: Int
  ) throws -> [Entry]? {
    let deleted = members == nil ? try deleted() : RunSet()
    var found: [Entry] = []
    var looked = 0
    for phase in phases() {
      let rows = try runner.cursor(phase)
      var isAtEnd = false
      while !isAtEnd {
        guard looked <= limit else { return nil }
        // Few at first: most pages are full soon.
        let size = conditions.isEmpty ? count : min(1_024, looked == 0 ? count + count / 4 : looked)
        var batch: [Entry] = []
        while batch.count < size {
          guard let row = try rows.next() else {
            isAtEnd = true
            break
          }
          let id: Int64 = row[0]
          if members?.contains(id) ?? true, !deleted.contains(id) {
            batch.append(Entry(row, keys: order.terms.count))
          }
        }
        looked += size
        if !conditions.isEmpty {
          let holding = try self.holding(batch.map(\.id).sorted(), conditions)
          batch.removeAll { !holding.contains($0.id) }
        }
        found += batch
        if found.count >= count { return Array(found.prefix(count)) }
      }
    }
    return found
  }

  /// Which of the runs fulfil the conditions. In rising order their rows lie side by side.
  private func holding(_ ids: [Int64], _ conditions: [QueryNode]) throws -> RunSet {
    guard !ids.isEmpty else { return RunSet() }
    let source = source(ids, for: conditions)
    let condition = condition(conditions)
    return try runner.set(
      SQLPiece(
        sql: "SELECT r.id FROM \(source.sql) WHERE (\(condition.sql))",
        values: source.values + condition.values))
  }

  /// What the walk goes along: all runs; or those with a number for the metric, by that, and after
  /// them the others.
  private func phases() -> [SQLPiece] {
    guard let metric = order.leadingMetric else {
      return [ordered(from: SQLPiece(sql: "runs r"), where: SQLPiece(sql: "1"), limit: nil)]
    }
    let key = sql.keyId(metric)
    var phases: [SQLPiece] = []
    if cursor.map({ !$0.keys[0].isNull }) ?? true { phases.append(numbers(key)) }
    // Runs without a number: the first of the sort keys is missing in all of them.
    if !conditions.contains(where: { $0.needsNumber(of: metric) }) {
      let lacksNumber = SQLPiece(
        sql: """
          NOT EXISTS (SELECT 1 FROM metrics m WHERE m.run_id = r.id AND m.key_id = ?
          AND m.last <= 9e999)
          """, values: [key])
      phases.append(
        ordered(from: SQLPiece(sql: "runs r"), where: lacksNumber, limit: nil))
    }
    return phases
  }

  private func numbers(_ key: DatabaseValue) -> SQLPiece {
    let descends = order.terms[0].isDescending
    var keys = order.keys(sql)
    keys[0] = SQLPiece(sql: "m.last")
    let needsRun = keys.count > 1
    let columns = keys.enumerated().map { ", \($1.sql) AS k\($0)" }.joined()
    var condition = SQLPiece(sql: "m.key_id = ? AND m.last <= 9e999", values: [key])
    if let cursor {
      let after = order.after(cursor.keys, id: cursor.id, columns: keys, idColumn: "m.run_id")
      // Says the same again in a form that the index can begin at.
      condition.sql += " AND m.last \(descends ? "<=" : ">=") ? AND \(after.sql)"
      condition.values += [cursor.keys[0]] + after.values
    }
    let rest = order.terms.enumerated().dropFirst().map { index, term in
      "k\(index) IS NULL, k\(index)\(term.isDescending ? " DESC" : "")"
    }
    let clause = (["m.last\(descends ? " DESC" : "")"] + rest + ["m.run_id DESC"])
      .joined(separator: ", ")
    return SQLPiece(
      sql: """
        SELECT m.run_id AS id\(columns) FROM metrics m INDEXED BY metrics_by_last
        \(needsRun ? "CROSS JOIN runs r ON r.id = m.run_id" : "")
        WHERE \(condition.sql) ORDER BY \(clause)
        """,
      values: keys.flatMap(\.values) + condition.values)
  }
}

extension QueryNode {
  /// Whether no run without a number for the metric's last value fulfils it.
  func needsNumber(of metric: String) -> Bool {
    switch self {
    case .and(let children): children.contains { $0.needsNumber(of: metric) }
    case .or(let children): children.allSatisfy { $0.needsNumber(of: metric) }
    case .compare(let field, _, _), .isIn(let field, _), .not(.isIn(let field, _)):
      field == .metric(metric, .last)
    default: false
    }
  }
}
