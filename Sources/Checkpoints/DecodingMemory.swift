// The memory that decoding takes, so that who reads many chunks asks for it once. For one thread at a
// time. What is in it never matters: every use writes before it reads.

package final class DecodingMemory {
  let decompressor = ZstdDecompressor()
  /// A chunk with its bytes shuffled; made when first needed.
  private var words: UnsafeMutableRawBufferPointer?
  /// The symbols of a chunk's differences, and as many again.
  private var marks: UnsafeMutableRawBufferPointer?

  package init() {}

  deinit {
    words?.deallocate()
    marks?.deallocate()
  }

  /// Room for `count` bytes of a chunk, all zero where nothing was written before.
  func shuffled(_ count: Int) -> UnsafeMutableRawBufferPointer {
    Self.room(count, in: &words, atMost: ChunkCoder.maxBytes)
  }

  /// Room for `count` symbols.
  func symbols(_ count: Int) -> UnsafeMutableRawBufferPointer {
    Self.room(count, in: &marks, atMost: ChunkCoder.maxBytes / 2 + 1)
  }

  /// What is wrong with `stored`, which is to give as many bytes as there is room; nil if nothing.
  func decompress(_ stored: [UInt8], into target: UnsafeMutableRawBufferPointer) -> String? {
    switch stored.withUnsafeBytes({ decompressor.decompress($0, into: target) }) {
    case .failure(let failure): failure.reason
    case .success(target.count): nil
    case .success(let count): "it gives \(count) bytes where \(target.count) were stored"
    }
  }

  private static func room(
    _ count: Int, in kept: inout UnsafeMutableRawBufferPointer?, atMost most: Int
  ) -> UnsafeMutableRawBufferPointer {
    if let kept, kept.count >= count { return .init(rebasing: kept[..<count]) }
    kept?.deallocate()
    // A few small chunks need no large memory.
    let size = min(max(4_096, 2 * count), max(most, count))
    let new = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
    new.initializeMemory(as: UInt8.self, repeating: 0)
    kept = new
    return .init(rebasing: new[..<count])
  }
}
