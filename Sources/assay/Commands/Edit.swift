// `assay edit`: another priority, queue, time limit or any other value for a job that waits.

import ArgumentParser
import Client
import Experiments
import Wire

struct EditCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "edit",
    abstract: "Change a job that waits.",
    discussion: """
      The spec is checked as a whole again, and the params of the job's run follow. Once the run has \
      begun, only what says when and for how long it goes on can be changed. --set PATH=null removes \
      a key.

      Examples:
        assay edit 7 --priority 5 --queue night
        assay edit 7 --set optimizer.learning_rate=0.01 --set timeout=null
      """)

  @Argument(help: ArgumentHelp("Number of the job.", valueName: "job"))
  var job: Int64

  @Option(help: "Place in the queue: higher goes first.")
  var priority: Int?

  @Option(help: "Queue that the job waits in.")
  var queue: String?

  @Option(
    help: ArgumentHelp("How long an attempt may take, such as 2h or 90s.", valueName: "time"))
  var timeout: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Change one value of the spec; may be repeated.", valueName: "path=value"))
  var settings: [String] = []

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if priority == nil, queue == nil, timeout == nil, settings.isEmpty {
      throw ValidationError("nothing to change is given: --priority, --queue, --timeout or --set")
    }
  }

  func run() async throws {
    let change = JobChange(set: try changes())
    try await common.withClient { client in
      let job = try await client.edit(job, change)
      try common.print(job) { Terminal.print("job \(job.id) is changed") }
    }
  }

  private func changes() throws -> [String: JSONValue] {
    var changes: [String: JSONValue] = [:]
    for text in settings {
      do {
        let change = try SpecOverride.parse(text)
        changes[change.path] = change.value
      } catch {
        throw CommandError.badSetting(
          option: "--set", text: text,
          problem: error.mistakes.map(\.message).joined(separator: "; "))
      }
    }
    if let priority { changes["priority"] = .int(Int64(priority)) }
    if let queue { changes["queue"] = .string(queue) }
    if let timeout { changes["timeout"] = .string(timeout) }
    return changes
  }
}
