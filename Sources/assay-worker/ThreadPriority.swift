// Whose turn it is: the training's, before that of what looks after its records.
import Glibc

enum ThreadPriority {
  private static let niceness: Int32 = 5

  /// Lets the training, and everybody else, go before the calling thread, from now on. It still gets
  /// a good share of a processor that is busy, so that records do not pile up.
  static func lower() {
    // It only fails for a thread that is not there.
    _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness)
  }
}
