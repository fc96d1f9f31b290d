// Finds runs that live by a lease and have fallen silent. A program can only be heard while a daemon
// runs and the machine is awake, so only that time counts against a lease.

import Experiments
import Logging
import ServiceLifecycle
import Store

struct LeaseKeeper: Service {
  let store: Store
  let clock: WallClock
  let logger: Logger

  private static let pause = Duration.seconds(1)
  private static let pauseAfterError = Duration.seconds(30)
  /// A sleep of the machine; anything shorter is only two clocks read one after the other.
  private static let asleep = Duration.seconds(2)

  func run() async throws {
    await cancelWhenGracefulShutdown {
      var heardSince = clock.now()
      var awake = Awake()
      while !Task.isCancelled {
        if awake.slept() > Self.asleep { heardSince = clock.now() }
        let pause = await lapse(heardSince: heardSince) ? Self.pause : Self.pauseAfterError
        try? await Task.sleep(for: pause)  // cut short by the end of the daemon
      }
    }
  }

  private func lapse(heardSince: Timestamp) async -> Bool {
    do {
      for run in try await store.lapseLeases(heardSince: heardSince) {
        logger.warning("run \(run) is lost: its lease has lapsed")
      }
      return true
    } catch is CancellationError {
      return true
    } catch {
      logger.error("lapsed leases cannot be ended now: \(error)")
      return false
    }
  }
}

/// Two clocks of which one stands still while the machine sleeps.
private struct Awake {
  private var always = ContinuousClock.now
  private var awake = SuspendingClock.now

  /// How long the machine has slept since it was last asked.
  mutating func slept() -> Duration {
    let (always, awake) = (ContinuousClock.now, SuspendingClock.now)
    defer { (self.always, self.awake) = (always, awake) }
    return self.always.duration(to: always) - self.awake.duration(to: awake)
  }
}
