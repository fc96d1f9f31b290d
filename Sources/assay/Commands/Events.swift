// `assay events`: what happened, in the daemon's own record.

import ArgumentParser
import Client
import Experiments
import Wire

struct EventsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "events",
    abstract: "List what happened, oldest first.",
    discussion: """
      With --json and -f each line is one event.

      Examples:
        assay events --after 1200
        assay events -f --json
      """)

  @Option(help: ArgumentHelp("Begin after this event.", valueName: "number"))
  var after: Int64 = 0

  @Option(help: "List at most this many.")
  var limit = 100

  @Flag(name: .shortAndLong, help: "Go on with what happens from now on.")
  var follow = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (1...Limits.pageItems).contains(limit) else {
      throw ValidationError("--limit \(limit) is not from 1 to \(Limits.pageItems)")
    }
  }

  func run() async throws {
    try await common.withClient { client in
      guard follow else {
        let page = try await client.events(after: after, limit: limit)
        return try common.print(page) {
          Terminal.print(page.items.map(Self.line))
          if page.next != nil, let last = page.items.last {
            Terminal.print("there are more: assay events --after \(last.id)")
          }
        }
      }
      for try await event in client.followEvents(after: after) {
        Terminal.print(
          common.json ? try JSONOutput.text(event, indented: false) : Self.line(event))
      }
    }
  }

  private static func line(_ event: Event) -> String {
    var parts = [String(event.id), Moments.localToTheSecond(event.time), event.kind]
    if let job = event.jobId { parts.append("job \(job)") }
    if let run = event.runId { parts.append("run \(run)") }
    let data = event.data.objectValue ?? [:]
    parts += data.sorted { $0.key < $1.key }.map { "\($0)=\($1.plainText)" }
    return ShownText.line(parts.joined(separator: "  "))
  }
}
