// What a worker sends of its attempt. The client's token names the attempt; once a newer attempt
// has begun, every call throws `attempt_fenced`. All of it may be sent again.

package import Checkpoints
package import Experiments
import Foundation
import NIOCore
import NIOHTTP1
package import Wire

extension AssayClient {
  package func startAttempt(
    _ attempt: Int64, _ start: StartAttempt
  ) async throws -> StartReply {
    try await post(path(attempt, "start"), start)
  }

  /// Throws `dataset_changed` if the run has seen another one.
  package func sendDataset(_ attempt: Int64, _ info: DatasetInfo) async throws {
    let _: Acknowledged = try await post(path(attempt, "dataset"), info)
  }

  package func sendMetrics(_ attempt: Int64, _ batch: MetricsBatch) async throws {
    let _: PointsAdded = try await post(path(attempt, "metrics"), batch)
  }

  /// The same as bytes, which both sides read and write faster.
  package func appendMetrics(attempt: Int64, _ body: PointsBody) async throws {
    try await send(body, to: path(attempt, "metrics"))
  }

  package func sendProgress(_ attempt: Int64, _ report: ProgressReport) async throws {
    let _: Acknowledged = try await post(path(attempt, "progress"), report)
  }

  /// Sends log bytes that begin at `offset`; answers where the log goes on.
  package func sendLog(_ attempt: Int64, offset: Int64, _ bytes: [UInt8]) async throws -> Int64 {
    let path = path(attempt, "log").query("offset", offset)
    let answer: LogReply = try decoded(
      path, await self.bytes(.POST, path, body: ByteBuffer(bytes: bytes), contentType: Self.binary))
    return answer.next
  }

  /// Which of the chunks the daemon does not have yet.
  package func missingChunks(_ attempt: Int64, _ chunks: [String]) async throws -> [String] {
    let answer: ChunkList = try await post(
      path(attempt, "chunks").appending(path: "missing"), ChunkList(chunks: chunks))
    return answer.chunks
  }

  /// Tells what the whole state was at the ends of epochs.
  package func sendEpochHashes(_ attempt: Int64, _ hashes: [EpochHash]) async throws {
    let _: Acknowledged = try await post(path(attempt, "epochs"), EpochHashes(epochs: hashes))
  }

  /// Uploads one chunk: its hash is of the raw bytes, `stored` is what `codec` makes of them, as the
  /// difference to the stored chunk `base` where the codec needs one. Throws `chunk_missing` if that
  /// is not there, and `chunk_chain_too_long`.
  package func putChunk(
    _ attempt: Int64, sha256: String, rawBytes: Int, codec: ChunkCodec, base: String? = nil,
    stored: [UInt8]
  ) async throws {
    let path = path(attempt, "chunks").appending(path: sha256)
      .query("codec", codec.rawValue).query("raw_bytes", rawBytes).query("base", base)
    let _: Acknowledged = try decoded(
      path,
      await self.bytes(.PUT, path, body: ByteBuffer(bytes: stored), contentType: Self.binary))
  }

  /// Sends chunks in one request, with the checkpoint that they make unless more are to come first, and
  /// the hashes of epochs as `sendEpochHashes` does.
  /// Throws `chunk_missing` and `chunk_chain_too_long` as the single requests do.
  package func addContent(
    _ attempt: Int64, _ chunks: [EncodedChunk], checkpoint: CheckpointManifest?,
    epochs: [EpochHash] = []
  ) async throws {
    let header = ContentHeader(
      chunks: chunks.map {
        ContentHeader.Chunk(
          sha256: $0.sha256, rawBytes: $0.rawBytes, codec: $0.codec, base: $0.base,
          storedBytes: $0.stored.count)
      }, checkpoint: checkpoint, epochs: epochs.isEmpty ? nil : epochs)
    let path = path(attempt, "content")
    let json = try WireCoding.encoder().encode(header)
    var body = ByteBuffer()
    body.reserveCapacity(json.count + 1 + chunks.reduce(0) { $0 + $1.stored.count })
    body.writeBytes(json)
    body.writeInteger(ContentHeader.end)
    for chunk in chunks { body.writeBytes(chunk.stored) }
    let _: Acknowledged = try decoded(
      path, await bytes(.POST, path, body: body, contentType: ContentHeader.contentType))
  }

  /// Makes the uploaded chunks a checkpoint; throws `chunk_missing` if some are not there.
  @discardableResult
  package func addCheckpoint(
    _ attempt: Int64, _ manifest: CheckpointManifest
  ) async throws -> Checkpoint {
    try await post(path(attempt, "checkpoints"), manifest)
  }

  /// Makes the uploaded chunks an artifact, in place of one with the same path.
  @discardableResult
  package func addArtifact(
    _ attempt: Int64, _ manifest: ArtifactManifest
  ) async throws -> Artifact {
    try await post(path(attempt, "artifacts"), manifest)
  }

  @discardableResult
  package func finishAttempt(_ attempt: Int64, _ end: FinishAttempt) async throws -> Job {
    try await post(path(attempt, "finish"), end)
  }

  private static let binary = "application/octet-stream"

  private func path(_ attempt: Int64, _ action: String) -> APIPath {
    APIPath("attempts", String(attempt), action)
  }
}
