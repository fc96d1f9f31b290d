// The named sequences of random numbers that a training draws from. Each is a pure function of the
// run's seed and of its name (purpose, layer, epoch or step), so the generator's whole state is
// the seed and the position of the training, and a resumed run draws the same numbers.

/// One sequence of random numbers; two streams with different names are independent.
package struct RandomStream {
  package enum Purpose: UInt32 {
    case weights = 1
    case shuffle = 2
    case dropout = 3
  }

  private let key: SIMD2<UInt32>
  private var counter: SIMD4<UInt32>
  private var block = SIMD4<UInt32>()
  private var used = 4

  /// The stream of `purpose` for `layer` (below 65,536) at `index`, an epoch or a step.
  package init(seed: Int, purpose: Purpose, layer: Int = 0, index: Int = 0) {
    let seed = UInt64(bitPattern: Int64(seed))
    let index = UInt64(bitPattern: Int64(index))
    key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    counter = SIMD4(
      0, UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: index >> 32),
      purpose.rawValue << 16 | UInt32(truncatingIfNeeded: layer) & 0xFFFF)
  }

  @inline(__always)
  package mutating func nextBlock() -> SIMD4<UInt32> {
    let result = Philox.block(counter, key: key)
    counter.x &+= 1
    return result
  }

  @inline(__always)
  package mutating func nextWord() -> UInt32 {
    if used == 4 {
      block = nextBlock()
      used = 0
    }
    defer { used += 1 }
    return block[used]
  }

  /// Uniform in [0, 1), a multiple of 2⁻³².
  package mutating func nextUniform() -> Double { Double(nextWord()) * 0x1p-32 }

  /// Uniform in 0..<bound without bias (D. Lemire: "Fast Random Integer Generation in an Interval",
  /// 2019).
  package mutating func nextIndex(below bound: UInt32) -> UInt32 {
    var product = UInt64(nextWord()) &* UInt64(bound)
    if UInt32(truncatingIfNeeded: product) < bound {
      let threshold = (0 &- bound) % bound
      while UInt32(truncatingIfNeeded: product) < threshold {
        product = UInt64(nextWord()) &* UInt64(bound)
      }
    }
    return UInt32(truncatingIfNeeded: product >> 32)
  }

  /// Puts `values` into a random order (Fisher–Yates), all orders equally likely.
  package mutating func shuffle(_ values: inout [Int32]) {
    var last = values.count - 1
    while last > 0 {
      values.swapAt(last, Int(nextIndex(below: UInt32(last + 1))))
      last -= 1
    }
  }
}
