// Lists of runs: whole runs, tables of chosen columns, and groups with their statistics.

import Experiments
import HTTPTypes
import Store
import Wire

enum RunListRoutes {
  private static let filters = ["experiment", "status", "where", "deleted"]

  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      Endpoint(
        .get, "/runs", query: filters + ["order_by", "limit", "cursor", "select", "count"]
      ) { request in
        var query = try query(request)
        query.select = try request.query("select").map { try RunSelection(CommaList.split($0)) }
        let bytes = try await core.store.runsJSON(query, counting: try request.flag("count"))
        return Reply.json(bytes: bytes)
      },
      Endpoint(
        .get, "/runs/table", query: filters + ["order_by", "limit", "cursor", "select", "count"]
      ) { request in
        let query = try query(request)
        let columns = CommaList.split(request.query("select") ?? "")
        guard !columns.isEmpty else { throw ServerError.missingParameter(name: "select") }
        let (rows, next) = try await core.store.table(query, columns: columns)
        let items = rows.map { row in
          RunTableRow(id: row.id, name: row.name, values: members(columns, row.values))
        }
        let total = try await total(request, query, core)
        return try await Reply.json(
          large: Page(items: items, next: next, total: total), in: core.workshop)
      },
      Endpoint(
        .get, "/runs/groups", query: filters + ["group_by", "order_by", "limit", "select"]
      ) { request in
        let fields = CommaList.split(request.query("group_by") ?? "")
        guard !fields.isEmpty else { throw ServerError.missingParameter(name: "group_by") }
        let columns = CommaList.split(request.query("select") ?? "")
        let (groups, total) = try await core.store.groups(
          try query(request), by: fields, columns: columns)
        let items = groups.map { group in
          RunGroup(
            key: members(fields, group.key), runs: group.runs,
            values: Dictionary(
              zip(columns, group.values.map(statistics)), uniquingKeysWith: { first, _ in first }))
        }
        return try await Reply.json(large: Page(items: items, total: total), in: core.workshop)
      },
    ]
  }

  private static func query(_ request: APIRequest) throws -> Store.RunQuery {
    if let text = request.query("where"), text.utf8.count > Limits.queryBytes {
      throw ServerError.limitExceeded(
        field: "where", value: text.utf8.count, limit: Limits.queryBytes)
    }
    return Store.RunQuery(
      experiment: request.query("experiment"),
      statuses: try request.list("status", of: RunStatus.self),
      whereText: request.query("where"),
      orderBy: CommaList.split(request.query("order_by") ?? ""),
      limit: try request.limit(), cursor: request.query("cursor"),
      deleted: try request.flag("deleted"))
  }

  private static func total(
    _ request: APIRequest, _ query: Store.RunQuery, _ core: Core
  ) async throws -> Int? {
    try request.flag("count") ? try await core.store.count(query) : nil
  }

  private static func members(
    _ names: [String], _ values: [JSONValue?]
  ) -> [String: JSONValue] {
    Dictionary(
      zip(names, values).compactMap { name, value in value.map { (name, $0) } },
      uniquingKeysWith: { first, _ in first })
  }

  private static func statistics(_ values: Store.ValueStatistics) -> ValueStatistics {
    ValueStatistics(
      count: values.count, mean: values.mean, standardDeviation: values.standardDeviation,
      median: values.median, min: values.min, max: values.max)
  }
}
