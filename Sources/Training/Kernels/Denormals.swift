// Numbers too small for float32's normal form count as zero while the network computes, as in
// XLA, which runs Keras' JAX backend. The memories of an optimizer decay into them wherever a unit
// no longer learns, and would make its update several times slower there.

import Glibc

package enum Denormals {
  #if arch(x86_64)
    /// The bits "flush to zero" and "denormals are zero" of the control register MXCSR.
    private static let flags: UInt32 = 0x8040

    /// Runs `body` with denormal numbers taken as zero on this thread, then as before.
    package static func flushed<Result, Failure>(
      _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
      var before = fenv_t()
      fegetenv(&before)
      var during = before
      during.__mxcsr |= flags
      fesetenv(&during)
      defer { fesetenv(&before) }
      return try body()
    }
  #else
    /// Runs `body`; on this architecture denormal numbers are cheap and stay.
    package static func flushed<Result, Failure>(
      _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
      try body()
    }
  #endif
}
