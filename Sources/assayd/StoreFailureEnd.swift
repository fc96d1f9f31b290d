// Ends the program when a failed sync leaves unknown what is on disk. Nothing that is only in memory
// is needed: the next start begins with what the disk has, and workers go on.

import Dispatch
import Glibc
import Store

enum StoreFailureEnd {
  /// For the answers to those who wait. Well under the second that the end may take.
  private static let pause = DispatchTimeInterval.milliseconds(300)

  /// Returns at once; the process ends soon after, without closing the database, which would write
  /// to it.
  static func end(_ error: StoreError) {
    DispatchQueue.global(qos: .userInteractive).asyncAfter(deadline: .now() + pause) {
      // With the code, which a person at a terminal is not told elsewhere.
      Problem(code: error.code, message: "\(error)", hint: error.hint).print()
      _exit(1)
    }
  }
}
