// Encodes chunk after chunk with the same working memory. Tries the codings that promise something
// and keeps the smallest; what does not shrink is stored as it is. For one thread at a time.

import Experiments

package final class ChunkEncoder {
  /// Below this size every coding is tried: a guess would cost as much.
  private static let smallBytes = 16 << 10
  /// How much of a chunk is compressed as it is, to see whether that is worth it for the whole.
  private static let probeBytes = 32 << 10

  private let compressor: ZstdCompressor
  private let words: UnsafeMutableRawBufferPointer
  private let symbols: UnsafeMutableRawBufferPointer
  private let rooms: (UnsafeMutableRawBufferPointer, UnsafeMutableRawBufferPointer)

  package init() throws(CheckpointError) {
    compressor = try ZstdCompressor()
    words = .allocate(byteCount: ChunkCoder.maxBytes, alignment: 64)
    symbols = .allocate(byteCount: ChunkCoder.maxBytes / 4, alignment: 64)
    let room = max(2 * Zstd.bound(ChunkCoder.maxBytes), WordDifference.bound(ChunkCoder.maxBytes))
    rooms = (.allocate(byteCount: room, alignment: 64), .allocate(byteCount: room, alignment: 64))
  }

  deinit {
    words.deallocate()
    symbols.deallocate()
    rooms.0.deallocate()
    rooms.1.deallocate()
  }

  /// The smallest coding so far, and room for the next one to try.
  private struct Trials {
    var codec = ChunkCodec.raw
    var size: Int
    var kept: UnsafeMutableRawBufferPointer
    var room: UnsafeMutableRawBufferPointer

    mutating func take(_ codec: ChunkCodec, _ size: Int) {
      guard size < self.size else { return }
      (self.codec, self.size) = (codec, size)
      swap(&kept, &room)
    }
  }

  /// Encodes at most `ChunkCoder.maxBytes`.
  /// - Parameters:
  ///   - sha256: the name of `raw`.
  ///   - base: another chunk of as many bytes, which is stored; one of another size is not used.
  func encode(
    _ raw: UnsafeRawBufferPointer, sha256: String, type: TensorType,
    base: (sha256: String, bytes: UnsafeRawBufferPointer)? = nil
  ) throws(CheckpointError) -> EncodedChunk {
    guard raw.count <= ChunkCoder.maxBytes else { throw .chunkTooLarge(bytes: raw.count) }
    var trials = Trials(size: raw.count, kept: rooms.0, room: rooms.1)
    let base = base.flatMap { $0.bytes.count == raw.count ? $0 : nil }
    switch type.byteCount {
    case 4:
      if try words4(raw, base: base?.bytes, &trials) { try plain(raw, &trials) }
    case 8:
      try words8(raw, base: base?.bytes, &trials)
      try plain(raw, &trials)
    default: try plain(raw, always: type.byteCount == 1, &trials)
    }
    return EncodedChunk(
      sha256: sha256, rawBytes: raw.count, codec: trials.codec,
      base: trials.codec.needsBase ? base?.sha256 : nil,
      stored: trials.codec == .raw ? Array(raw) : Array(trials.kept[..<trials.size]))
  }

  /// - Returns: whether the bytes as they are may be smaller still.
  private func words4(
    _ raw: UnsafeRawBufferPointer, base: UnsafeRawBufferPointer?, _ trials: inout Trials
  ) throws(CheckpointError) -> Bool {
    let estimate = ChunkEstimate(words: raw, base: base)
    let isSmall = raw.count < Self.smallBytes
    if let base, isSmall || estimate.differenceBits < estimate.shuffledBits + 0.5 {
      trials.take(
        .delta4Zstd,
        try WordDifference.encode(
          raw, base: base, symbols: symbols, with: compressor, into: trials.room))
      if !isSmall && estimate.differenceBits < 0.97 * estimate.shuffledBits {
        return !estimate.hasNoisyTail
      }
    }
    let shuffled = UnsafeMutableRawBufferPointer(rebasing: words[..<raw.count])
    ByteShuffle.shuffle(raw, into: shuffled, width: 4)
    guard estimate.hasNoisyTail else {
      trials.take(
        .shuffle4Zstd,
        try compressor.compress(UnsafeRawBufferPointer(shuffled), into: trials.room, .matches))
      return true
    }
    // Two frames: noise, which is soon left as it is, and the highest bytes of the words (sign and
    // exponent), which are worth two attempts.
    let start = raw.count / 4 * 3
    let noise = try compressor.compress(
      UnsafeRawBufferPointer(rebasing: shuffled[..<start]), into: trials.room, .noise)
    let high = UnsafeRawBufferPointer(rebasing: shuffled[start...])
    let bound = Zstd.bound(high.count)
    let first = UnsafeMutableRawBufferPointer(rebasing: trials.room[noise..<(noise + bound)])
    let second = UnsafeMutableRawBufferPointer(
      rebasing: trials.room[(noise + bound)..<(noise + 2 * bound)])
    var size = try compressor.compress(high, into: first, .entropy)
    let matches = try compressor.compress(high, into: second, .matches)
    if matches < size {
      first.copyMemory(from: UnsafeRawBufferPointer(rebasing: second[..<matches]))
      size = matches
    }
    trials.take(.shuffle4Zstd, noise + size)
    // Noise may still come again, in rows that are equal.
    return true
  }

  private func words8(
    _ raw: UnsafeRawBufferPointer, base: UnsafeRawBufferPointer?, _ trials: inout Trials
  ) throws(CheckpointError) {
    let shuffled = UnsafeMutableRawBufferPointer(rebasing: words[..<raw.count])
    if let base {
      let differences = UnsafeMutableRawBufferPointer(rebasing: trials.room[..<raw.count])
      LongDifference.fold(raw, base: base, into: differences)
      ByteShuffle.shuffle(UnsafeRawBufferPointer(differences), into: shuffled, width: 8)
      trials.take(
        .delta8Zstd,
        try compressor.compress(UnsafeRawBufferPointer(shuffled), into: trials.room, .matches))
    }
    ByteShuffle.shuffle(raw, into: shuffled, width: 8)
    trials.take(
      .shuffle8Zstd,
      try compressor.compress(UnsafeRawBufferPointer(shuffled), into: trials.room, .matches))
  }

  private func plain(
    _ raw: UnsafeRawBufferPointer, always: Bool = false, _ trials: inout Trials
  ) throws(CheckpointError) {
    if !always && raw.count > 2 * Self.probeBytes {
      let middle = raw.count / 2
      let probe = UnsafeRawBufferPointer(rebasing: raw[middle..<(middle + Self.probeBytes)])
      let size = try compressor.compress(probe, into: trials.room, .matches)
      // In proportion: a whole that is but a little better than its probe is worth the attempt.
      guard Double(size) * Double(raw.count) < 1.1 * Double(trials.size) * Double(probe.count)
      else { return }
    }
    trials.take(.zstd, try compressor.compress(raw, into: trials.room, .matches))
  }
}
