// Chunks: pieces of content of at most `Limits.chunkBytes`, named by the SHA-256 of their raw bytes
// and stored in whichever coding is smallest, some of them as the difference to another chunk, their
// base. Decoding gives exactly the bytes of that name or an error, and never takes more memory than
// the raw size it was told.

package import Experiments

/// A chunk as it is stored and sent.
package struct EncodedChunk: Sendable, Equatable {
  /// Of the raw bytes, in lower-case hexadecimal digits.
  package let sha256: String
  package let rawBytes: Int
  package let codec: ChunkCodec
  /// The name of the chunk that this one is the difference to, for the codecs that need one.
  package let base: String?
  /// Never more than `rawBytes`.
  package let stored: [UInt8]

  package init(
    sha256: String, rawBytes: Int, codec: ChunkCodec, base: String? = nil, stored: [UInt8]
  ) {
    self.sha256 = sha256
    self.rawBytes = rawBytes
    self.codec = codec
    self.base = base
    self.stored = stored
  }
}

package enum ChunkCoder {
  /// Raw bytes of one chunk at most.
  package static let maxBytes = Limits.chunkBytes

  /// - Parameters:
  ///   - type: of the numbers in `raw`; decides the word size of the shuffle.
  ///   - base: the raw bytes of a stored chunk that this may be the difference to.
  package static func encode(
    _ raw: [UInt8], type: TensorType = .u8, base: [UInt8]? = nil
  ) throws(CheckpointError) -> EncodedChunk {
    let encoder = try ChunkEncoder()
    let names = (ContentHash.sha256Hex(raw), base.map { ContentHash.sha256Hex($0) })
    return try raw.withUnsafeBufferPointer { raw throws(CheckpointError) in
      try (base ?? []).withUnsafeBufferPointer { base throws(CheckpointError) in
        try encoder.encode(
          UnsafeRawBufferPointer(raw), sha256: names.0, type: type,
          base: names.1.map { ($0, UnsafeRawBufferPointer(base)) })
      }
    }
  }

  /// The raw bytes of a stored chunk.
  /// - Parameters:
  ///   - base: the raw bytes of the chunk that this one is the difference to.
  ///   - verifying: whether the hash is compared. Only who compares that of a whole instead may
  ///     leave it out.
  ///   - part: what the chunk belongs to, for the error, e.g. `tensor "dense_1/kernel"`.
  ///   - memory: what several calls may share.
  /// - Throws: `chunk_damaged`, `chunk_too_large`.
  package static func decode(
    _ stored: [UInt8], codec: ChunkCodec, rawBytes: Int, sha256: String, base: [UInt8]? = nil,
    verifying: Bool = true, part: String = "the store", memory: DecodingMemory = DecodingMemory()
  ) throws(CheckpointError) -> [UInt8] {
    guard (0...maxBytes).contains(rawBytes) else { throw .chunkTooLarge(bytes: rawBytes) }
    func damaged(_ reason: String) -> CheckpointError {
      .chunkDamaged(sha256: sha256, part: part, reason: reason)
    }
    guard codec == .raw ? stored.count == rawBytes : stored.count < rawBytes else {
      throw damaged("\(stored.count) bytes are stored for \(rawBytes)")
    }
    if codec.needsBase {
      guard let base else { throw damaged("it is a difference, and its base is missing") }
      guard base.count == rawBytes else {
        throw damaged("it is the difference of \(rawBytes) bytes to \(base.count)")
      }
    }
    var reason: String?
    let raw: [UInt8]
    switch codec {
    case .raw: raw = stored
    case .zstd:
      raw = filled(rawBytes) { reason = memory.decompress(stored, into: $0) }
    case .shuffle4Zstd, .shuffle8Zstd, .delta8Zstd:
      raw = filled(rawBytes) { target in
        let shuffled = memory.shuffled(rawBytes)
        reason = memory.decompress(stored, into: shuffled)
        ByteShuffle.unshuffle(
          UnsafeRawBufferPointer(shuffled), into: target, width: codec == .shuffle4Zstd ? 4 : 8)
        if codec == .delta8Zstd {
          base?.withUnsafeBytes { LongDifference.unfold(target, base: $0) }
        }
      }
    case .delta4Zstd:
      raw = filled(rawBytes) { target in
        reason = stored.withUnsafeBytes { stored in
          (base ?? []).withUnsafeBytes {
            WordDifference.decode(stored, base: $0, with: memory, into: target)
          }
        }
      }
    }
    if let reason { throw damaged(reason) }
    if verifying {
      let found = ContentHash.sha256Hex(raw)
      guard found == sha256 else { throw damaged("its bytes have the SHA-256 \(found)") }
    }
    return raw
  }

  package static func decode(
    _ chunk: EncodedChunk, base: [UInt8]? = nil, part: String = "the store"
  ) throws(CheckpointError) -> [UInt8] {
    try decode(
      chunk.stored, codec: chunk.codec, rawBytes: chunk.rawBytes, sha256: chunk.sha256, base: base,
      part: part)
  }

  /// An array of so many bytes, which `fill` writes or finds a reason not to.
  private static func filled(
    _ count: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void
  ) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, written in
      let target = UnsafeMutableRawBufferPointer(
        rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count])
      fill(target)
      written = count
    }
  }
}
