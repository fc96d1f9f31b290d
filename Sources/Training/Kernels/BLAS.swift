// The only file that calls OpenBLAS: single-precision products of dense row-major matrices, and the
// library's settings. Dimensions are at least 1 and fit in 31 bits.

import COpenBLAS

package enum BLAS {
  /// c = a · b with a [m, k], b [k, n], c [m, n]; what c held does not matter.
  @inline(__always)
  package static func multiply(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>,
    m: Int, n: Int, k: Int
  ) {
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(m), blasint(n), blasint(k), 1, a,
      blasint(k), b, blasint(n), 0, c, blasint(n))
  }

  /// c = aᵀ · b with a [k, m], b [k, n], c [m, n]; what c held does not matter.
  @inline(__always)
  package static func multiply(
    transposed a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
    into c: UnsafeMutablePointer<Float>, m: Int, n: Int, k: Int
  ) {
    cblas_sgemm(
      CblasRowMajor, CblasTrans, CblasNoTrans, blasint(m), blasint(n), blasint(k), 1, a,
      blasint(m), b, blasint(n), 0, c, blasint(n))
  }

  /// c = a · bᵀ with a [m, k], b [n, k], c [m, n]; what c held does not matter.
  @inline(__always)
  package static func multiply(
    _ a: UnsafePointer<Float>, transposed b: UnsafePointer<Float>,
    into c: UnsafeMutablePointer<Float>, m: Int, n: Int, k: Int
  ) {
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, blasint(m), blasint(n), blasint(k), 1, a,
      blasint(k), b, blasint(k), 0, c, blasint(n))
  }

  /// Threads that a product may use, a setting of the whole process.
  static var threads: Int {
    get { Int(openblas_get_num_threads()) }
    set {
      if newValue != threads { openblas_set_num_threads(blasint(max(1, newValue))) }
    }
  }

  /// Version and build options, e.g. `OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH … MAX_THREADS=64`.
  /// Asked for once: the library writes it into one buffer, which two threads at once spoil.
  static let buildText: String =
    openblas_get_config().map { String(cString: $0) } ?? "unknown"

  /// The CPU whose kernels are in use, e.g. `Haswell`.
  static var coreName: String {
    openblas_get_corename().map { String(cString: $0) } ?? "unknown"
  }
}
