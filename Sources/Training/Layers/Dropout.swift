// Dropout as Keras': in training each value is zeroed with probability `rate` and the others are
// divided by 1 − rate; at inference nothing happens. The mask is a function of the seed, the layer
// and the step alone.

package struct Dropout {
  /// Values per row.
  package let width: Int
  /// From 0 to below 1.
  package let rate: Double

  package init(width: Int, rate: Double) {
    self.width = width
    self.rate = rate
  }

  /// output = input · mask, mask = 0 or 1 / (1 − rate); all [rows, width].
  func forward(
    input: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>,
    mask: UnsafeMutablePointer<Float>, rows: Int, random: RandomStream
  ) {
    let count = rows * width
    fill(mask, count: count, random: random)
    for i in 0..<count { output[i] = input[i] * mask[i] }
  }

  /// gradient = gradient · mask in place; both [rows, width].
  func backward(
    gradient: UnsafeMutablePointer<Float>, mask: UnsafePointer<Float>, rows: Int
  ) {
    for i in 0..<(rows * width) { gradient[i] *= mask[i] }
  }

  private func fill(_ mask: UnsafeMutablePointer<Float>, count: Int, random: RandomStream) {
    var random = random
    // A word is below rate · 2³² with probability rate.
    let threshold = UInt32(min(rate * 0x1p32, 0x1p32 - 1))
    let kept = Float(1 / (1 - rate))
    var i = 0
    while i + 4 <= count {
      let words = random.nextBlock()
      for lane in 0..<4 { mask[i + lane] = words[lane] < threshold ? 0 : kept }
      i += 4
    }
    let words = random.nextBlock()
    for lane in 0..<(count - i) { mask[i + lane] = words[lane] < threshold ? 0 : kept }
  }
}
