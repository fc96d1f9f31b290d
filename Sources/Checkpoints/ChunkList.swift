// Content cut into chunks: where the cuts are, what the chunks are called, and each only once.

import Experiments

/// What a tensor was like in an earlier state that is stored: what a later one may be the difference
/// to.
struct TensorBase: Sendable {
  let bytes: [UInt8]
  let chunks: [String]
  /// How many differences lead from each chunk to one that is whole.
  let depths: [Int]
}

struct ChunkList {
  private(set) var chunks: [EncodedChunk] = []
  /// Of each chunk that is in the list, how many differences lead to one that is whole.
  private var known: [String: Int] = [:]

  /// Cuts and encodes `bytes`; gives the names of their chunks in order.
  mutating func append(
    _ bytes: [UInt8], type: TensorType, with encoder: ChunkEncoder
  ) throws(CheckpointError) -> [String] {
    try append(bytes, type: type, base: nil, chain: 0, with: encoder).chunks
  }

  /// The same, where chunks may be differences to those of `base`. Those that equal the base's are
  /// stored already and do not come into the list.
  /// - Parameter chain: how many differences may lead from a chunk to one that is whole.
  mutating func append(
    _ bytes: [UInt8], type: TensorType, base: TensorBase?, chain: Int,
    with encoder: ChunkEncoder
  ) throws(CheckpointError) -> TensorBase {
    var names: [String] = []
    var depths: [Int] = []
    let base = base.flatMap { $0.bytes.count == bytes.count ? $0 : nil }
    for (index, range) in Self.ranges(of: bytes.count).enumerated() {
      let (name, depth, chunk) = try bytes.withUnsafeBufferPointer { all throws(CheckpointError) in
        let raw = UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: all[range]))
        return try encoded(raw, range, index: index, type: type, base, chain: chain, with: encoder)
      }
      names.append(name)
      depths.append(depth)
      if let chunk {
        known[name] = depth
        chunks.append(chunk)
      }
    }
    return TensorBase(bytes: bytes, chunks: names, depths: depths)
  }

  /// The name of one piece, its depth, and the chunk itself if it is to come into the list.
  private func encoded(
    _ raw: UnsafeRawBufferPointer, _ range: Range<Int>, index: Int, type: TensorType,
    _ base: TensorBase?, chain: Int, with encoder: ChunkEncoder
  ) throws(CheckpointError) -> (name: String, depth: Int, chunk: EncodedChunk?) {
    let name = ContentHash.sha256Hex(raw)
    if let depth = known[name] { return (name, depth, nil) }
    guard let base else { return (name, 0, try encoder.encode(raw, sha256: name, type: type)) }
    let depth = base.depths[index]
    if base.chunks[index] == name { return (name, depth, nil) }
    guard depth < chain else { return (name, 0, try encoder.encode(raw, sha256: name, type: type)) }
    let chunk = try base.bytes.withUnsafeBufferPointer { old throws(CheckpointError) in
      try encoder.encode(
        raw, sha256: name, type: type,
        base: (
          base.chunks[index], UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: old[range]))
        ))
    }
    return (name, chunk.base == nil ? 0 : depth + 1, chunk)
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

  /// Whether the bytes are as many as belong there.
  static func check(
    _ bytes: [UInt8], count: Int, sha256: String, part: String
  ) throws(CheckpointError) {
    guard bytes.count == count else {
      throw .chunkDamaged(
        sha256: sha256, part: part, reason: "it has \(bytes.count) bytes where \(count) belong")
    }
  }

  /// Whether the bytes are those that were asked for.
  static func check(_ bytes: [UInt8], sha256: String, part: String) throws(CheckpointError) {
    let found = ContentHash.sha256Hex(bytes)
    guard found == sha256 else {
      throw .chunkDamaged(
        sha256: sha256, part: part, reason: "its bytes have the SHA-256 \(found)")
    }
  }
}
