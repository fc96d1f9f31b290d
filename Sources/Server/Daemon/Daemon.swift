// The daemon as a whole: its locks, its store, and the services that run until it is told to stop.

package import Experiments
import Foundation
import Glibc
import HTTPTypes
package import Jobs
package import Logging
import ServiceLifecycle
package import Store
import Synchronization
package import Wire

package struct DaemonConfiguration: Sendable {
  /// Absolute.
  package var dataFolder: String
  package var socketPath: String
  /// Jobs that run at once.
  package var slots: Int
  package var clock: WallClock
  package var logger: Logger
  /// How long a deleted run can be brought back.
  package var undoSeconds = 30.0 * 86_400
  /// How large the store may become before it takes no more checkpoints and artifacts; nil: without
  /// limit.
  package var maxBytes: Int64?
  /// What jobs may hold of the machine, counted: `gpu`: 2.
  package var resources: [String: Int] = [:]
  /// Where to listen on TCP, for those who have the token in the data folder; nil: nowhere.
  package var listen: ListenAddress?
  /// Reads the settings anew; what it returns is taken over.
  package var reload: (@Sendable () throws -> (LiveSettings, ReloadReport))?
  /// Called when the daemon begins to stop.
  package var onStopping: @Sendable () -> Void = {}
  /// Called at once when nobody knows any more what is on disk: nothing is acknowledged from then
  /// on, and `run` throws this error.
  package var onStoreFailure: @Sendable (StoreError) -> Void = { _ in }

  package init(
    dataFolder: String, socketPath: String, slots: Int, clock: WallClock, logger: Logger
  ) {
    self.dataFolder = dataFolder
    self.socketPath = socketPath
    self.slots = slots
    self.clock = clock
    self.logger = logger
  }
}

