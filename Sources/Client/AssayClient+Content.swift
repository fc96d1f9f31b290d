// Files and checkpoints that come to a run from outside its attempts. They go up in chunks, of which
// those that the daemon has are left out, and appear whole or not at all.

package import Checkpoints
package import Experiments
import NIOCore
import NIOHTTP1
import Wire

extension AssayClient {
  /// Keeps a file with a run, in place of one with the same path. The same one again changes
  /// nothing.
  /// - Throws: also `CheckpointError` where path, type or size are not valid.
  @discardableResult
  package func putArtifact(
    run name: String, path: String, mediaType: String, bytes: [UInt8]
  ) async throws -> Artifact {
    var start = 0
    return try await putArtifact(run: name, path: path, mediaType: mediaType) {
      let end = min(bytes.count, start + ChunkCoder.maxBytes)
      defer { start = end }
      return Array(bytes[start..<end])
    }
  }

  /// The same for one that need not be in memory as a whole.
  /// - Parameter read: gives the next bytes, `ChunkCoder.maxBytes` of them until the file ends, then
  ///   what is left, then none.
  @discardableResult
  package func putArtifact(
    run name: String, path: String, mediaType: String, read: () throws -> [UInt8]
  ) async throws -> Artifact {
    var manifest = ArtifactManifest(
      path: path, mediaType: mediaType, chunks: [], sha256: ContentHash.sha256Hex([]), bytes: 0)
    try ArtifactCoder.check(manifest)
    var content = ContentHash()
    var waiting: [EncodedChunk] = []
    while case let piece = try read(), !piece.isEmpty {
      manifest.bytes += Int64(piece.count)
      guard manifest.bytes <= Limits.artifactBytes else {
        throw CheckpointError.artifactTooLarge(path: path, bytes: Int(manifest.bytes))
      }
      content.update(piece)
      let chunk = try ChunkCoder.encode(piece)
      manifest.chunks.append(chunk.sha256)
      waiting.append(chunk)
      if waiting.count >= Self.chunksTogether {
        try await sendMissing(waiting, run: name)
        waiting.removeAll()
      }
    }
    try await sendMissing(waiting, run: name)
    manifest.sha256 = content.hex
    return try await addArtifact(run: name, manifest)
  }

  /// Keeps a safetensors file as the run's checkpoint or snapshot of an epoch, in place of one of
  /// that epoch.
  /// - Parameter file: its bytes.
  /// - Throws: also `CheckpointError` where it is no such file.
  @discardableResult
  package func putCheckpoint(
    run name: String, kind: CheckpointKind = .checkpoint, epoch: Int, step: Int64, file: [UInt8]
  ) async throws -> Checkpoint {
    let parsed = try SafetensorsFile(parsing: file)
    var (manifest, chunks) = try CheckpointCoder.encode(
      tensors: parsed.tensors, metadata: parsed.metadata, epoch: epoch, step: step)
    manifest.kind = kind
    for start in stride(from: 0, to: chunks.count, by: Self.chunksTogether) {
      let end = min(chunks.count, start + Self.chunksTogether)
      try await sendMissing(Array(chunks[start..<end]), run: name)
    }
    return try await addCheckpoint(run: name, manifest)
  }

  /// Chunks that are asked for, and held in memory, at a time.
  private static let chunksTogether = 16

  private func sendMissing(_ chunks: [EncodedChunk], run name: String) async throws {
    guard !chunks.isEmpty else { return }
    let missing = Set(try await missingChunks(run: name, chunks.map(\.sha256)))
    for chunk in chunks where missing.contains(chunk.sha256) {
      try await putChunk(run: name, chunk)
    }
  }
}

// MARK: - The single requests

extension AssayClient {
  /// Which of the chunks the daemon does not have yet.
  package func missingChunks(run name: String, _ chunks: [String]) async throws -> [String] {
    let answer: ChunkList = try await post(
      APIPath("runs", name, "chunks", "missing"), ChunkList(chunks: chunks))
    return answer.chunks
  }

  package func putChunk(run name: String, _ chunk: EncodedChunk) async throws {
    let path = APIPath("runs", name, "chunks", chunk.sha256)
      .query("codec", chunk.codec.rawValue).query("raw_bytes", chunk.rawBytes)
      .query("base", chunk.base)
    let _: Acknowledged = try decoded(
      path,
      await bytes(
        .PUT, path, body: ByteBuffer(bytes: chunk.stored),
        contentType: "application/octet-stream"))
  }

  /// Makes the uploaded chunks a checkpoint; throws `chunk_missing` if some are not there.
  @discardableResult
  package func addCheckpoint(
    run name: String, _ manifest: CheckpointManifest
  ) async throws -> Checkpoint {
    try await post(APIPath("runs", name, "checkpoints"), manifest)
  }

  /// Makes the uploaded chunks an artifact, in place of one with the same path.
  @discardableResult
  package func addArtifact(
    run name: String, _ manifest: ArtifactManifest
  ) async throws -> Artifact {
    try await post(APIPath("runs", name, "artifacts"), manifest)
  }
}
