// Content cut into chunks: where the cuts are, what the chunks are called, and each only once.

import Experiments

struct ChunkList {
  private(set) var chunks: [EncodedChunk] = []
  private var known: Set<String> = []

  /// Cuts and encodes `bytes`; gives the names of their chunks in order.
  mutating func append(
    _ bytes: [UInt8], type: TensorType, with encoder: borrowing ChunkEncoder
  ) throws(CheckpointError) -> [String] {
    var names: [String] = []
    for range in Self.ranges(of: bytes.count) {
      let chunk = try encoder.encode(bytes, range: range, type: type)
      names.append(chunk.sha256)
      if known.insert(chunk.sha256).inserted { chunks.append(chunk) }
    }
    return names
  }

  /// All but the last are `ChunkCoder.maxBytes` long; none is empty.
  static func ranges(of count: Int) -> some Sequence<Range<Int>> {
    stride(from: 0, to: count, by: ChunkCoder.maxBytes).lazy.map {
      $0..<($0 + min(ChunkCoder.maxBytes, count - $0))
    }
  }

  /// Whether these can be the names of the chunks of so many bytes.
  static func check(
    names: [String], bytes: Int, field: String
  ) throws(CheckpointError) {
    let need = bytes / ChunkCoder.maxBytes + (bytes.isMultiple(of: ChunkCoder.maxBytes) ? 0 : 1)
    guard names.count == need else {
      throw .manifestInvalid(
        field: field, reason: "\(names.count) chunks where \(bytes) bytes need \(need)")
    }
    for name in names where !ContentHash.isHex(name) {
      throw .manifestInvalid(field: field, reason: "a chunk's name is no SHA-256")
    }
  }

  /// Whether the bytes are those that were asked for.
  static func check(
    _ bytes: [UInt8], count: Int, sha256: String, part: String
  ) throws(CheckpointError) {
    guard bytes.count == count else {
      throw .chunkDamaged(
        sha256: sha256, part: part, reason: "it has \(bytes.count) bytes where \(count) belong")
    }
    let found = ContentHash.sha256Hex(bytes)
    guard found == sha256 else {
      throw .chunkDamaged(
        sha256: sha256, part: part, reason: "its bytes have the SHA-256 \(found)")
    }
  }
}
