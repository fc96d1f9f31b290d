// Delivers events to hooks. What is to be delivered stands in the store before anything is sent, and
// stays there until it is over, so a daemon that stops at any moment goes on at its next start: each
// delivery is made at least once. Nothing waits for it.

import Experiments
import Foundation
import Hooks
import Logging
import ServiceLifecycle
import Store

actor HookService: Service {
  private let store: Store
  private let clock: WallClock
  private let logger: Logger
  private let environment: [String: String]
  private let directory: String
  private let bell = ChangeHub()
  /// Hooks that are at it: each makes one delivery at a time.
  private var busy: Set<Int64> = []

  private static let mostAtOnce = 8
  /// Attempts of one delivery: the pauses between them add up to about half an hour.
  static let attempts = 12
  private static let longestPause = 600.0
  private static let pause = Duration.milliseconds(20)
  private static let idle = Duration.seconds(30)
  private static let waiting = Duration.milliseconds(500)

  init(store: Store, clock: WallClock, directory: String, socketPath: String, logger: Logger) {
    self.store = store
    self.clock = clock
    self.directory = directory
    self.logger = logger
    var environment = ProcessInfo.processInfo.environment
    for name in environment.keys where Self.isOfTheServiceManager(name) { environment[name] = nil }
    environment["ASSAY_SOCKET"] = socketPath
    self.environment = environment
  }

  private static func isOfTheServiceManager(_ name: String) -> Bool {
    ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "MAINPID", "INVOCATION_ID"].contains(name)
      || name.hasPrefix("LISTEN_")
  }

  /// Something may have happened.
  func poke() async { await bell.signal() }

  func run() async throws {
    let post = HookPost()
    await cancelWhenGracefulShutdown {
      await withDiscardingTaskGroup { group in
        while !Task.isCancelled {
          let seen = await self.bell.version
          let pause = await self.look(post, &group)
          // Many changes in quick succession are looked at together.
          try? await Task.sleep(for: Self.pause)  // cut short by the end of the daemon
          await self.bell.wait(after: seen, timeout: pause)
        }
        // A command under way is killed and a call cut off; both are tried again at the next start.
        group.cancelAll()
      }
    }
    await post.shutdown()
  }

  /// Makes deliveries of what has happened and begins those that are due.
  /// - Returns: when to look again if nothing happens.
  private func look(_ post: HookPost, _ group: inout DiscardingTaskGroup) async -> Duration {
    do {
      while try await store.makeDeliveries() {}
      let (due, next) = try await store.dueDeliveries(limit: 1_000)
      for delivery in due where busy.count < Self.mostAtOnce && !busy.contains(delivery.hookId) {
        busy.insert(delivery.hookId)
        group.addTask { await self.deliver(delivery, post) }
      }
      return next == nil ? Self.idle : Self.waiting
    } catch is CancellationError {
      return Self.waiting
    } catch {
      logger.error("hooks cannot be served now: \(error)")
      return .seconds(5)
    }
  }

  private func deliver(_ delivery: Store.DueDelivery, _ post: HookPost) async {
    let attempt = delivery.attempts + 1
    do {
      let pause = min(pow(2, Double(attempt - 1)), Self.longestPause)
      let next = clock.now().adding(seconds: pause)
      if try await store.beginDelivery(delivery.id, next: next) {
        let outcome = await call(delivery, post)
        let isLast = attempt >= Self.attempts && !Task.isCancelled
        if let error = outcome.error {
          logger.warning(
            "hook \(delivery.hook.name) failed: \(error)",
            metadata: ["delivery": "\(delivery.uid)", "attempt": "\(attempt)"])
        }
        try await store.endDelivery(
          delivery.id, answer: outcome.answer, error: outcome.error, isLast: isLast)
      }
    } catch is CancellationError {
      // The next daemon goes on.
    } catch {
      logger.error("delivery \(delivery.id) cannot be recorded now: \(error)")
    }
    busy.remove(delivery.hookId)
    await bell.signal()
  }

  private func call(_ delivery: Store.DueDelivery, _ post: HookPost) async -> HookOutcome {
    let hook = delivery.hook
    let payload = HookPayload(deliveryId: delivery.uid, hook: hook.name, event: delivery.event)
    let timeout = Duration.seconds(hook.timeoutSeconds)
    if let url = hook.url {
      return await post.call(
        url, payload, secretFile: hook.secretFile, now: clock.now(), timeout: timeout)
    }
    return await HookCommand(
      command: hook.command ?? "", timeout: timeout, environment: environment,
      directory: directory
    ).run(payload)
  }
}
