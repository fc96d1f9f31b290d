// The space that the store takes, and getting some of it back.

import Experiments
import HTTPTypes
import Store
import Wire

enum SpaceRoutes {
  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      Endpoint(.get, "/usage") { _ in
        try Reply.json(try await core.store.usage())
      },
      Endpoint(.post, "/gc", query: ["now", "dry_run"]) { request in
        try Reply.json(
          try await core.housekeeper.collect(
            now: try request.flag("now"), dryRun: try request.flag("dry_run")))
      },
      Endpoint(.delete, "/runs/{run}") { request in
        let id = try await core.oneRun(try request.text("run"))
        let run = try await core.store.purgeRun(id)
        await core.housekeeper.poke()
        return try Reply.json(run)
      },
      Endpoint(.patch, "/experiments/{name}", bodyLimit: Limits.specBytes) { request in
        let change = try await request.json(ExperimentChange.self)
        return try Reply.json(
          ResolvedRuns(
            runIds: try await core.store.changeExperiment(
              try request.text("name"), deleted: change.deleted)))
      },
    ]
  }
}
