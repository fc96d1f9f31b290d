// Sums over floats with an explicit SIMD accumulator: the compiler may not reorder float additions
// by itself, and the fixed order here gives the same bits for every alignment.

package enum Reductions {
  /// Σ aᵢ bᵢ
  @inline(__always)
  package static func dot(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int
  ) -> Float {
    var lanes = SIMD8<Float>()
    var i = 0
    while i + 8 <= count {
      lanes += load(a + i) * load(b + i)
      i += 8
    }
    var sum = lanes.sum()
    while i < count {
      sum += a[i] * b[i]
      i += 1
    }
    return sum
  }

  /// Σ |aᵢ|
  package static func sumOfMagnitudes(_ a: UnsafePointer<Float>, count: Int) -> Float {
    var lanes = SIMD8<Float>()
    var i = 0
    while i + 8 <= count {
      let values = load(a + i)
      lanes += values.replacing(with: -values, where: values .< 0)
      i += 8
    }
    var sum = lanes.sum()
    while i < count {
      sum += abs(a[i])
      i += 1
    }
    return sum
  }

  /// Σ aᵢ²
  package static func sumOfSquares(_ a: UnsafePointer<Float>, count: Int) -> Float {
    dot(a, a, count: count)
  }

  /// Whether no value is NaN or infinite.
  package static func allFinite(_ a: UnsafePointer<Float>, count: Int) -> Bool {
    // x · 0 is 0 for finite x only, and a NaN stays in the sum.
    var lanes = SIMD8<Float>()
    var i = 0
    while i + 8 <= count {
      lanes += load(a + i) * 0
      i += 8
    }
    var sum = lanes.sum()
    while i < count {
      sum += a[i] * 0
      i += 1
    }
    return sum == 0
  }

  @inline(__always)
  private static func load(_ pointer: UnsafePointer<Float>) -> SIMD8<Float> {
    UnsafeRawPointer(pointer).loadUnaligned(as: SIMD8<Float>.self)
  }
}
