// `assay rm`: deletes runs, also those of a whole experiment, and brings them back.

import ArgumentParser
import Client
import Experiments
import Wire

struct RemoveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rm",
    abstract: "Delete runs; --undo brings them back.",
    discussion: """
      A deleted run is no longer listed or compared, but nothing of it is lost for 30 days (assayd \
      --undo-days): assay runs --deleted lists them. With --purge it is gone at once, for good.

      Examples:
        assay rm 12 14-16
        assay rm --undo 12
        assay rm --purge 12
        assay rm --experiment trials
      """)

  @Argument(help: ArgumentHelp("The runs.", valueName: "run"))
  var names: [String] = []

  @Flag(help: "Bring deleted runs back.")
  var undo = false

  @Flag(help: "Remove the runs for good, without undo, and give their space back.")
  var purge = false

  @Option(
    help: ArgumentHelp(
      "The experiment with all its runs; --undo brings back what was deleted with it.",
      valueName: "name"))
  var experiment: String?

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard names.isEmpty != (experiment == nil) else {
      throw ValidationError("Name either runs or an --experiment.")
    }
    guard !purge || !undo && experiment == nil else {
      throw ValidationError("--purge takes runs, and cannot be undone.")
    }
  }

  func run() async throws {
    try await common.withClient { client in
      if let experiment { return try await change(experiment, client) }
      if purge { return try await purge(client) }
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

  private func change(_ experiment: String, _ client: AssayClient) async throws {
    let runs = try await client.changeExperiment(experiment, ExperimentChange(deleted: !undo))
    try common.print(runs) {
      let name = ShownText.line(experiment)
      let count = "\(Numbers.count(runs.runIds.count)) run\(runs.runIds.count == 1 ? "" : "s")"
      guard !undo else { return Terminal.print("experiment \(name) is back with \(count)") }
      Terminal.print("experiment \(name) is deleted with \(count)")
      Terminal.print("undo with: assay rm --undo --experiment \(name)")
    }
  }

  /// Deleted runs may be named, too, by their number.
  private func purge(_ client: AssayClient) async throws {
    let ids = try await client.resolve(names)
    for id in ids { try await client.purgeRun(String(id)) }
    let report = try await GarbageText.collect(client, now: false)
    try common.print(report) {
      let verb = ids.count == 1 ? "is" : "are"
      Terminal.print("\(NumberList.text("run", ids)) \(verb) gone for good")
      Terminal.print(GarbageText.done(report))
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
