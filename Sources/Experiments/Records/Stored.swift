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

/// What is kept of a training at an epoch.
package enum CheckpointKind: String, Codable, Sendable, CaseIterable {
  /// The whole state: a training can go on from it.
  case checkpoint
  /// The weights alone.
  case snapshot
}

/// Hash and size of content as one file.
package struct ContentSummary: Codable, Sendable, Equatable {
  /// In lower-case hexadecimal digits.
  package var sha256: String
  package var rawBytes: Int64

  package init(sha256: String, rawBytes: Int64) {
    self.sha256 = sha256
    self.rawBytes = rawBytes
  }
}

/// What makes an uploaded set of chunks a checkpoint or a snapshot. Nothing in it depends on when or
/// by which attempt it was made: the same training gives the same hash.
package struct CheckpointManifest: Codable, Sendable, Equatable {
  /// What the names of weights begin with in a whole state.
  package static let weightsPrefix = "model."

  package var kind: CheckpointKind
  package var epoch: Int
  package var step: Int64
  package var tensors: [TensorInfo]
  /// The safetensors `__metadata__`: preprocessing, classes, RNG, spec hash, numerics.
  package var metadata: [String: String]
  /// SHA-256 (hexadecimal) of the whole written as a safetensors file.
  package var sha256: String
  package var rawBytes: Int64
  /// What the weights of a whole state are as a safetensors file of their own, with the same
  /// metadata: with it, a snapshot of the epoch is kept as well, and stays when the state goes.
  package var weights: ContentSummary?

  package init(
    kind: CheckpointKind = .checkpoint, epoch: Int, step: Int64, tensors: [TensorInfo],
    metadata: [String: String], sha256: String, rawBytes: Int64, weights: ContentSummary? = nil
  ) {
    self.kind = kind
    self.epoch = epoch
    self.step = step
    self.tensors = tensors
    self.metadata = metadata
    self.sha256 = sha256
    self.rawBytes = rawBytes
    self.weights = weights
  }

  /// What has no kind is a whole state.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      kind: try container.decodeIfPresent(CheckpointKind.self, forKey: .kind) ?? .checkpoint,
      epoch: try container.decode(Int.self, forKey: .epoch),
      step: try container.decode(Int64.self, forKey: .step),
      tensors: try container.decode([TensorInfo].self, forKey: .tensors),
      metadata: try container.decode([String: String].self, forKey: .metadata),
      sha256: try container.decode(String.self, forKey: .sha256),
      rawBytes: try container.decode(Int64.self, forKey: .rawBytes),
      weights: try container.decodeIfPresent(ContentSummary.self, forKey: .weights))
  }

  /// The snapshot that belongs to a whole state.
  package var snapshot: CheckpointManifest? {
    guard let weights else { return nil }
    return CheckpointManifest(
      kind: .snapshot, epoch: epoch, step: step,
      tensors: tensors.filter { $0.name.hasPrefix(Self.weightsPrefix) }, metadata: metadata,
      sha256: weights.sha256, rawBytes: weights.rawBytes)
  }
}

/// What is kept of one epoch: the whole state if there is one, else the weights.
package struct Checkpoint: Codable, Sendable, Equatable {
  package var id: Int64
  package var runId: Int64
  package var kind: CheckpointKind
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
    id: Int64, runId: Int64, kind: CheckpointKind = .checkpoint, epoch: Int, step: Int64,
    sha256: String, rawBytes: Int64, storedBytes: Int64, tensors: Int, createdAt: Timestamp,
    isBest: Bool, isLatest: Bool
  ) {
    self.id = id
    self.runId = runId
    self.kind = kind
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

/// The hash that a run's whole state had at the end of an epoch, whether it was kept or not.
package struct EpochHash: Codable, Sendable, Equatable {
  package var epoch: Int
  package var step: Int64
  /// SHA-256 (hexadecimal) of the state as a safetensors file.
  package var sha256: String

  package init(epoch: Int, step: Int64, sha256: String) {
    self.epoch = epoch
    self.step = step
    self.sha256 = sha256
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
  /// 4-byte words as differences to those of another chunk: see `WordDifference`.
  case delta4Zstd = "delta4-zstd"
  /// 8-byte words as differences to those of another chunk, folded to be positive; then as
  /// `shuffle8Zstd`.
  case delta8Zstd = "delta8-shuffle8-zstd"

  /// Whether it is the difference to another chunk, its base.
  package var needsBase: Bool {
    switch self {
    case .raw, .zstd, .shuffle4Zstd, .shuffle8Zstd: false
    case .delta4Zstd, .delta8Zstd: true
    }
  }
}
