// A view that is drawn over itself until it is over: q and Ctrl-C end it. The terminal gives single
// keys meanwhile and is as before afterwards.

import Dispatch
import Glibc

enum LiveView {
  /// - Returns: whether `body` came to its end by itself.
  static func run(_ body: @escaping @Sendable () async throws -> Void) async throws -> Bool {
    let interrupt = Interrupt()
    let signals = interrupt.signals
    let keys = KeyPresses()
    let pressed = keys.keys
    defer {
      keys.end()
      interrupt.cancel()
    }
    return try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask {
        try await body()
        return true
      }
      group.addTask {
        for await _ in signals { return false }
        try await Task.sleep(for: .seconds(1 << 30))
        return false
      }
      group.addTask {
        for await key in pressed where key == UInt8(ascii: "q") { return false }
        // There is no terminal to press a key on.
        try await Task.sleep(for: .seconds(1 << 30))
        return false
      }
      defer { group.cancelAll() }
      return try await group.next() ?? false
    }
  }
}

/// Keys as they are pressed, unseen; none if the input is no terminal.
private struct KeyPresses {
  let keys: AsyncStream<UInt8>
  private let source: (any DispatchSourceRead)?
  private let before: termios?

  init() {
    var state = termios()
    guard isatty(STDIN_FILENO) == 1, tcgetattr(STDIN_FILENO, &state) == 0 else {
      source = nil
      before = nil
      keys = AsyncStream { $0.finish() }
      return
    }
    before = state
    state.c_lflag &= ~tcflag_t(ICANON | ECHO)
    tcsetattr(STDIN_FILENO, TCSANOW, &state)
    let source = DispatchSource.makeReadSource(fileDescriptor: STDIN_FILENO, queue: .global())
    keys = AsyncStream { continuation in
      source.setEventHandler {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(STDIN_FILENO, &bytes, bytes.count)
        if count == 0 { continuation.finish() }
        for byte in bytes.prefix(max(0, count)) { continuation.yield(byte) }
      }
    }
    self.source = source
    source.activate()
  }

  func end() {
    source?.cancel()
    if var before { tcsetattr(STDIN_FILENO, TCSANOW, &before) }
  }
}
