// Finds one page of runs, by the way that looks at the fewest rows. SQLite's own planner has no
// idea how many runs a condition holds for, and never joins sets, so the choice is made here.

import Experiments
import GRDB

/// How much is tried before one way of finding runs is given up for another.
package struct QueryEffort: Sendable, Equatable {
  /// Candidates that are looked at one by one.
  package var candidates = 1_000
  /// Runs along an index that are looked at one by one before the expression is taken as sets.
  package var walked = 2_500
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

  private let runner: QueryRunner
  private let sql: QuerySQL
  private let sets: QuerySets
  /// All that a run must fulfil; normalized.
  private let filter: QueryNode
  private let order: RunOrder
  private let cursor: PageCursor?
  private let effort: QueryEffort

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
  }

  /// The first `count` entries after the cursor.
  func entries(_ count: Int) throws -> [Entry] {
    if let driver = try sets.driver(filter, atMost: effort.candidates) {
      runner.take(.candidates)
      return try sorted(try sets.runs(driver).ids, isFiltered: driver == filter, count)
    }
    guard order.isNewestFirst || order.leadingMetric != nil else {
      runner.take(.scan)
      return try sorted(nil, isFiltered: false, count)
    }
    return try walked(count)
  }

  /// The numbers of all runs that fulfil the filter, in rising order.
  func all() throws -> [Int64] {
    var result = try sets.runs(filter)
    result.formIntersection(try sets.allRuns())
    return result.ids
  }

  // MARK: Sorting

  /// Looks at these runs (nil: at all) and sorts those that remain.
  private func sorted(_ ids: [Int64]?, isFiltered: Bool, _ count: Int) throws -> [Entry] {
    let source = ids.map {
      SQLPiece(
        sql: "json_each(?) j CROSS JOIN runs r ON r.id = j.value",
        values: [$0.jsonList.databaseValue])
    }
    let condition = isFiltered ? SQLPiece(sql: "1") : sql.condition(filter)
    return try runner.rows(
      ordered(from: source ?? SQLPiece(sql: "runs r"), where: condition, limit: count)
    ).map { Entry($0, keys: order.terms.count) }
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

  /// Goes along the runs in order, a batch at a time.
  private func walked(_ count: Int) throws -> [Entry] {
    runner.take(.walk)
    var found: [Entry] = []
    var looked = 0
    var members: RunSet?
    for phase in phases() {
      let rows = try runner.cursor(phase)
      var batch: [Entry] = []
      var isAtEnd = false
      while !isAtEnd {
        // Few at first: most pages are full soon.
        let size = min(1_024, max(64, looked == 0 ? count + count / 4 : 2 * looked))
        batch.removeAll(keepingCapacity: true)
        while batch.count < size {
          guard let row = try rows.next() else {
            isAtEnd = true
            break
          }
          batch.append(Entry(row, keys: order.terms.count))
          if let members, let last = batch.last, !members.contains(last.id) { batch.removeLast() }
        }
        if members == nil {
          let holding = try self.holding(batch.map(\.id))
          batch.removeAll { !holding.contains($0.id) }
        }
        looked += size
        found += batch
        if found.count >= count { return Array(found.prefix(count)) }
        guard members == nil, looked >= effort.walked, !isAtEnd else { continue }
        let own = try sets.runs(filter)
        runner.take(.sets)
        if own.count <= effort.sorted {
          return try sorted(own.ids, isFiltered: true, count)
        }
        members = own
      }
    }
    return found
  }

  /// Which of the runs fulfil the filter.
  private func holding(_ ids: [Int64]) throws -> Set<Int64> {
    guard !ids.isEmpty else { return [] }
    let condition = sql.condition(filter)
    let rows = try runner.rows(
      SQLPiece(
        sql: """
          SELECT r.id FROM json_each(?) j CROSS JOIN runs r ON r.id = j.value
          WHERE (\(condition.sql))
          """, values: [ids.jsonList.databaseValue] + condition.values))
    return Set(rows.map { $0[0] })
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
    if !filter.needsNumber(of: metric) {
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
