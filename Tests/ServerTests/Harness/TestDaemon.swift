// A real daemon in this process, on a real socket in a folder of its own, with workers that a test
// plays itself.

import Client
import Experiments
import Foundation
import Logging
import Server
import Wire

final class TestDaemon: Sendable {
  let folder: String
  let client: AssayClient
  let workers: PlayedWorkers
  let clock: TestClock
  let daemon: Daemon
  private let running: Task<Void, any Error>

  var socketPath: String { folder + "/s/assay.sock" }
  var dataFolder: String { folder + "/data" }

  /// Runs `body` with a daemon, and removes everything afterwards.
  static func with(
    slots: Int = 2, maxBytes: Int64? = nil, resources: [String: Int] = [:],
    _ body: (TestDaemon) async throws -> Void
  ) async throws {
    try await withFolder { folder in
      try await with(
        folder: folder, slots: slots, maxBytes: maxBytes, resources: resources, body)
    }
  }

  /// The same in a folder that stays, for tests of restarts. `workers` live on between them.
  static func with(
    folder: String, slots: Int = 2, workers: PlayedWorkers = PlayedWorkers(),
    clock: TestClock = TestClock(), maxBytes: Int64? = nil, resources: [String: Int] = [:],
    _ body: (TestDaemon) async throws -> Void
  ) async throws {
    let daemon = try await TestDaemon(
      folder: folder, slots: slots, workers: workers, clock: clock, maxBytes: maxBytes,
      resources: resources)
    do {
      try await body(daemon)
    } catch {
      // What went wrong in the test matters more than how the daemon ends.
      try? await daemon.stop()
      throw error
    }
    try await daemon.stop()
  }

  static func withFolder(_ body: (String) async throws -> Void) async throws {
    let folder =
      FileManager.default.temporaryDirectory.path + "/assay-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await body(folder)
  }

  private init(
    folder: String, slots: Int, workers: PlayedWorkers, clock: TestClock, maxBytes: Int64?,
    resources: [String: Int]
  ) async throws {
    self.folder = folder
    self.workers = workers
    self.clock = clock
    var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    logger.logLevel = .critical
    var configuration = DaemonConfiguration(
      dataFolder: folder + "/data", socketPath: folder + "/s/assay.sock", slots: slots,
      clock: WallClock { clock.now }, logger: logger)
    configuration.maxBytes = maxBytes
    configuration.resources = resources
    let daemon = try Daemon(configuration, executor: workers.newExecutor())
    self.daemon = daemon
    client = AssayClient(socketPath: folder + "/s/assay.sock", timeout: .seconds(20))
    let (ready, isReady) = AsyncStream.makeStream(of: Void.self)
    running = Task {
      defer { isReady.finish() }
      try await daemon.run { isReady.yield() }
    }
    for await _ in ready { return }
    try await running.value
  }

  func stop() async throws {
    daemon.stop()
    try await running.value
    await client.shutdown()
  }
}

/// A clock that a test sets.
final class TestClock: Sendable {
  private let time = Locked(Timestamp(microseconds: 1_800_000_000_000_000))

  var now: Timestamp { time.value }

  func advance(seconds: Double) { time.change { $0 = $0.adding(seconds: seconds) } }
}
