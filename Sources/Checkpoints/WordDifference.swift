// Codes 4-byte words as differences to the words of a base at the same places.
//
// The difference of two words as integers is folded to a number z that is small where the change was
// small, in either direction. z + 8 is, in binary, a one, three more digits and r further ones. The
// word's *symbol* is 8 r + those three digits; its *rest* is the r further ones. Symbols are few and
// uneven, so zstd's Huffman coding makes them small. Rests are noise and are packed as they are,
// lowest digit first. How much a float's word changes depends on its exponent; so the symbols are
// put into eight groups by the base's exponent (the greatest, the next, …, all others), each of
// which is compressed by itself. The base is known when reading, and with it who is in which group.
//
// Stored, numbers of 4 bytes and little-endian: the greatest exponent; for each group the number of
// its symbols and the size that they are compressed to (0 and 0 where it is empty); the groups; the
// bytes after the last whole word; the rests; and eight bytes of zero, so that a reader may take
// eight at a time.

enum WordDifference {
  static let groups = 8
  private static let headBytes = 4 + 8 * groups
  private static let padding = 8
  /// Bytes that so many take at most, when each group is written with `Zstd.bound`.
  static func bound(_ count: Int) -> Int {
    headBytes + Zstd.bound(count / 4) + groups * 256 + count + padding
  }

  /// Which group each exponent belongs to, and where the group's symbols begin.
  private struct Grouping: ~Copyable {
    /// By exponent: the place of its group's next symbol is `next[group[exponent]]`.
    let group: UnsafeMutablePointer<UInt8>
    let next: UnsafeMutablePointer<Int>
    let greatest: Int
    private(set) var counts: InlineArray<8, Int> = .init(repeating: 0)

    /// For words with this base.
    init(base: UnsafeRawPointer, words: Int) {
      let found = UnsafeMutablePointer<UInt32>.allocate(capacity: 512)
      defer { found.deallocate() }
      found.initialize(repeating: 0, count: 512)
      // Two counts, for a sum that is just being written cannot be read at once.
      for word in stride(from: 0, to: words & ~1, by: 2) {
        let both = base.loadUnaligned(fromByteOffset: 4 &* word, as: UInt64.self)
        found[Int(truncatingIfNeeded: both &>> 23 & 255)] &+= 1
        found[256 &+ Int(truncatingIfNeeded: both &>> 55 & 255)] &+= 1
      }
      if words & 1 == 1 {
        let last = base.loadUnaligned(fromByteOffset: 4 * (words - 1), as: UInt32.self)
        found[Int(last &>> 23 & 255)] &+= 1
      }
      self.init(greatest: (0..<256).last { found[$0] &+ found[256 + $0] > 0 } ?? 0)
      for exponent in 0..<256 {
        counts[Int(group[exponent])] += Int(found[exponent] &+ found[256 + exponent])
      }
      begin()
    }

    /// As stored says; the counts may be wrong, but together they are `words`.
    init?(stored: UnsafeRawBufferPointer, words: Int) {
      func number(_ index: Int) -> Int {
        Int(UInt32(littleEndian: stored.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)))
      }
      self.init(greatest: min(number(0), 255))
      for own in 0..<WordDifference.groups { counts[own] = number(1 + 2 * own) }
      var sum = 0
      for own in 0..<WordDifference.groups { sum += counts[own] }
      guard sum == words else { return nil }
      begin()
    }

    private init(greatest: Int) {
      self.greatest = greatest
      group = .allocate(capacity: 256)
      next = .allocate(capacity: WordDifference.groups)
      next.initialize(repeating: 0, count: WordDifference.groups)
      for exponent in 0..<256 {
        group[exponent] = UInt8(min(max(greatest - exponent, 0), WordDifference.groups - 1))
      }
    }

    private func begin() {
      var start = 0
      for own in 0..<WordDifference.groups {
        next[own] = start
        start += counts[own]
      }
    }

    deinit {
      group.deallocate()
      next.deallocate()
    }

