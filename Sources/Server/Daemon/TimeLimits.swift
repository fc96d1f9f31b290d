// Watches how long attempts take and how long they are silent, and says so when one has gone over
// its limit. How long an attempt runs is reckoned from its start in the store, so a restart of the
// daemon neither ends nor lengthens it; from the first look on it is measured on a clock that nobody
// sets.

import Experiments
import Logging
import Store

actor TimeLimits {
  /// One attempt that has a limit.
  struct Watched: Sendable {
    let attempt: Int64
    let startedAt: Timestamp
    /// When it was last active, if an earlier daemon saw that.
    let activeAt: Timestamp?
    let timeout: TimeSpan?
    let idleTimeout: TimeSpan?
    /// Whether it was started by an earlier daemon, and may have something to tell first.
    let isAdopted: Bool
    /// The limit that it has gone over already.
    let isOver: Bool
  }

  private let store: Store
  private let clock: WallClock
  private let logger: Logger
  private var tasks: [Int64: Task<Void, Never>] = [:]

  /// Between two attempts to end one that does not end.
  private static let patience = Duration.seconds(5)
  /// What a worker has to send after the daemon was away is awaited for that long.
  private static let settling = Duration.seconds(30)

  init(store: Store, clock: WallClock, logger: Logger) {
    self.store = store
    self.clock = clock
    self.logger = logger
  }

  /// - Parameter end: ends the attempt's worker; may be called again and again.
  func watch(_ watched: Watched, end: @escaping @Sendable () async -> Void) {
    guard tasks[watched.attempt] == nil,
      watched.isOver || watched.timeout != nil || watched.idleTimeout != nil
    else { return }
    tasks[watched.attempt] = Task {
      do {
        if !watched.isOver {
          let failure = try await limit(of: watched)
          guard try await note(watched.attempt, failure) else { return }
          logger.warning("attempt \(watched.attempt): \(failure.message)")
        }
        while true {
          await end()
          try await Task.sleep(for: Self.patience)
        }
      } catch {
        // The attempt is over, or the daemon stops: the next one takes the limit up again.
      }
    }
  }

  func forget(_ attempt: Int64) { tasks.removeValue(forKey: attempt)?.cancel() }

  func stop() {
    for task in tasks.values { task.cancel() }
    tasks = [:]
  }

  /// Returns when the attempt has gone over one of its limits.
  private nonisolated func limit(of watched: Watched) async throws -> Failure {
    try await withThrowingTaskGroup(of: Failure.self) { group in
      if let timeout = watched.timeout {
        group.addTask { try await self.wait(for: timeout, of: watched) }
      }
      if let idle = watched.idleTimeout {
        group.addTask { try await self.watchActivity(idle, of: watched) }
      }
      defer { group.cancelAll() }
      guard let failure = try await group.next() else { throw CancellationError() }
      return failure
    }
  }

  private nonisolated func wait(for timeout: TimeSpan, of watched: Watched) async throws
    -> Failure
  {
    let passed = max(0, clock.now().seconds(since: watched.startedAt))
    try await Task.sleep(for: timeout.duration - .seconds(passed))
    return Failure(code: "timeout", message: "it ran for longer than its timeout of \(timeout)")
  }

  private nonisolated func watchActivity(_ idle: TimeSpan, of watched: Watched) async throws
    -> Failure
  {
    let interval = min(max(idle.duration / 8, .milliseconds(50)), .seconds(10))
    let begin = ContinuousClock.now
    let silent = max(
      0, clock.now().seconds(since: max(watched.startedAt, watched.activeAt ?? watched.startedAt)))
    var active = begin - .seconds(silent)
    let earliest = watched.isAdopted ? begin + min(Self.settling, idle.duration) : begin
    var last: Store.Activity?
    while true {
      let activity = try await read(watched.attempt)
      let now = ContinuousClock.now
      if let before = last, before != activity {
        active = now
        try await noteActive(watched.attempt)
      }
      last = activity
      if now - active >= idle.duration, now >= earliest {
        return Failure(
          code: "idle_timeout",
          message: "it gave no output, metric or progress for its idle timeout of \(idle)")
      }
      try await Task.sleep(for: interval)
    }
  }

  private nonisolated func read(_ attempt: Int64) async throws -> Store.Activity {
    while true {
      do {
        return try await store.activity(attempt: attempt)
      } catch let error as StoreError where error.isOfTheMoment {
        try await Task.sleep(for: .seconds(1))
      }
    }
  }

  /// Only for a later daemon: what cannot be written now does not matter.
  private nonisolated func noteActive(_ attempt: Int64) async throws {
    do {
      try await store.noteActive(attempt: attempt, at: clock.now())
    } catch let error as StoreError where error.isOfTheMoment {
      logger.debug("when attempt \(attempt) was active is not kept: \(error)")
    }
  }

  private nonisolated func note(_ attempt: Int64, _ failure: Failure) async throws -> Bool {
    while true {
      do {
        return try await store.noteLimit(attempt: attempt, failure)
      } catch let error as StoreError where error.isOfTheMoment {
        logger.error("that attempt \(attempt) is over its limit cannot be written yet: \(error)")
        try await Task.sleep(for: .seconds(1))
      }
    }
  }
}
