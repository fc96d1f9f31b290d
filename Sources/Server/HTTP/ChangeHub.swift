// Tells everyone who waits that the store has changed. Changes are counted, so a waiter that was
// busy meanwhile sees at once that it missed one.

actor ChangeHub {
  private(set) var version: UInt64 = 0
  private var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
  private var nextWaiter: UInt64 = 0

  /// Something changed.
  func signal() {
    version += 1
    let woken = waiters.values
    waiters = [:]
    for waiter in woken { waiter.resume() }
  }

  /// Returns when the version is another one than `seen`, after the time, or when the task is
  /// cancelled.
  func wait(after seen: UInt64, timeout: Duration) async {
    guard version == seen, !Task.isCancelled else { return }
    let id = nextWaiter
    nextWaiter += 1
    let timer = Task { [weak self] in
      // Cancelled when it is of no more use.
      try? await Task.sleep(for: timeout)
      await self?.wake(id)
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { waiters[id] = $0 }
    } onCancel: {
      Task { await self.wake(id) }
    }
    timer.cancel()
  }

  private func wake(_ id: UInt64) {
    waiters.removeValue(forKey: id)?.resume()
  }
}
