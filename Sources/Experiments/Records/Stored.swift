// Checkpoints and artifacts: named, hashed content made of chunks.

/// One tensor of a checkpoint: its place in the raw content is given by its chunks, in order.
package struct TensorInfo: Codable, Sendable, Equatable {
  package var name: String
  /// As in safetensors: `F32`, `F64`, `I64`, `U64`, `U8`.
  package var dtype: String
  package var shape: [Int]
  /// SHA-256 (hexadecimal) of the raw bytes of each chunk; all but the last are
  /// `Limits.chunkBytes` long.
  package var chunks: [String]

  package init(name: String, dtype: String, shape: [Int], chunks: [String]) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.chunks = chunks
  }
}

/// What makes an uploaded set of chunks a checkpoint. Nothing in it depends on when or by which
/// attempt it was made: the same training gives the same hash.
package struct CheckpointManifest: Codable, Sendable, Equatable {
  package var epoch: Int
  package var step: Int64
  package var tensors: [TensorInfo]
  /// The safetensors `__metadata__`: preprocessing, classes, RNG, spec hash, numerics.
  package var metadata: [String: String]
  /// SHA-256 (hexadecimal) of the whole checkpoint written as a safetensors file.
  package var sha256: String
  package var rawBytes: Int64

  package init(
    epoch: Int, step: Int64, tensors: [TensorInfo], metadata: [String: String], sha256: String,
    rawBytes: Int64
  ) {
    self.epoch = epoch
    self.step = step
    self.tensors = tensors
    self.metadata = metadata
    self.sha256 = sha256
    self.rawBytes = rawBytes
  }
}

package struct Checkpoint: Codable, Sendable, Equatable {
  package var id: Int64
  package var runId: Int64
  package var epoch: Int
  package var step: Int64
  package var sha256: String
  package var rawBytes: Int64
  /// Bytes of its chunks as stored, shared ones counted in full.
  package var storedBytes: Int64
  package var tensors: Int
  package var createdAt: Timestamp
  /// Whether it is the best by the run's policy, and the newest.
  package var isBest: Bool
  package var isLatest: Bool

  package init(
    id: Int64, runId: Int64, epoch: Int, step: Int64, sha256: String, rawBytes: Int64,
    storedBytes: Int64, tensors: Int, createdAt: Timestamp, isBest: Bool, isLatest: Bool
  ) {
    self.id = id
    self.runId = runId
    self.epoch = epoch
    self.step = step
    self.sha256 = sha256
    self.rawBytes = rawBytes
    self.storedBytes = storedBytes
    self.tensors = tensors
    self.createdAt = createdAt
    self.isBest = isBest
    self.isLatest = isLatest
  }
}

package struct ArtifactManifest: Codable, Sendable, Equatable {
  /// Relative, `/`-separated, without `.` or `..`.
  package var path: String
  package var mediaType: String
  package var chunks: [String]
  package var sha256: String
  package var bytes: Int64

  package init(path: String, mediaType: String, chunks: [String], sha256: String, bytes: Int64) {
    self.path = path
    self.mediaType = mediaType
    self.chunks = chunks
    self.sha256 = sha256
    self.bytes = bytes
  }
}

package struct Artifact: Codable, Sendable, Equatable {
  package var id: Int64
  package var runId: Int64
  package var path: String
  package var mediaType: String
  package var sha256: String
  package var bytes: Int64
  package var createdAt: Timestamp

  package init(
    id: Int64, runId: Int64, path: String, mediaType: String, sha256: String, bytes: Int64,
    createdAt: Timestamp
  ) {
    self.id = id
    self.runId = runId
    self.path = path
    self.mediaType = mediaType
    self.sha256 = sha256
    self.bytes = bytes
    self.createdAt = createdAt
  }
}

/// How a chunk's bytes are stored.
package enum ChunkCodec: String, Codable, Sendable, CaseIterable {
  case raw
  case zstd
  /// Bytes of 4-byte words regrouped by their place in the word, then zstd.
  case shuffle4Zstd = "shuffle4-zstd"
  case shuffle8Zstd = "shuffle8-zstd"
}
