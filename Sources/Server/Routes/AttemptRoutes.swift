// What workers send of their attempts. The bearer token must be the attempt's; a newer attempt
// fences the older one off.

import Checkpoints
import Experiments
import HTTPTypes
import Hummingbird
import Store
import Wire

enum AttemptRoutes {
  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      endpoint(.post, "/start", limit: Limits.specBytes, core) { request, attempt in
        let start = try await request.json(StartAttempt.self)
        guard start.protocolVersion == WorkerProtocol.version else {
          throw ServerError.protocolVersion(theirs: start.protocolVersion)
        }
        let started = try await core.store.attemptStarted(
          attempt, environment: start.environment)
        return try Reply.json(
          StartReply(
            resumeEpoch: started.resumeEpoch, datasetSha256: started.datasetSha256,
            cancelled: started.cancelled))
      },
      endpoint(.post, "/dataset", limit: Limits.requestBytes, core) { request, attempt in
        try await core.store.attemptDataset(attempt, try await request.json(DatasetInfo.self))
        return try Reply.acknowledged
      },
      endpoint(.post, "/metrics", limit: Limits.requestBytes, core) { request, attempt in
        let series = try await MetricsBody.series(request, core)
        return MetricsBody.reply(try await core.store.appendMetrics(attempt: attempt, series))
      },
      endpoint(.post, "/progress", limit: Limits.specBytes, core) { request, attempt in
        let report = try await request.json(ProgressReport.self)
        try await core.store.attemptProgress(
          attempt, progress: report.progress, cost: report.cost)
        return try Reply.acknowledged
      },
      endpoint(.post, "/log", query: ["offset"], limit: Limits.logPieceBytes, core) {
        request, attempt in
        guard let offset = try request.integer("offset", in: 0...Int64.max) else {
          throw ServerError.missingParameter(name: "offset")
        }
        let next = try await core.store.appendLog(
          attempt: attempt, offset: offset, bytes: try await request.bytes())
        return try Reply.json(LogReply(next: next))
      },
      endpoint(.post, "/chunks/missing", limit: Limits.requestBytes, core) { request, _ in
        let list = try await request.json(ChunkList.self)
        return try Reply.json(
          ChunkList(chunks: try await core.store.missingChunks(list.chunks)))
      },
      endpoint(
        .put, "/chunks/{chunk}", query: ["codec", "raw_bytes", "base"], limit: chunkLimit, core
      ) { request, _ in
        try await putChunk(request, core)
        return try Reply.acknowledged
      },
      endpoint(.post, "/content", limit: ContentUpload.limit, core) { request, attempt in
        let body = try await request.body()
        // Copying a few megabytes would hold up everything else on the pool.
        let content = try await core.workshop.run { try ContentUpload(body) }
        try await core.store.addContent(
          attempt: attempt, chunks: content.chunks, checkpoint: content.checkpoint,
          epochs: content.epochs)
        return try Reply.acknowledged
      },
      endpoint(.post, "/checkpoints", limit: Limits.requestBytes, core) { request, attempt in
        let manifest = try await request.json(CheckpointManifest.self)
        return try Reply.json(try await core.store.addCheckpoint(attempt: attempt, manifest))
      },
      endpoint(.post, "/epochs", limit: Limits.requestBytes, core) { request, attempt in
        let hashes = try await request.json(EpochHashes.self)
        try await core.store.addEpochHashes(attempt: attempt, hashes.epochs)
        return try Reply.acknowledged
      },
      endpoint(.post, "/artifacts", limit: Limits.requestBytes, core) { request, attempt in
        let manifest = try await request.json(ArtifactManifest.self)
        return try Reply.json(try await core.store.addArtifact(attempt: attempt, manifest))
      },
      // An end whose answer got lost is sent again.
      endpoint(.post, "/finish", limit: Limits.specBytes, allowEnded: true, core) {
        request, attempt in
        try Reply.json(try await finish(try await request.json(), attempt, core))
      },
    ]
  }

  /// Compression of bytes that do not compress makes them a little longer.
  static let chunkLimit = Limits.chunkBytes + 64 << 10

  private static func endpoint(
    _ method: HTTPRequest.Method, _ path: String, query: [String] = [], limit: Int,
    allowEnded: Bool = false, _ core: Core,
    handle: @escaping @Sendable (APIRequest, Int64) async throws -> Response
  ) -> Endpoint {
    Endpoint(method, "/attempts/{attempt}" + path, query: query, bodyLimit: limit) { request in
      let attempt = try request.id("attempt")
      try await core.store.authenticate(
        attempt: attempt, tokenSHA256: AttemptToken.hash(try request.token()),
        allowEnded: allowEnded)
      do {
        return try await handle(request, attempt)
      } catch let error as StoreError where error.code == "quota_exceeded" {
        try await core.store.noteRefused(attempt: attempt, error)
        throw error
      }
    }
  }

  static func putChunk(_ request: APIRequest, _ core: Core) async throws {
    let name = try request.text("chunk")
    guard ContentHash.isHex(name) else {
      throw ServerError.badParameter(
        name: "chunk", value: name, expected: "64 lower-case hexadecimal digits")
    }
    guard let text = request.query("codec") else {
      throw ServerError.missingParameter(name: "codec")
    }
    guard let codec = ChunkCodec(rawValue: text) else {
      let all = ChunkCodec.allCases.map(\.rawValue).joined(separator: ", ")
      throw ServerError.badParameter(name: "codec", value: text, expected: "one of \(all)")
    }
    guard let rawBytes = try request.integer("raw_bytes", in: 1...Limits.chunkBytes) else {
      throw ServerError.missingParameter(name: "raw_bytes")
    }
    try await core.store.putChunk(
      sha256: name, rawBytes: rawBytes, codec: codec, base: request.query("base"),
      stored: try await request.bytes())
  }

  /// The slot stays taken until the process is gone, which the supervisor sees by itself.
  private static func finish(
    _ end: FinishAttempt, _ attempt: Int64, _ core: Core
  ) async throws -> Job {
    guard end.state.isFinal, end.state != .lost else {
      throw ServerError.badJSON(field: "state", reason: "\(end.state.rawValue) is no end")
    }
    let job = try await core.store.endAttempt(
      attempt, state: end.state, failure: end.failure, exitCode: end.exitCode, cost: end.cost,
      endedAt: end.endedAt, unasked: AttemptEnds.stopped)
    return job
  }
}
