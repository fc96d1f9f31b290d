// Checkpoints of runs: listed, verified, and written out as safetensors files.

import Experiments
import HTTPTypes
import Hummingbird
import NIOCore
import Store
import Wire

enum CheckpointsRoutes {
  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      Endpoint(.get, "/runs/{run}/checkpoints") { request in
        let id = try await core.oneRun(try request.text("run"))
        return try Reply.json(Page(items: try await core.store.checkpoints(run: id)))
      },
      Endpoint(.get, "/runs/{run}/epochs") { request in
        let id = try await core.oneRun(try request.text("run"))
        return try Reply.json(Page(items: try await core.store.epochHashes(run: id)))
      },
      Endpoint(.post, "/runs/{run}/checkpoints/verify") { request in
        let id = try await core.oneRun(try request.text("run"))
        let results = try await core.store.verifyCheckpoints(run: id)
        return try Reply.json(
          Page(
            items: results.map { checkpoint, problem in
              CheckpointVerification(
                epoch: checkpoint.epoch, sha256: checkpoint.sha256, intact: problem == nil,
                problem: problem)
            }))
      },
      Endpoint(.get, "/runs/{run}/checkpoints/{choice}/file") { request in
        let text = try request.text("choice")
        guard let choice = CheckpointChoice(text) else {
          throw ServerError.badParameter(
            name: "choice", value: text, expected: "best, latest or an epoch")
        }
        let id = try await core.oneRun(try request.text("run"))
        return try await file(run: id, choice, core)
      },
    ]
  }

  private static func file(
    run: Int64, _ choice: CheckpointChoice, _ core: Core
  ) async throws -> Response {
    // Verified as a whole before the first byte goes out: what has been sent cannot be taken back.
    let (checkpoint, bytes) = try await core.store.checkpointFile(run: run, choice)
    let buffer = ByteBuffer(bytes: bytes)
    let headers: HTTPFields = [
      .contentType: "application/octet-stream", .checkpointEpoch: String(checkpoint.epoch),
      .contentSHA256: checkpoint.sha256, .checkpointKind: checkpoint.kind.rawValue,
      .contentDisposition:
        "attachment; filename=\"run-\(run)-epoch-\(checkpoint.epoch).safetensors\"",
    ]
    return Response(
      status: .ok, headers: headers,
      body: ResponseBody(contentLength: buffer.readableBytes) { writer in
        var rest = buffer
        while let piece = rest.readSlice(length: min(rest.readableBytes, 256 << 10)),
          piece.readableBytes > 0
        {
          try await writer.write(piece)
        }
        try await writer.finish(nil)
      })
  }
}