    /// The place of the next symbol of a word whose base is this.
    @inline(__always)
    func place(_ base: UInt32) -> Int {
      let own = Int(group[Int(base &>> 23 & 255)])
      let place = next[own]
      next[own] = place &+ 1
      return place
    }
  }

  @inline(__always)
  static func folded(_ word: UInt32, _ base: UInt32) -> UInt32 {
    let difference = word &- base
    return difference &<< 1 ^ UInt32(bitPattern: Int32(bitPattern: difference) &>> 31)
  }

  /// The symbol of a folded difference, and its rest above which nothing is set.
  @inline(__always)
  static func split(_ folded: UInt32) -> (symbol: UInt8, rest: UInt64, bits: Int) {
    let number = UInt64(folded) &+ 8
    let bits = 60 &- number.leadingZeroBitCount
    let symbol = UInt8(
      truncatingIfNeeded: UInt64(truncatingIfNeeded: bits) &<< 3 | number &>> UInt64(bits) & 7)
    return (symbol, number & (1 &<< UInt64(bits) &- 1), bits)
  }

  /// Number of bytes written.
  /// - Parameters:
  ///   - base: as long as `source`.
  ///   - symbols: working memory of a quarter of `source`.
  ///   - target: `bound` of the source's size.
  static func encode(
    _ source: UnsafeRawBufferPointer, base: UnsafeRawBufferPointer,
    symbols: UnsafeMutableRawBufferPointer, with compressor: borrowing ZstdCompressor,
    into target: UnsafeMutableRawBufferPointer
  ) throws(CheckpointError) -> Int {
    guard let from = source.baseAddress, let old = base.baseAddress,
      let marks = symbols.baseAddress, let rests = target.baseAddress
    else { return 0 }
    let words = source.count / 4
    let grouping = Grouping(base: old, words: words)
    // The rests come last but are known first: they are written to the end of what there is and
    // moved when the size of all before them is known.
    let restsAt = target.count - source.count - padding
    var out = rests + restsAt
    var pending: UInt64 = 0
    var bits = 0
    var unchanged = 0
    for word in 0..<words {
      let before = old.loadUnaligned(fromByteOffset: 4 &* word, as: UInt32.self)
      let now = from.loadUnaligned(fromByteOffset: 4 &* word, as: UInt32.self)
      let part = split(folded(now, before))
      marks.storeBytes(
        of: part.symbol, toByteOffset: grouping.place(before), as: UInt8.self)
      if part.symbol == 0 { unchanged &+= 1 }
      pending |= part.rest &<< UInt64(truncatingIfNeeded: bits)
      bits &+= part.bits
      out.storeBytes(of: pending, as: UInt64.self)
      out += bits &>> 3
      pending &>>= UInt64(truncatingIfNeeded: bits & ~7)
      bits &= 7
    }
    let restBytes = out - (rests + restsAt) + (bits > 0 ? 1 : 0)

    // Where much is unchanged, that comes in runs.
    let effort = unchanged > words / 4 ? ZstdCompressor.Effort.matches : .entropy
    target.storeBytes(of: UInt32(grouping.greatest).littleEndian, as: UInt32.self)
    var position = headBytes
    var first = 0
    for group in 0..<groups {
      let count = grouping.counts[group]
      var size = 0
      if count > 0 {
        size = try compressor.compress(
          UnsafeRawBufferPointer(rebasing: symbols[first..<(first + count)]),
          into: UnsafeMutableRawBufferPointer(
            rebasing: target[position..<(position + Zstd.bound(count))]), effort)
      }
      target.storeBytes(
        of: UInt32(count).littleEndian, toByteOffset: 4 + 8 * group, as: UInt32.self)
      target.storeBytes(of: UInt32(size).littleEndian, toByteOffset: 8 + 8 * group, as: UInt32.self)
      position += size
      first += count
    }
    for index in (4 * words)..<source.count {
      target[position] = source[index]
      position += 1
    }
    (rests + position).copyMemory(from: rests + restsAt, byteCount: restBytes)
    position += restBytes
    for _ in 0..<padding {
      target[position] = 0
      position += 1
    }
    return position
  }

  /// Writes the words that `stored` and `base` give.
  /// - Returns: what is wrong with `stored`, or nil.
  static func decode(
    _ stored: UnsafeRawBufferPointer, base: UnsafeRawBufferPointer,
    with memory: DecodingMemory, into target: UnsafeMutableRawBufferPointer
  ) -> String? {
    guard let bytes = stored.baseAddress, let old = base.baseAddress, let to = target.baseAddress
    else { return "there is nothing" }
    let words = target.count / 4
    let tail = target.count - 4 * words
    guard stored.count >= headBytes + tail + padding else { return "it ends too early" }
    guard let grouping = Grouping(stored: stored, words: words) else {
      return "its groups are not of \(words) words"
    }
    // A wrong count makes a group run into the next one's symbols, or beyond the last of them.
    let marks = memory.symbols(2 * words + 1)
    UnsafeMutableRawBufferPointer(rebasing: marks[words...]).initializeMemory(
      as: UInt8.self, repeating: 0)
    var position = headBytes
    var first = 0
    for group in 0..<groups {
      let size = Int(
        UInt32(littleEndian: stored.loadUnaligned(fromByteOffset: 8 + 8 * group, as: UInt32.self)))
      let count = grouping.counts[group]
      guard size <= stored.count - position, (size == 0) == (count == 0) else {
        return "a group of its differences has a wrong size"
      }
      if count > 0 {
        let result = memory.decompressor.decompress(
          UnsafeRawBufferPointer(rebasing: stored[position..<(position + size)]),
          into: UnsafeMutableRawBufferPointer(rebasing: marks[first..<(first + count)]))
        switch result {
        case .failure(let failure): return failure.reason
        case .success(let written):
          guard written == count else { return "a group has \(written) differences of \(count)" }
        }
      }
      position += size
      first += count
    }
    guard stored.count - position >= tail + padding else { return "it ends too early" }
    for index in 0..<tail { target[4 * words + index] = stored[position + index] }
    position += tail

    let rests = bytes + position
    let restBytes = stored.count - position - padding
    let end = 8 * restBytes
    guard let symbols = marks.baseAddress else { return nil }
    var bit = 0
    for word in 0..<words {
      guard bit <= end else { return "it has fewer bits than its differences need" }
      let before = old.loadUnaligned(fromByteOffset: 4 &* word, as: UInt32.self)
      let symbol = UInt64(
        symbols.load(fromByteOffset: grouping.place(before), as: UInt8.self))
      let count = symbol &>> 3
      let ahead =
        rests.loadUnaligned(fromByteOffset: bit &>> 3, as: UInt64.self)
        &>> UInt64(truncatingIfNeeded: bit & 7)
      bit &+= Int(truncatingIfNeeded: count)
      let number = (8 | symbol & 7) &<< count | ahead & (1 &<< count &- 1)
      let folded = UInt32(truncatingIfNeeded: number &- 8)
      let difference = folded &>> 1 ^ (0 &- (folded & 1))
      to.storeBytes(of: before &+ difference, toByteOffset: 4 &* word, as: UInt32.self)
    }
    guard (bit + 7) / 8 == restBytes else { return "its differences need \(bit) bits" }
    return nil
  }
}
