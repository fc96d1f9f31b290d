// Content that comes to a run from outside its attempts: a person who keeps a file with a finished
// run, an import. Chunks first, then the manifest that makes them visible, whole or not at all.

import Experiments
import HTTPTypes
import Hummingbird
import Store
import Wire

enum ContentRoutes {
  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      Endpoint(.post, "/runs/{run}/chunks/missing", bodyLimit: Limits.requestBytes) { request in
        _ = try await core.oneRun(try request.text("run"))
        let list = try await request.json(ChunkList.self)
        return try Reply.json(
          ChunkList(chunks: try await core.store.missingChunks(list.chunks)))
      },
      Endpoint(
        .put, "/runs/{run}/chunks/{chunk}", query: ["codec", "raw_bytes", "base"],
        bodyLimit: AttemptRoutes.chunkLimit
      ) { request in
        _ = try await core.oneRun(try request.text("run"))
        try await AttemptRoutes.putChunk(request, core)
        return try Reply.acknowledged
      },
      Endpoint(.post, "/runs/{run}/checkpoints", bodyLimit: Limits.requestBytes) { request in
        let manifest = try await request.json(CheckpointManifest.self)
        let id = try await core.oneRun(try request.text("run"))
        return try Reply.json(try await core.store.addCheckpoint(run: id, manifest))
      },
      Endpoint(.post, "/runs/{run}/artifacts", bodyLimit: Limits.requestBytes) { request in
        let manifest = try await request.json(ArtifactManifest.self)
        let id = try await core.oneRun(try request.text("run"))
        return try Reply.json(try await core.store.addArtifact(run: id, manifest))
      },
    ]
  }
}
