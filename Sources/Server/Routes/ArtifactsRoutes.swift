// Files kept with runs.

import Experiments
import HTTPTypes
import Store
import Wire

enum ArtifactsRoutes {
  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      Endpoint(.get, "/runs/{run}/artifacts") { request in
        let id = try await core.oneRun(try request.text("run"))
        return try Reply.json(Page(items: try await core.store.artifacts(run: id)))
      },
      Endpoint(.get, "/runs/{run}/artifacts/{path...}") { request in
        let id = try await core.oneRun(try request.text("run"))
        let (artifact, bytes) = try await core.store.artifactBytes(
          run: id, path: try request.rest())
        return Reply.bytes(
          bytes, contentType: artifact.mediaType, headers: [.contentSHA256: artifact.sha256])
      },
    ]
  }
}
