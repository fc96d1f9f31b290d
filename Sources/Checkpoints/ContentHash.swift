// SHA-256 as lower-case hexadecimal text: the name of every piece of content.

import Crypto

package struct ContentHash {
  private var hasher = SHA256()

  package init() {}

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    hasher.update(bufferPointer: bytes)
  }

  package mutating func update(_ bytes: some Collection<UInt8>) {
    let done: Void? = bytes.withContiguousStorageIfAvailable {
      hasher.update(bufferPointer: UnsafeRawBufferPointer($0))
    }
    if done == nil { hasher.update(data: Array(bytes)) }
  }

  /// 64 digits; more bytes may be added afterwards.
  package var hex: String { Self.hex(of: hasher.finalize()) }

  package static func sha256Hex(_ bytes: UnsafeRawBufferPointer) -> String {
    var hash = ContentHash()
    hash.update(bytes)
    return hash.hex
  }

  package static func sha256Hex(_ bytes: some Collection<UInt8>) -> String {
    var hash = ContentHash()
    hash.update(bytes)
    return hash.hex
  }

  /// The hash of the text's UTF-8.
  package static func sha256Hex(_ text: String) -> String { sha256Hex(text.utf8) }

  /// Whether `text` has the form of a hash: 64 lower-case hexadecimal digits.
  package static func isHex(_ text: String) -> Bool {
    text.utf8.count == 64
      && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
  }

  private static func hex(of digest: SHA256.Digest) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(unsafeUninitializedCapacity: 2 * SHA256.byteCount) { text in
      var end = 0
      for byte in digest {
        text[end] = digits[Int(byte >> 4)]
        text[end + 1] = digits[Int(byte & 15)]
        end += 2
      }
      return end
    }
  }
}
