// Encodes chunk after chunk with the same working memory. Tries the codings that fit the type of
// the numbers and keeps the smallest; what does not shrink is stored as it is.

import Experiments

struct ChunkEncoder: ~Copyable {
  // Higher levels look for repetitions, which weights do not have: level 3 made the shuffled bytes of
  // normal float32 weights 1 % larger and took as long.
  private static let level: Int32 = 1

  private let compressor: ZstdCompressor
  private let shuffled: UnsafeMutableRawBufferPointer
  private let compressed: UnsafeMutableRawBufferPointer

  init() throws(CheckpointError) {
    compressor = try ZstdCompressor()
    shuffled = .allocate(byteCount: ChunkCoder.maxBytes, alignment: 64)
    compressed = .allocate(byteCount: Zstd.bound(ChunkCoder.maxBytes), alignment: 64)
  }

  deinit {
    shuffled.deallocate()
    compressed.deallocate()
  }

  /// Encodes `bytes[range]`, at most `ChunkCoder.maxBytes` of them.
  func encode(
    _ bytes: [UInt8], range: Range<Int>, type: TensorType
  ) throws(CheckpointError) -> EncodedChunk {
    guard range.count <= ChunkCoder.maxBytes else { throw .chunkTooLarge(bytes: range.count) }
    return try bytes.withUnsafeBufferPointer { all throws(CheckpointError) in
      try encode(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: all[range])), type: type)
    }
  }

  private func encode(
    _ raw: UnsafeRawBufferPointer, type: TensorType
  ) throws(CheckpointError) -> EncodedChunk {
    var codec = ChunkCodec.raw
    var stored: [UInt8]?
    let width = type.byteCount
    if width > 1 {
      let words = UnsafeMutableRawBufferPointer(rebasing: shuffled[..<raw.count])
      ByteShuffle.shuffle(raw, into: words, width: width)
      if let bytes = try compress(UnsafeRawBufferPointer(words), toLessThan: raw.count) {
        (codec, stored) = (width == 4 ? .shuffle4Zstd : .shuffle8Zstd, bytes)
      }
    }
    if let bytes = try compress(raw, toLessThan: stored?.count ?? raw.count) {
      (codec, stored) = (.zstd, bytes)
    }
    return EncodedChunk(
      sha256: ContentHash.sha256Hex(raw), rawBytes: raw.count, codec: codec,
      stored: stored ?? Array(raw))
  }

  private func compress(
    _ source: UnsafeRawBufferPointer, toLessThan size: Int
  ) throws(CheckpointError) -> [UInt8]? {
    let count = try compressor.compress(source, into: compressed, level: Self.level)
    return count < size ? Array(compressed[..<count]) : nil
  }
}
