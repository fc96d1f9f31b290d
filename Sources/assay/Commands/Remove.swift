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
      let names =
        undo ? try await deleted(client) : try await client.resolve(names).map(String.init)
      for name in names {
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

  /// The deleted runs that are to come back. All are found before the first is brought back;
  /// they are asked for one by one, since sets do not contain deleted runs.
  private func deleted(_ client: AssayClient) async throws -> [String] {
    var found: [String] = []
    for name in names.flatMap({ $0.split(separator: ",", omittingEmptySubsequences: false) }) {
      let name = String(name)
      guard !name.hasPrefix("@") else {
        throw CommandError.badArgument(
          "\(name) names no deleted run: they are named by their number",
          hint: "list them with: assay runs --deleted")
      }
      if let range = try Self.range(name) {
        found += try await deleted(in: range, named: name, client)
      } else {
        let run = try await client.run(name)
        guard run.deletedAt != nil else {
          throw CommandError.badArgument(
            "run \(run.id) was not deleted",
            hint: "list the deleted runs with: assay runs --deleted")
        }
        found.append(String(run.id))
      }
    }
    return found
  }

  /// What a range has besides deleted runs is passed over, as rm passes over the deleted ones.
  private func deleted(
    in range: ClosedRange<Int64>, named name: String, _ client: AssayClient
  ) async throws -> [String] {
    var found: [String] = []
    for id in range {
      do {
        if try await client.run(String(id)).deletedAt != nil { found.append(String(id)) }
      } catch ClientError.api(_, status: 404) {
        continue
      }
    }
    guard !found.isEmpty else {
      throw CommandError.badArgument(
        "no run of \(name) was deleted", hint: "list the deleted runs with: assay runs --deleted")
    }
    return found
  }

  private static func range(_ name: String) throws(CommandError) -> ClosedRange<Int64>? {
    let ends = name.split(separator: "-", omittingEmptySubsequences: false).map { Int64($0) }
    guard ends.count == 2, let first = ends[0], let last = ends[1] else { return nil }
    guard first <= last, last - first < Int64(Limits.pageItems) else {
      throw .badArgument("\(name) is no range of up to \(Limits.pageItems) runs", hint: nil)
    }
    return first...last
  }
}
