// A query for runs, read and ready to be asked: its expression, order and cursor.

import Experiments
import GRDB

struct RunList {
  let order: RunOrder
  private let filter: QueryNode
  private let experiment: String?
  private let cursor: PageCursor?

  /// - Parameter now: what relative times are counted from.
  /// - Throws: `invalid_query`, `invalid_value` (the cursor), `limit_exceeded`.
  init(_ query: Store.RunQuery, now: Timestamp) throws {
    order = try RunOrder(query.orderBy)
    let terms = order.terms.count
    cursor = try query.cursor.map { try PageCursor($0, orderBy: query.orderBy, terms: terms) }
    experiment = query.experiment
    var nodes: [QueryNode] = []
    if let text = query.whereText { nodes.append(try QueryParser.parse(text, now: now)) }
    if let experiment { nodes.append(.compare(.attribute(.experiment), .equal, .text(experiment))) }
    if !query.statuses.isEmpty {
      nodes.append(.isIn(.attribute(.status), query.statuses.map { .text($0.rawValue) }))
    }
    if let parent = query.parent {
      nodes.append(.compare(.attribute(.parent), .equal, .number(Double(parent), text: "")))
    }
    let isNotDeleted = QueryNode.isNull(.attribute(.deleted))
    nodes.append(query.deleted ? .not(isNotDeleted) : isNotDeleted)
    filter = QueryNode.and(nodes).normalized
  }

  /// - Throws: `experiment_not_found`, `invalid_query` (a regular expression that takes too long).
  func page(
    _ runner: QueryRunner, _ query: Store.RunQuery
  ) throws -> (entries: ArraySlice<RunPager.Entry>, next: String?) {
    let entries = try asking(runner, query) { try $0.entries(query.limit + 1) }
    let page = entries.prefix(query.limit)
    guard entries.count > query.limit, let last = page.last else { return (page, nil) }
    return (page, PageCursor(keys: last.keys, id: last.id, orderBy: query.orderBy).text)
  }

  /// The numbers of all that there are, rising.
  func all(_ runner: QueryRunner, _ query: Store.RunQuery) throws -> [Int64] {
    try asking(runner, query) { try $0.all() }
  }

  private func asking<Value>(
    _ runner: QueryRunner, _ query: Store.RunQuery, _ body: (RunPager) throws -> Value
  ) throws -> Value {
    if let experiment { _ = try RunNames.experimentId(runner.db, experiment) }
    do {
      return try body(
        RunPager(runner, filter: filter, order: order, cursor: cursor, effort: query.effort))
    } catch let error as DatabaseError where error.message == RegexFunction.exhausted {
      throw StoreError.invalidQuery(
        message: "the regular expressions take too long on these runs; make them simpler, or "
          + "narrow the runs down by other conditions", position: 0)
    }
  }
}
