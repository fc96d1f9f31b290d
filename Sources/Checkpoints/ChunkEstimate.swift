// Guesses from some of a chunk's words how small each coding would make it, so that only those that
// are worth it are tried. A wrong guess costs some bytes, never the content.

import Experiments

struct ChunkEstimate {
  /// Bits per word with the bytes shuffled, from how uneven the bytes at each place are.
  let shuffledBits: Double
  /// Bits per word as differences to the base; infinite without one.
  let differenceBits: Double
  /// Whether all bytes but the highest of each word look like noise.
  let hasNoisyTail: Bool

  private static let samples = 2048

  /// - Parameter base: as long as `words`, or nil.
  init(words: UnsafeRawBufferPointer, base: UnsafeRawBufferPointer?) {
    let count = words.count / 4
    let step = max(1, count / Self.samples)
    let seen = (count + step - 1) / step
    // Four counts of bytes by their place, and one of the differences' symbols.
    let found = UnsafeMutablePointer<UInt32>.allocate(capacity: 5 * 256)
    defer { found.deallocate() }
    found.initialize(repeating: 0, count: 5 * 256)
    var rests = 0
    for word in stride(from: 0, to: count, by: step) {
      let now = words.loadUnaligned(fromByteOffset: 4 * word, as: UInt32.self)
      for place in 0..<4 { found[256 * place + Int(now &>> UInt32(8 * place) & 255)] += 1 }
      if let base {
        let before = base.loadUnaligned(fromByteOffset: 4 * word, as: UInt32.self)
        let part = WordDifference.split(WordDifference.folded(now, before))
        found[4 * 256 + Int(part.symbol)] += 1
        rests += part.bits
      }
    }
    let bits = (0..<5).map { Self.entropy(found + 256 * $0, seen) }
    shuffledBits = bits[..<4].reduce(0, +)
    differenceBits = base == nil ? .infinity : bits[4] + Double(rests) / Double(max(1, seen))
    hasNoisyTail = seen >= 1024 && bits[..<3].allSatisfy { $0 > 7 }
  }

  /// Shannon's, in bits, of 256 counts.
  private static func entropy(_ counts: UnsafeMutablePointer<UInt32>, _ total: Int) -> Double {
    var sum = 0.0
    for value in 0..<256 where counts[value] > 0 {
      let part = Double(counts[value]) / Double(total)
      sum -= part * Self.log2(part)
    }
    return sum
  }

  /// Exact to a thousandth, which is enough for a guess and needs no library.
  private static func log2(_ value: Double) -> Double {
    let part = value.significand
    let x = (part - 1) / (part + 1)
    let square = x * x
    let series = 1 + square * (1.0 / 3 + square * (1.0 / 5 + square * (1.0 / 7)))
    return Double(value.exponent) + 2 * x * series / 0.693147180559945
  }
}
