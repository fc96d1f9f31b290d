// How far a long verb is, in one line of a terminal; nothing where standard error is none.

import Experiments
import Foundation
import Glibc

struct ProgressMeter: Sendable {
  private let name: String
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let throttle = Throttle(pause: .milliseconds(100))

  init(_ name: String) { self.name = name }

  var show: @Sendable (CareProgress) -> Void {
    { progress in
      guard isTerminal, throttle.passes() else { return }
      let part =
        progress.total > 0 ? " \(progress.done * 100 / progress.total) %" : " \(progress.done)"
      write("\r\u{1B}[K\(name): \(progress.step)\(part)")
    }
  }

  func clear() {
    if isTerminal { write("\r\u{1B}[K") }
  }

  private func write(_ text: String) {
    FileHandle.standardError.write(Data(text.utf8))
  }
}