package struct Daemon: Sendable {
  private let configuration: DaemonConfiguration
  private let lock: DaemonLock
  private let store: Store
  private let storeFailure: StoreFailure
  private let socket: SocketFile
  private let stopSignals: StopSignals
  private let core: Core
  /// For TCP.
  private let token: String?
  private let endpoints: [Endpoint]

  /// Takes the locks and opens the store. Sets the process's umask to 0077.
  /// - Throws: `ServerError` (`daemon_already_running`, `folder_unusable`, `folder_open`,
  ///   `socket_path_taken`), `JobsError`, `StoreError`, `PlacesError`.
  package init(_ configuration: DaemonConfiguration, executor: any Executor) throws {
    umask(0o077)
    _ = try Places.checkedSocket(configuration.socketPath)
    self.configuration = configuration
    lock = try DaemonLock(
      dataFolder: configuration.dataFolder, socketPath: configuration.socketPath)
    try Self.makeAttemptsFolder(Self.attemptsFolder(configuration))
    let failure = StoreFailure()
    storeFailure = failure
    store = try Store(
      folder: configuration.dataFolder, clock: configuration.clock, keepsReserve: true,
      maxBytes: configuration.maxBytes,
      onFailure: { error in
        failure.report(error)
        configuration.onStoreFailure(error)
      })
    socket = SocketFile(path: configuration.socketPath)
    token = try configuration.listen.map { _ in
      try TokenFile.token(dataFolder: configuration.dataFolder)
    }
    stopSignals = StopSignals(
      socket: socket, logger: configuration.logger, onStopping: configuration.onStopping)
    core = Self.makeCore(configuration, store, executor)
    endpoints = Routes.all(core)
  }

  /// Every route as `METHOD PATH`, with its query parameters.
  package var routes: [String: [String]] {
    Dictionary(
      uniqueKeysWithValues: endpoints.map { ("\($0.method.rawValue) \($0.path)", $0.query) })
  }

  /// Returns once the parts that everything depends on have shown that they are at work.
  package func answers() async {
    _ = await core.supervisor.slotsInUse
    await store.answers()
  }

  /// Makes `run` return: no new requests, running ones finish.
  package func stop() { stopSignals.stop("asked to") }

  /// Runs until one of the signals arrives or `stop` is called; once only. Workers go on.
  /// - Parameter onReady: called once requests are answered.
  /// - Throws: what made it stop otherwise.
  package func run(
    stopOn signals: [Int32] = [], reloadOn reloadSignals: [Int32] = [],
    onReady: @escaping @Sendable () async -> Void = {}
  ) async throws {
    let logger = configuration.logger
    let sources =
      await stopSignals.listen(to: signals) + core.reloading.listen(to: reloadSignals)
    defer { for source in sources { source.cancel() } }
    let supervisor = core.supervisor
    func http(
      _ door: HTTPService.Door, onReady: @escaping @Sendable () async -> Void
    ) -> HTTPService {
      HTTPService(
        door: door,
        router: APIRouter(endpoints: endpoints, workshop: core.workshop, meter: core.meter),
        meter: core.meter, store: store, clock: core.clock, changes: core.changes, logger: logger,
        onReady: onReady)
    }
    let ready = Countdown(from: configuration.listen == nil ? 1 : 2)
    let doorOpen: @Sendable () async -> Void = {
      guard ready.isLast() else { return }
      await supervisor.serves()
      await onReady()
    }
    var doors = [http(.socket(socket), onReady: doorOpen)]
    if let listen = configuration.listen, let token {
      doors.append(http(.address(listen, token: token), onReady: doorOpen))
    }
    // Stopped in the opposite order: first no new requests.
    let services: [any Service] =
      [
        storeFailure, ChangePump(core: core), core.housekeeper, core.supervisor, core.scheduler,
        LeaseKeeper(store: store, clock: core.clock, logger: logger), core.hooks, core.alerts,
      ] + doors
    var group = ServiceGroupConfiguration(
      services: services.map {
        .init(
          service: Guarded(service: $0, stopSignals: stopSignals),
          successTerminationBehavior: .ignore)
      }, logger: logger)
    group.services.append(
      .init(service: stopSignals, successTerminationBehavior: .gracefullyShutdownGroup))
    // Whoever still reads an endless answer then is cut off.
    group.maximumGracefulShutdownDuration = .seconds(10)
    let result: Result<Void, any Error>
    do {
      result = .success(try await ServiceGroup(configuration: group).run())
    } catch {
      result = .failure(error)
    }
    await store.close()
    if let failure = stopSignals.failure { throw failure }
    try result.get()
  }

  private static func makeCore(
    _ configuration: DaemonConfiguration, _ store: Store, _ executor: any Executor
  ) -> Core {
    let workshop = Workshop(label: "server.workshop")
    let judge = Judge(store: store, workshop: workshop)
    let clock = configuration.clock
    let supervisor = Supervisor(
      store: store, executor: executor,
      options: Supervisor.Options(
        slots: configuration.slots, socketPath: configuration.socketPath,
        attemptsFolder: attemptsFolder(configuration),
        resources: Resources(configuration.resources)),
      clock: clock, logger: configuration.logger)
    let housekeeper = Housekeeper(
      store: store, undoSeconds: configuration.undoSeconds, clock: clock,
      logger: configuration.logger)
    return Core(
      store: store, supervisor: supervisor,
      scheduler: Scheduler(
        store: store, judge: judge, clock: clock, logger: configuration.logger),
      housekeeper: housekeeper,
      hooks: HookService(
        store: store, clock: clock, directory: configuration.dataFolder,
        socketPath: configuration.socketPath, logger: configuration.logger),
      alerts: AlertWatch(
        store: store, supervisor: supervisor, clock: clock, logger: configuration.logger),
      reloading: Reloading(
        supervisor: supervisor, housekeeper: housekeeper, store: store,
        read: configuration.reload, logger: configuration.logger),
      judge: judge, changes: ChangeHub(), workshop: workshop, meter: RequestMeter(),
      clock: clock,
      facts: DaemonFacts(
        pid: Int64(getpid()), startedAt: clock.now(), socketPath: configuration.socketPath,
        dataFolder: configuration.dataFolder,
        libraries: Libraries.versions(store)))
  }

  private static func attemptsFolder(_ configuration: DaemonConfiguration) -> String {
    configuration.dataFolder + "/attempts"
  }

  private static func makeAttemptsFolder(_ path: String) throws {
    guard mkdir(path, 0o700) != 0, errno != EEXIST else { return }
    throw ServerError.folder(path: path, reason: String(cString: strerror(errno)))
  }
}

/// Tells the last one of several.
private final class Countdown: Sendable {
  private let left: Mutex<Int>

  init(from count: Int) { left = Mutex(count) }

  func isLast() -> Bool {
    left.withLock { left in
      left -= 1
      return left == 0
    }
  }
}

/// Passes each change of the store on to those who wait for one.
private struct ChangePump: Service {
  let core: Core

  func run() async throws {
    for await change in core.store.changes().cancelOnGracefulShutdown() {
      await core.changes.signal()
      await core.alerts.note(change)
      // Points and logs are no events.
      if change.isEverything || !change.kinds.isSubset(of: [.metrics, .progress, .logs]) {
        await core.hooks.poke()
      }
      if change.isEverything || change.kinds.contains(.jobs) {
        core.supervisor.poke()
        await core.scheduler.poke()
      } else if change.kinds.contains(.schedules) {
        await core.scheduler.poke()
      }
    }
  }
}

/// Ends the daemon when the store no longer knows what is on disk: the next one begins with what
/// the disk has.
private final class StoreFailure: Service {
  private let stream: AsyncStream<StoreError>
  private let continuation: AsyncStream<StoreError>.Continuation

  init() { (stream, continuation) = AsyncStream.makeStream() }

  func report(_ error: StoreError) { continuation.yield(error) }

  func run() async throws {
    for await error in stream.cancelOnGracefulShutdown() { throw error }
  }
}
