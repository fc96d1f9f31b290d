// Runs on their way between stores: what an archive says of one, and bringing one in.

import Experiments
import HTTPTypes
import Store
import Wire

enum ArchiveRoutes {
  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      Endpoint(.get, "/runs/{run}/archive") { request in
        let id = try await core.oneRun(try request.text("run"))
        return try await Reply.json(
          large: try await core.store.archiveRun(id), in: core.workshop)
      },
      Endpoint(.post, "/import/runs", bodyLimit: Limits.requestBytes) { request in
        let run = try await request.json(ArchiveRun.self)
        return try Reply.json(try await core.store.importRun(run))
      },
    ]
  }
}
