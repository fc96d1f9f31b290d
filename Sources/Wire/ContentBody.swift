// Chunks on their way to the daemon, many in one request, with the checkpoint that they make: the body
// of `POST …/content`, of the content type `application/vnd.assay.content`. A line of JSON (this type)
// that ends with a line feed, then the stored bytes of the chunks in its order, with nothing between
// or behind them.

package import Experiments

package struct ContentHeader: Codable, Sendable, Equatable {
  package static let contentType = "application/vnd.assay.content"
  /// Ends the header. In JSON it stands in texts as an escape only.
  package static let end: UInt8 = 0x0A

  package struct Chunk: Codable, Sendable, Equatable {
    /// Of the raw bytes.
    package var sha256: String
    package var rawBytes: Int
    package var codec: ChunkCodec
    /// The chunk that it is the difference to.
    package var base: String?
    /// How many bytes are its own of those that follow the header.
    package var storedBytes: Int

    package init(sha256: String, rawBytes: Int, codec: ChunkCodec, base: String?, storedBytes: Int)
    {
      self.sha256 = sha256
      self.rawBytes = rawBytes
      self.codec = codec
      self.base = base
      self.storedBytes = storedBytes
    }
  }

  package var chunks: [Chunk]
  /// Nil while more chunks are to come first.
  package var checkpoint: CheckpointManifest?
  /// As `POST …/epochs` takes them.
  package var epochs: [EpochHash]?

  package init(chunks: [Chunk], checkpoint: CheckpointManifest?, epochs: [EpochHash]? = nil) {
    self.chunks = chunks
    self.checkpoint = checkpoint
    self.epochs = epochs
  }

  /// Where the bytes of each chunk lie behind the header.
  /// - Parameter count: how many bytes follow the header.
  /// - Returns: nil if those are not as many as the chunks need.
  package func ranges(of count: Int) -> [Range<Int>]? {
    var ranges: [Range<Int>] = []
    var position = 0
    for chunk in chunks {
      guard chunk.storedBytes >= 0, chunk.storedBytes <= count - position else { return nil }
      ranges.append(position..<(position + chunk.storedBytes))
      position += chunk.storedBytes
    }
    return position == count ? ranges : nil
  }
}
