// Lets through what comes often, but not more often than anybody wants to see.

import Synchronization

package final class Throttle: Sendable {
  private let pause: Duration
  private let next = Mutex<ContinuousClock.Instant?>(nil)

  package init(pause: Duration) { self.pause = pause }

  /// True the first time, and again once the pause is over.
  package func passes() -> Bool {
    let now = ContinuousClock.now
    return next.withLock { next in
      if let next, now < next { return false }
      next = now + pause
      return true
    }
  }
}
