// Chunks that come in: each is decoded, and its hash compared, before any of them is kept.

import Checkpoints
import Experiments
import GRDB

struct ChunkUpload {
  private let db: Database
  private let chunks: [EncodedChunk]

  init(_ db: Database, _ chunks: [EncodedChunk]) {
    self.db = db
    self.chunks = chunks
  }

  /// - Returns: the names of those that are not stored yet, all of which are what their hashes say.
  /// - Throws: `chunk_damaged`, `chunk_too_large`, `chunk_missing` if a base is, `invalid_value`.
  func verified() throws -> Set<String> {
    var new: [String: EncodedChunk] = [:]
    for chunk in chunks {
      guard new[chunk.sha256] == nil, try ChunkRows.info(db, chunk.sha256) == nil else { continue }
      try verify(chunk, after: new)
      new[chunk.sha256] = chunk
    }
    return Set(new.keys)
  }

  /// The hash of the chunk tells whether its base was what it should be too; only if it is another
  /// one, that of the base is compared as well, so that the error names the one that is damaged.
  private func verify(_ chunk: EncodedChunk, after earlier: [String: EncodedChunk]) throws {
    guard let base = chunk.base else {
      _ = try ChunkCoder.decode(chunk, part: "the upload")
      return
    }
    func raw(verifying: Bool) throws -> [UInt8] {
      let raw = try ChunkChain.raw(base, part: "the upload's base", verifying: verifying) {
        try earlier[$0] ?? ChunkRows.stored(db, $0)
      }
      guard let raw else { throw StoreError.chunkMissing([base]) }
      return raw
    }
    do {
      _ = try ChunkCoder.decode(chunk, base: try raw(verifying: false), part: "the upload")
    } catch let error as CheckpointError {
      _ = try raw(verifying: true)
      throw error
    }
  }
}
