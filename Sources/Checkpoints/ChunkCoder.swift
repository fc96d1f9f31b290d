// Chunks: pieces of content of at most `Limits.chunkBytes`, named by the SHA-256 of their raw bytes
// and stored in whichever coding is smallest. Decoding gives exactly the bytes of that name or an
// error, and never takes more memory than the raw size it was told.

package import Experiments

/// A chunk as it is stored and sent.
package struct EncodedChunk: Sendable, Equatable {
  /// Of the raw bytes, in lower-case hexadecimal digits.
  package let sha256: String
  package let rawBytes: Int
  package let codec: ChunkCodec
  /// Never more than `rawBytes`.
  package let stored: [UInt8]

  package init(sha256: String, rawBytes: Int, codec: ChunkCodec, stored: [UInt8]) {
    self.sha256 = sha256
    self.rawBytes = rawBytes
    self.codec = codec
    self.stored = stored
  }
}

package enum ChunkCoder {
  /// Raw bytes of one chunk at most.
  package static let maxBytes = Limits.chunkBytes

  /// - Parameter type: of the numbers in `raw`; decides the word size of the shuffle.
  package static func encode(
    _ raw: [UInt8], type: TensorType = .u8
  ) throws(CheckpointError) -> EncodedChunk {
    try ChunkEncoder().encode(raw, range: 0..<raw.count, type: type)
  }

  /// The raw bytes of a stored chunk.
  /// - Parameter part: what the chunk belongs to, for the error, e.g. `tensor "dense_1/kernel"`.
  /// - Throws: `chunk_damaged`, `chunk_too_large`.
  package static func decode(
    _ stored: [UInt8], codec: ChunkCodec, rawBytes: Int, sha256: String, part: String = "the store"
  ) throws(CheckpointError) -> [UInt8] {
    guard (0...maxBytes).contains(rawBytes) else { throw .chunkTooLarge(bytes: rawBytes) }
    func damaged(_ reason: String) -> CheckpointError {
      .chunkDamaged(sha256: sha256, part: part, reason: reason)
    }
    guard codec == .raw ? stored.count == rawBytes : stored.count < rawBytes else {
      throw damaged("\(stored.count) bytes are stored for \(rawBytes)")
    }
    let raw: [UInt8]
    switch codec {
    case .raw: raw = stored
    case .zstd, .shuffle4Zstd, .shuffle8Zstd:
      let result = decompress(stored, rawBytes: rawBytes)
      switch result {
      case .failure(let failure): throw damaged(failure.reason)
      case .success(let bytes):
        guard bytes.count == rawBytes else {
          throw damaged("it gives \(bytes.count) bytes where \(rawBytes) were stored")
        }
        raw = codec == .zstd ? bytes : unshuffle(bytes, width: codec == .shuffle4Zstd ? 4 : 8)
      }
    }
    let found = ContentHash.sha256Hex(raw)
    guard found == sha256 else { throw damaged("its bytes have the SHA-256 \(found)") }
    return raw
  }

  package static func decode(
    _ chunk: EncodedChunk, part: String = "the store"
  ) throws(CheckpointError) -> [UInt8] {
    try decode(
      chunk.stored, codec: chunk.codec, rawBytes: chunk.rawBytes, sha256: chunk.sha256, part: part)
  }

  private static func decompress(_ stored: [UInt8], rawBytes: Int) -> Result<[UInt8], ZstdFailure> {
    var failure: ZstdFailure?
    let bytes = [UInt8](unsafeUninitializedCapacity: rawBytes) { buffer, count in
      let target = UnsafeMutableRawBufferPointer(
        rebasing: UnsafeMutableRawBufferPointer(buffer)[..<rawBytes])
      let result = stored.withUnsafeBytes { Zstd.decompress($0, into: target) }
      switch result {
      case .success(let written): count = written
      case .failure(let reason): failure = reason
      }
    }
    return failure.map { .failure($0) } ?? .success(bytes)
  }

  private static func unshuffle(_ bytes: [UInt8], width: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: bytes.count) { buffer, count in
      let target = UnsafeMutableRawBufferPointer(
        rebasing: UnsafeMutableRawBufferPointer(buffer)[..<bytes.count])
      bytes.withUnsafeBytes { ByteShuffle.unshuffle($0, into: target, width: width) }
      count = bytes.count
    }
  }
}
