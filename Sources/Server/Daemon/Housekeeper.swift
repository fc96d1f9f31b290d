// Keeps the store in order while the daemon runs: removes for good what was deleted long enough ago,
// a little at a time, sets space for deletions aside again once the disk has some, and gives back
// memory that nobody needs for now.

import Experiments
import Logging
import ServiceLifecycle
import Store

actor Housekeeper: Service {
  private let store: Store
  /// How long a deleted run can be brought back, in seconds.
  private var undoSeconds: Double
  private let clock: WallClock
  private let logger: Logger
  private let bell = ChangeHub()

  private static let pause = Duration.seconds(3600)
  /// A start is no time for work that can wait.
  private static let firstPause = Duration.seconds(10)
  private static let pauseAfterError = Duration.seconds(60)
  /// Whoever asks for a removal mostly asks for the collection as well, and wants to be told of all.
  private static let pauseAfterPoke = Duration.seconds(5)
  /// One collection on request answers within this; the rest is done by the next one.
  private static let requestLimit = Duration.seconds(5)
  private static let spacePause = Duration.milliseconds(500)

  init(store: Store, undoSeconds: Double, clock: WallClock, logger: Logger) {
    self.store = store
    self.undoSeconds = undoSeconds
    self.clock = clock
    self.logger = logger
  }

  func setUndoSeconds(_ seconds: Double) { undoSeconds = seconds }

  /// There is something to remove for good.
  func poke() async { await bell.signal() }

  func run() async throws {
    await cancelWhenGracefulShutdown {
      await withDiscardingTaskGroup { group in
        group.addTask { await self.collectAgainAndAgain() }
        group.addTask { await self.watchSpace() }
      }
    }
  }

  /// What was deleted long enough ago, or, if `now`, all that is deleted.
  func collect(now: Bool, dryRun: Bool) async throws -> GarbageReport {
    let limit = deletedBefore(now: now)
    if dryRun { return try await store.garbage(deletedBefore: limit) }
    return try await store.collectGarbage(
      Store.Collection(deletedBefore: limit, atMost: Self.requestLimit, isGentle: false))
  }

  private func deletedBefore(now: Bool) -> Timestamp {
    now ? clock.now() : clock.now().adding(seconds: -undoSeconds)
  }

  private func collectAgainAndAgain() async {
    var pause = Self.firstPause
    var seen = await bell.version
    while !Task.isCancelled {
      await bell.wait(after: seen, timeout: pause)
      if await bell.version != seen {
        try? await Task.sleep(for: Self.pauseAfterPoke)  // cut short by the end of the daemon
      }
      guard !Task.isCancelled else { return }
      seen = await bell.version
      pause = await collectGently() ? Self.pause : Self.pauseAfterError
    }
  }

  private func collectGently() async -> Bool {
    do {
      let report = try await store.collectGarbage(
        Store.Collection(
          deletedBefore: deletedBefore(now: false), atMost: Self.pause, isGentle: true))
      if report.runs > 0 || report.fileBytes > 0 {
        logger.info(
          "garbage collected",
          metadata: [
            "runs": "\(report.runs)", "points": "\(report.points)", "chunks": "\(report.chunks)",
            "file_bytes": "\(report.fileBytes)",
          ])
      }
      return true
    } catch is CancellationError {
      return true
    } catch {
      logger.error("garbage cannot be collected now: \(error)")
      return false
    }
  }

  /// Whoever was refused for want of space may write again soon after there is some.
  private func watchSpace() async {
    var mayWrite = true
    var memory = IdleMemory()
    while !Task.isCancelled {
      let may = await store.recoverSpace()
      if may != mayWrite {
        logger.warning(
          may
            ? "there is room on the disk again" : "the disk is full: only deletions are written")
      }
      mayWrite = may
      memory.tick(store)
      try? await Task.sleep(for: Self.spacePause)  // cut short by the end of the daemon
    }
  }
}
