// What decides the last bits of a training besides spec and data: the matrix kernels, their number
// of threads and the C library's functions. Equal fingerprints, equal bits.

import Glibc

package struct NumericsFingerprint: Sendable, Equatable, CustomStringConvertible {
  /// `openblas_get_config()`, which begins with the version.
  package let openBLAS: String
  /// The CPU whose kernels OpenBLAS uses, e.g. `SkylakeX`.
  package let coreName: String
  package let threads: Int
  /// The C library, e.g. `glibc 2.36`.
  package let cLibrary: String
  /// The processor family the program is compiled for, e.g. `x86_64`.
  package let architecture: String

  /// As things are in this process now.
  package static var current: NumericsFingerprint {
    NumericsFingerprint(
      openBLAS: BLAS.buildText, coreName: BLAS.coreName, threads: BLAS.threads,
      cLibrary: cLibraryText, architecture: architectureName)
  }

  package var description: String {
    "\(openBLAS); kernels \(coreName); threads \(threads); \(cLibrary); \(architecture)"
  }

  /// OpenBLAS' version alone, e.g. `0.3.21`.
  package var openBLASVersion: String {
    openBLAS.split(separator: " ").first { $0.first?.isNumber == true }.map(String.init)
      ?? "unknown"
  }

  private static var cLibraryText: String {
    let name = Int32(_CS_GNU_LIBC_VERSION)
    let count = confstr(name, nil, 0)
    guard count > 0 else { return "unknown" }
    return String(
      unsafeUninitializedCapacity: count
    ) { buffer in
      buffer.withMemoryRebound(to: CChar.self) { max(1, confstr(name, $0.baseAddress, count)) - 1 }
    }
  }

  private static var architectureName: String {
    #if arch(x86_64)
      "x86_64"
    #elseif arch(arm64)
      "arm64"
    #else
      "unknown"
    #endif
  }
}
