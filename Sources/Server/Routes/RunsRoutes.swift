// Runs: finding, showing and changing them.

import Experiments
import HTTPTypes
import Foundation
import Store
import Wire

enum RunsRoutes {
  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      Endpoint(.get, "/runs/{run}") { request in
        let id = try await core.oneRun(try request.text("run"))
        return try Reply.json(try await core.store.run(id))
      },
      Endpoint(.get, "/runs/{run}/detail") { request in
        let id = try await core.oneRun(try request.text("run"))
        return try await Reply.json(large: try await detail(id, core), in: core.workshop)
      },
      Endpoint(.patch, "/runs/{run}", bodyLimit: Limits.specBytes) { request in
        let change = try await request.json(RunChange.self)
        let id = try await core.oneRun(try request.text("run"))
        return try Reply.json(
          try await core.store.changeRun(
            id, name: change.name, note: change.note, tags: change.tags, deleted: change.deleted))
      },
      Endpoint(.get, "/experiments") { _ in
        let experiments = try await core.store.experiments()
        return try Reply.json(
          Page(
            items: experiments.map {
              ExperimentSummary(
                name: $0.name, runs: $0.runs, running: $0.running, lastRunAt: $0.lastRunAt)
            }))
      },
      Endpoint(.get, "/resolve", query: ["names", "experiment"]) { request in
        let names = request.items("names")
        guard !names.isEmpty else { throw ServerError.missingParameter(name: "names") }
        return try Reply.json(
          ResolvedRuns(
            runIds: try await core.store.resolveRuns(
              names, experiment: request.query("experiment"))))
      },
    ]
  }

  private static func detail(_ id: Int64, _ core: Core) async throws -> RunDetail {
    let store = core.store
    let run = try await store.run(id)
    let spec = try await store.spec(run: id)
    return RunDetail(
      run: run, attempts: try await store.attempts(run: id),
      checkpoints: try await store.checkpoints(run: id),
      artifacts: try await store.artifacts(run: id),
      children: try await store.children(run: id), context: try await store.context(run: id),
      graph: graph(spec, features: run.dataset?.features), spec: spec,
      lease: try await store.lease(run: id))
  }

  /// Told from the spec, so it is there as soon as the dataset has been read.
  private static func graph(_ json: JSONValue?, features: Int?) -> ModelGraph? {
    guard let json, let features else { return nil }
    // What is stored was valid when it was submitted; if it no longer is, there is no graph to show.
    guard let spec = try? JobSpec.parse(json), case .train(let train) = spec.work else {
      return nil
    }
    return ModelGraph(spec: train, features: features)
  }
}
