// `assay runs`: finds runs.

import ArgumentParser
import Client
import Experiments
import Wire

struct RunsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs",
    abstract: "Find, list and group runs.",
    usage: "assay runs [--where EXPRESSION] [--order-by TERM] … [options]",
    discussion: """
      An expression compares metrics.KEY, params.KEY, tags.KEY, dataset and cost fields and a run's \
      own, with =, !=, <, <=, >, >=, in, like, ilike, =~, is null, and, or, not. A metric stands \
      for its last value; there are min, max, mean, best and count of it, and metrics.KEY[STEP]. \
      What an expression or an order speaks of gets a column. docs/query.md has the language on \
      one page.

      Examples:
        assay runs --experiment quickstart
        assay runs --where "metrics.val_f1 > 0.9 and params.optimizer.type = 'adam'"
        assay runs --order-by -metrics.val_f1 --limit 5
        assay runs --where "started > -7d" --select params.epochs,best(metrics.val_f1),duration
        assay runs --group-by params.optimizer.learning_rate --select metrics.val_f1
        assay runs --status failed --count
      """)

  @Option(help: "Only runs of this experiment.")
  var experiment: String?

  @Option(
    help: ArgumentHelp("Only runs of this status; may be repeated.", valueName: "status"))
  var status: [RunStatus] = []

  @Option(
    name: .customLong("where"), parsing: .unconditional,
    help: ArgumentHelp("Only runs for which this holds.", valueName: "expression"))
  var condition: String?

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Order, a minus before it for the greatest first; may be repeated.", valueName: "term"))
  var orderBy: [String] = []

  @Option(
    help: ArgumentHelp(
      "Show these columns; of groups their mean, deviation and median. Separated by commas; may be "
        + "repeated.", valueName: "fields"))
  var select: [String] = []

  @Option(
    help: ArgumentHelp(
      "One line for all runs that agree in these fields. Separated by commas; may be repeated.",
      valueName: "fields"))
  var groupBy: [String] = []

  @Flag(help: "Print only how many there are.")
  var count = false

  @Option(help: "List at most this many.")
  var limit = 30

  @Flag(help: "List deleted runs, which can be brought back.")
  var deleted = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (1...1_000_000).contains(limit) else {
      throw ValidationError("--limit \(limit) is not from 1 to 1000000")
    }
    if count, !groupBy.isEmpty || !select.isEmpty {
      throw ValidationError("--count prints no columns and no groups")
    }
  }

  func run() async throws {
    try await common.withClient { client in
      if count { return try await printCount(client) }
      if !groupBy.isEmpty { return try await printGroups(client) }
      if !select.isEmpty { return try await printTable(client) }
      let page = try await pages(select: common.json ? nil : RunList.fields(besides: named)) {
        try await client.runs($0)
      }
      try common.print(page) {
        show(page, RunList.table(page.items, fields: named, now: Moments.now()))
      }
    }
  }

  /// The fields that the query speaks of.
  private var named: [RunFields.Field] {
    RunFields.named(in: ([condition].compactMap { $0 } + orderBy).joined(separator: " "))
  }

  private func query(select: [String]? = nil) -> RunListQuery {
    RunListQuery(
      experiment: experiment, statuses: status, whereText: condition, orderBy: orderBy,
      deleted: deleted, select: select)
  }

  private func pages<Item>(
    select: [String]?, _ ask: (RunListQuery) async throws -> Page<Item>
  ) async throws -> Page<Item> {
    var query = query(select: select)
    var page = Page<Item>(items: [])
    repeat {
      query.limit = min(limit - page.items.count, Limits.pageItems)
      let next = try await ask(query)
      page.items += next.items
      page.next = next.next
      query.cursor = next.next
    } while page.items.count < limit && page.next != nil
    return page
  }

  private func printCount(_ client: AssayClient) async throws {
    var query = query(select: [])
    query.limit = 1
    query.count = true
    let page = try await client.runs(query)
    let total = page.total ?? page.items.count
    try common.print(RunCount(total: total)) { Terminal.print("\(total)") }
  }

  private func printTable(_ client: AssayClient) async throws {
    let page = try await pages(select: select) { try await client.runTable($0) }
    try common.print(page) {
      show(
        page,
        RunColumnsTable.table(page.items, columns: CommaList.split(select.joined(separator: ","))))
    }
  }

  private func printGroups(_ client: AssayClient) async throws {
    var query = query(select: select.isEmpty ? nil : select)
    query.limit = min(limit, Limits.pageItems)
    let page = try await client.runGroups(query, by: groupBy)
    try common.print(page) {
      show(
        page,
        RunColumnsTable.groups(
          page.items, by: CommaList.split(groupBy.joined(separator: ",")),
          columns: CommaList.split(select.joined(separator: ","))))
    }
  }

  private func show<Item>(_ page: Page<Item>, _ table: TextTable) {
    guard !page.items.isEmpty else {
      let isFiltered = experiment != nil || condition != nil || !status.isEmpty || deleted
      return Terminal.print(
        isFiltered ? "no such runs" : "no runs yet; submit a job with: assay submit FILE")
    }
    Terminal.print(table)
    if page.next != nil || page.total.map({ $0 > page.items.count }) ?? false {
      Terminal.print("there are more; list more with --limit")
    }
  }
}

/// What `--count` prints as JSON.
private struct RunCount: Codable {
  let total: Int
}

extension RunStatus: ExpressibleByArgument {}
