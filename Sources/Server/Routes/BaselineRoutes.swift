// Named references: sets of runs that others are compared with.

import Experiments
import HTTPTypes
import Store
import Wire

enum BaselineRoutes {
  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      Endpoint(.get, "/baselines") { _ in
        try Reply.json(Page(items: try await core.store.baselines()))
      },
      Endpoint(.get, "/baselines/{name}") { request in
        try Reply.json(try await core.store.baseline(name: try request.text("name")))
      },
      Endpoint(.put, "/baselines/{name}", bodyLimit: Limits.specBytes) { request in
        let name = try request.text("name")
        let body = try await request.json(BaselineRequest.self)
        let runs = try await core.side(body.runs, field: "runs")
        return try Reply.json(try await core.store.setBaseline(name: name, runs: runs))
      },
      Endpoint(.delete, "/baselines/{name}") { request in
        try await core.store.deleteBaseline(name: try request.text("name"))
        return try Reply.acknowledged
      },
    ]
  }
}
