// `assay runs`: finds runs.

import ArgumentParser
import Client
import Experiments
import Wire

struct RunsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs",
    abstract: "Find and list runs.",
    usage: "assay runs [--where EXPRESSION] [--order-by TERM] … [options]",
    discussion: """
      An expression compares metrics.KEY, params.KEY, tags.KEY and a run's own fields, with =, !=, \
      <, <=, >, >=, and, or, not. A metric stands for its last value. What an expression or an \
      order speaks of gets a column.

      Examples:
        assay runs --experiment quickstart
        assay runs --where "metrics.val_f1 > 0.9 and params.optimizer.type = 'adam'"
        assay runs --order-by -metrics.val_f1 --limit 5
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

  @Option(help: "List at most this many.")
  var limit = 30

  @Flag(help: "List deleted runs, which can be brought back.")
  var deleted = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (1...1_000_000).contains(limit) else {
      throw ValidationError("--limit \(limit) is not from 1 to 1000000")
    }
  }

  func run() async throws {
    try await common.withClient { client in
      let page = try await page(client)
      try common.print(page) { show(page) }
    }
  }

  /// The fields that the query speaks of.
  private var named: [RunFields.Field] {
    RunFields.named(in: ([condition].compactMap { $0 } + orderBy).joined(separator: " "))
  }

  private func page(_ client: AssayClient) async throws -> Page<Run> {
    var query = RunListQuery(
      experiment: experiment, statuses: status, whereText: condition, orderBy: orderBy,
      deleted: deleted, select: common.json ? nil : RunList.fields(besides: named))
    var page = Page<Run>(items: [])
    repeat {
      query.limit = min(limit - page.items.count, Limits.pageItems)
      let next = try await client.runs(query)
      page.items += next.items
      page.next = next.next
      query.cursor = next.next
    } while page.items.count < limit && page.next != nil
    return page
  }

  private func show(_ page: Page<Run>) {
    guard !page.items.isEmpty else {
      let isFiltered = experiment != nil || condition != nil || !status.isEmpty || deleted
      return Terminal.print(
        isFiltered ? "no such runs" : "no runs yet; submit a job with: assay submit FILE")
    }
    Terminal.print(RunList.table(page.items, fields: named, now: Moments.now()))
    if page.next != nil {
      Terminal.print("there are more; list more with --limit")
    }
  }
}

extension RunStatus: ExpressibleByArgument {}
