// `assay jobs`: what waits, what runs, and what has ended.

import ArgumentParser
import Client
import Experiments
import Wire

struct JobsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "jobs",
    abstract: "List jobs: those that are under way, or all.",
    discussion: """
      Without options: the jobs that wait or run and the ten that ended last, newest first.

      Examples:
        assay jobs
        assay jobs --state failed --json
      """)

  @Option(
    help: ArgumentHelp("Only jobs in this state; may be repeated.", valueName: "state"))
  var state: [JobState] = []

  @Flag(help: "All jobs, not just the newest.")
  var all = false

  @OptionGroup var common: CommonOptions

  private static let recent = 10

  func run() async throws {
    try await common.withClient { client in
      let page = try await page(client)
      try common.print(page) { show(page) }
    }
  }

  private func page(_ client: AssayClient) async throws -> Page<Job> {
    if all {
      var jobs: [Job] = []
      var cursor: String?
      repeat {
        let page = try await client.jobs(states: state, limit: Limits.pageItems, cursor: cursor)
        jobs += page.items
        cursor = page.next
      } while cursor != nil
      return Page(items: jobs)
    }
    guard state.isEmpty else { return try await client.jobs(states: state, limit: 100) }
    let open = JobState.allCases.filter { !$0.isFinal }
    var page = try await client.jobs(states: open, limit: Limits.pageItems)
    let ended = JobState.allCases.filter(\.isFinal)
    page.items += try await client.jobs(states: ended, limit: Self.recent).items
    page.items.sort { $0.id > $1.id }
    return page
  }

  private func show(_ page: Page<Job>) {
    guard !page.items.isEmpty else {
      return Terminal.print(
        state.isEmpty ? "no jobs yet; submit one with: assay submit FILE" : "no jobs in this state")
    }
    Terminal.print(JobTable.table(page.items, now: Moments.now()))
    if page.next != nil { Terminal.print("there are more; list all with: assay jobs --all") }
  }
}

extension JobState: ExpressibleByArgument {}

enum JobTable {
  static func table(_ jobs: [Job], now: Timestamp) -> TextTable {
    var table = TextTable([
      .right("job"), .right("run"), .left("name", flexible: true),
      .left("experiment", flexible: true), .left("state"), .right("progress"), .left("submitted"),
      .right("took"), .left("waits", flexible: true),
    ])
    for job in jobs {
      table.add([
        .init(String(job.id)), .init(job.runId.map(String.init) ?? ""), .init(job.name),
        .init(job.experiment), .init(state(job), StateText.tint(job.state)), .init(progress(job)),
        .init(Moments.relative(job.createdAt, to: now)), .init(took(job, now: now)),
        .init(job.waits?.message ?? ""),
      ])
    }
    return table
  }

  private static func state(_ job: Job) -> String {
    if job.cancelRequested, !job.state.isFinal { return "cancelling" }
    guard let failure = job.failure else { return StateText.text(job.state) }
    return "\(StateText.text(job.state)) (\(failure.code))"
  }

  private static func progress(_ job: Job) -> String {
    guard let progress = job.progress, progress.epochs > 0 else { return "" }
    return "\(progress.epoch)/\(progress.epochs)"
  }

  private static func took(_ job: Job, now: Timestamp) -> String {
    guard let started = job.startedAt, job.state != .queued else { return "" }
    return Quantities.duration((job.endedAt ?? now).seconds(since: started))
  }
}
