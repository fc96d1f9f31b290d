// What the routes work with: the store and the daemon's actors, made once by `Daemon`.

import Experiments
import Store

struct Core: Sendable {
  let store: Store
  let supervisor: Supervisor
  let scheduler: Scheduler
  let housekeeper: Housekeeper
  let hooks: HookService
  let alerts: AlertWatch
  let reloading: Reloading
  let judge: Judge
  let changes: ChangeHub
  let workshop: Workshop
  let meter: RequestMeter
  let clock: WallClock
  let facts: DaemonFacts

  /// The run that a name means.
  func oneRun(_ name: String) async throws -> Int64 {
    let ids = try await store.resolveRuns([name])
    guard ids.count == 1, let id = ids.first else {
      throw ServerError.oneRunNeeded(name: name, runs: ids.count)
    }
    return id
  }

  /// The same for what tells by itself that there is no such run: a number is taken as it is.
  func givenRun(_ name: String) async throws -> Int64 {
    if name.utf8.count < 19, name.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let id = Int64(name)
    {
      return id
    }
    return try await oneRun(name)
  }
}

/// What the daemon says about itself.
struct DaemonFacts: Sendable {
  let pid: Int64
  let startedAt: Timestamp
  let socketPath: String
  let dataFolder: String
  let libraries: [String: String]
}
