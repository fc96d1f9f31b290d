// `assay rm`: deletes runs, and brings them back.

import ArgumentParser
import Client
import Experiments
import Wire

struct RemoveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rm",
    abstract: "Delete runs; --undo brings them back.",
    discussion: """
      A deleted run is no longer listed or compared, but nothing of it is lost: assay runs \
      --deleted lists them.

      Examples:
        assay rm 12 14-16
        assay rm --undo 12
      """)

  @Argument(help: ArgumentHelp("The runs.", valueName: "run"))
  var names: [String]

  @Flag(help: "Bring deleted runs back.")
  var undo = false

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      var runs: [Run] = []
      for name in try await expanded(client) {
        runs.append(try await client.changeRun(name, RunChange(deleted: !undo)))
      }
      try common.print(Page(items: runs)) {
        let verb = runs.count == 1 ? "is" : "are"
        Terminal.print(
          "\(NumberList.text("run", runs.map(\.id))) \(verb) \(undo ? "back" : "deleted")")
        if !undo {
          Terminal.print(
            "undo with: assay rm --undo \(runs.map { String($0.id) }.joined(separator: " "))")
        }
      }
    }
  }

  /// Sets are resolved before anything is deleted. Deleted runs are not found by a set's name, so
  /// that ranges to bring back are counted out here.
  private func expanded(_ client: AssayClient) async throws -> [String] {
    guard undo else { return try await client.resolve(names).map { String($0) } }
    return try names.flatMap { name -> [String] in
      let ends = name.split(separator: "-").map { Int64($0) }
      guard ends.count == 2, let first = ends[0], let last = ends[1] else { return [name] }
      guard first <= last, last - first < Int64(Limits.pageItems) else {
        throw CommandError.badArgument(
          "\(name) is no range of up to \(Limits.pageItems) runs", hint: nil)
      }
      return (first...last).map { String($0) }
    }
  }
}
