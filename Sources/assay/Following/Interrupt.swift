// Ctrl-C as a stream, in place of the end of the process.

import Dispatch
import Glibc

struct Interrupt {
  /// One element per SIGINT.
  let signals: AsyncStream<Void>
  private let source: any DispatchSourceSignal

  init() {
    signal(SIGINT, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
    signals = AsyncStream { continuation in
      source.setEventHandler { continuation.yield() }
    }
    self.source = source
    source.activate()
  }

  /// Ctrl-C ends the process again.
  func cancel() {
    source.cancel()
    signal(SIGINT, SIG_DFL)
  }
}
