// The body of `POST …/content`, taken apart.

import Checkpoints
import Experiments
import NIOCore
import Wire

struct ContentUpload: Sendable {
  /// Bytes of one such body: that of any request, and a chunk more, so that one always fits.
  static let limit = Limits.requestBytes + Limits.chunkBytes

  let chunks: [EncodedChunk]
  let checkpoint: CheckpointManifest?
  let epochs: [EpochHash]

  /// - Throws: `bad_json`.
  init(_ body: ByteBuffer) throws {
    let bytes = body.readableBytesView
    guard let end = bytes.firstIndex(of: ContentHeader.end) else {
      throw ServerError.badJSON(field: nil, reason: "no line feed ends the header")
    }
    let header = try APIRequest.decode(ContentHeader.self, from: bytes[..<end])
    let start = bytes.index(after: end)
    guard let ranges = header.ranges(of: bytes.endIndex - start) else {
      throw ServerError.badJSON(
        field: "chunks.stored_bytes",
        reason: "they make another number than the \(bytes.endIndex - start) bytes that follow")
    }
    chunks = zip(header.chunks, ranges).map { chunk, range in
      EncodedChunk(
        sha256: chunk.sha256, rawBytes: chunk.rawBytes, codec: chunk.codec, base: chunk.base,
        stored: Array(bytes[(start + range.lowerBound)..<(start + range.upperBound)]))
    }
    checkpoint = header.checkpoint
    epochs = header.epochs ?? []
  }
}
