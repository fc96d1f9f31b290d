// Four floats at once, for loops that the compiler cannot vectorise by itself: Swift's square root
// becomes a call of the C library, which may set errno. The root is correctly rounded either way.

#if arch(x86_64)
  import _Builtin_intrinsics.intel.sse
#endif

typealias Lanes = SIMD4<Float>

extension SIMD4<Float> {
  static let laneCount = 4

  @inline(__always)
  static func load(_ pointer: UnsafePointer<Float>) -> Lanes {
    UnsafeRawPointer(pointer).loadUnaligned(as: Lanes.self)
  }

  @inline(__always)
  func store(to pointer: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: self, as: Lanes.self)
  }

  @inline(__always)
  var root: Lanes {
    #if arch(x86_64)
      _mm_sqrt_ps(self)
    #else
      squareRoot()
    #endif
  }
}
