// Which runs an export has: those of experiments, those named, of both only what a condition holds
// for. Runs that are not over are told apart.

import Client
import Experiments
import Wire

struct RunChoice {
  let client: AssayClient
  let condition: String?

  struct Chosen {
    /// By number, oldest first.
    var runs: [Int64] = []
    var unfinished: [Int64] = []
  }

  func runs(_ names: [String], experiments: [String]) async throws -> Chosen {
    var experiments = experiments
    var named: [String] = []
    let known = Set(try await client.experiments().items.map(\.name))
    for name in names {
      guard known.contains(name) else {
        named.append(name)
        continue
      }
      if name.allSatisfy(\.isNumber) {
        throw CommandError.badArgument(
          "\(name) is an experiment and may be a run",
          hint: "say --experiment \(name) for the experiment, or give the run's id")
      }
      experiments.append(name)
    }
    var found: [Int64: Bool] = [:]
    for experiment in experiments {
      try await list(experiment) { found[$0.id] = $0.status.isFinal }
    }
    if !named.isEmpty {
      let ids = try await resolve(named, known)
      var ends: [Int64: Bool] = [:]
      if condition != nil {
        try await list(nil) { ends[$0.id] = $0.status.isFinal }
      } else {
        for id in ids { ends[id] = try await client.run(String(id)).status.isFinal }
      }
      for id in ids { if let isOver = ends[id] { found[id] = isOver } }
    }
    if names.isEmpty, experiments.isEmpty {
      try await list(nil) { found[$0.id] = $0.status.isFinal }
    }
    var chosen = Chosen()
    for (id, isOver) in found.sorted(by: { $0.key < $1.key }) {
      if isOver { chosen.runs.append(id) } else { chosen.unfinished.append(id) }
    }
    return chosen
  }

  private func resolve(_ names: [String], _ experiments: Set<String>) async throws -> [Int64] {
    do {
      return try await client.resolve(names)
    } catch let error as ClientError where error.code == "invalid_run_name" {
      let wrong = names.filter { $0.contains { !$0.isHexDigit && !"@-,".contains($0) } }
      let name = wrong.first ?? names[0]
      throw CommandError.badArgument(
        "\(name) is neither an experiment nor a run"
          + NearestName.question(for: name, among: Array(experiments)),
        hint: "`assay runs` lists both")
    }
  }

  private func list(_ experiment: String?, _ take: (Run) -> Void) async throws {
    var query = RunListQuery(
      experiment: experiment, whereText: condition, limit: Limits.pageItems, select: [])
    repeat {
      let page = try await client.runs(query)
      page.items.forEach(take)
      query.cursor = page.next
    } while query.cursor != nil
  }
}
