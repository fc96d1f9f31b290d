// Differences of 8-byte words as integers, folded so that small changes in either direction are
// small numbers. The bytes after the last whole word stay as they are.

enum LongDifference {
  /// All three are of one size.
  static func fold(
    _ source: UnsafeRawBufferPointer, base: UnsafeRawBufferPointer,
    into target: UnsafeMutableRawBufferPointer
  ) {
    let whole = source.count & ~7
    for place in stride(from: 0, to: whole, by: 8) {
      let difference =
        source.loadUnaligned(fromByteOffset: place, as: UInt64.self)
        &- base.loadUnaligned(fromByteOffset: place, as: UInt64.self)
      let folded = difference &<< 1 ^ UInt64(bitPattern: Int64(bitPattern: difference) &>> 63)
      target.storeBytes(of: folded, toByteOffset: place, as: UInt64.self)
    }
    for place in whole..<source.count { target[place] = source[place] }
  }

  /// Takes back `fold`, in place.
  static func unfold(
    _ words: UnsafeMutableRawBufferPointer, base: UnsafeRawBufferPointer
  ) {
    for place in stride(from: 0, to: words.count & ~7, by: 8) {
      let folded = words.loadUnaligned(fromByteOffset: place, as: UInt64.self)
      let difference = folded &>> 1 ^ (0 &- (folded & 1))
      words.storeBytes(
        of: base.loadUnaligned(fromByteOffset: place, as: UInt64.self) &+ difference,
        toByteOffset: place, as: UInt64.self)
    }
  }
}
