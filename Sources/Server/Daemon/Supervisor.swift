// Fills the slots with queued jobs, watches their workers, and sees to it that every attempt gets
// its true end. The store has the truth at every moment; what is kept here is only which processes
// are there, and is found again after a restart.

import Experiments
import Jobs
import Logging
import ServiceLifecycle
import Store

actor Supervisor: Service {
  struct Options: Sendable {
    var slots: Int
    var socketPath: String
    /// Holds one folder per attempt.
    var attemptsFolder: String
    var grace: Duration = .seconds(10)
  }

  private struct Worker {
    let jobId: Int64
    let holdsSlot: Bool
    /// Nil between the entry in the store and the start of the process.
    var handle: WorkerHandle?
    var isCancelling = false
    var flushes = 0
  }

  private let store: Store
  private let executor: any Executor
  private let options: Options
  private let ends: AttemptEnds
  private let logger: Logger
  private let pokes: AsyncStream<Void>
  private nonisolated let pokeOnce: AsyncStream<Void>.Continuation
  /// By attempt.
  private var workers: [Int64: Worker] = [:]
  private var isStopping = false
  /// What an ended worker has left is sent by a process, which needs somebody to send it to.
  private var isServing = false
  private var waitingFlushes: [(id: Int64, folder: AttemptFolder)] = []

  init(
    store: Store, executor: any Executor, options: Options, clock: WallClock, logger: Logger
  ) {
    self.store = store
    self.executor = executor
    self.options = options
    self.logger = logger
    (pokes, pokeOnce) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    ends = AttemptEnds(store: store, clock: clock, logger: logger)
  }

  var slotsInUse: Int { workers.values.count { $0.holdsSlot } }

  /// Takes over what an earlier daemon left, then works until the daemon stops. Workers stay.
  func run() async throws {
    try await withGracefulShutdownHandler {
      // Nothing is started before the workers of an earlier daemon are accounted for.
      try await adoptAll()
      poke()
      await withDiscardingTaskGroup { group in
        group.addTask { await self.fillOnPokes() }
        for await exit in executor.exits.cancelOnGracefulShutdown() {
          group.addTask { await self.handle(exit) }
        }
      }
    } onGracefulShutdown: {
      Task { await self.stop() }
    }
  }

  /// Requests are answered from now on.
  func serves() async {
    isServing = true
    let waiting = waitingFlushes
    waitingFlushes = []
    for flush in waiting { await conclude(flush.id, folder: flush.folder, status: nil) }
  }

  /// There may be something to start.
  nonisolated func poke() { pokeOnce.yield() }

  private func stop() { isStopping = true }

  // MARK: Starting

  private func fillOnPokes() async {
    for await _ in pokes.cancelOnGracefulShutdown() where !isStopping {
      do {
        try await fill()
      } catch {
        logger.error("queued jobs cannot be started now: \(error)")
        pokeLater()
      }
    }
  }

  /// The disk may have room then.
  private func pokeLater() {
    Task {
      try? await Task.sleep(for: .seconds(5))  // a sleep that is cut short does no harm
      poke()
    }
  }

  private func fill() async throws {
    let free = options.slots - slotsInUse
    guard free > 0 else { return }
    let waiting = try await store.nextQueued(limit: free)
    let chosen = QueuePolicy.next(
      of: waiting.map { .init(id: $0.id, priority: $0.priority, kind: $0.kind) },
      slots: options.slots, busy: slotsInUse)
    for id in chosen where !isStopping { try await start(job: id) }
  }

  private func start(job id: Int64) async throws {
    let token = AttemptToken.make()
    let folder = options.attemptsFolder
    let begun = try await store.beginAttempt(
      job: id, folder: { "\(folder)/\($0)" }, tokenSHA256: AttemptToken.hash(token))
    guard let begun else { return }
    let attempt = begun.attempt
    workers[attempt.id] = Worker(jobId: id, holdsSlot: QueuePolicy.holdsSlot(begun.job.kind))
    let order = AttemptOrder(
      socketPath: options.socketPath, token: token, attemptId: attempt.id, jobId: id,
      runId: attempt.runId, number: attempt.number, spec: begun.job.spec)
    do {
      let handle = try await executor.start(order, in: AttemptFolder(path: begun.folder))
      logger.info(
        "job \(id) started", metadata: ["attempt": "\(attempt.id)", "pid": "\(handle.process.pid)"])
      // Its end may have been reported already.
      guard workers[attempt.id] != nil else { return }
      workers[attempt.id]?.handle = handle
      if try await store.job(id).cancelRequested { cancel(job: id) }
    } catch {
      logger.error("job \(id) could not be started: \(error)")
      await ends.notStarted(attempt.id, folder: AttemptFolder(path: begun.folder), error)
      forget(attempt.id)
    }
  }

  // MARK: Cancelling

  /// Ends the job's worker, if it has one; returns at once.
  func cancel(job id: Int64) {
    guard
      let (attempt, worker) = workers.first(where: { $0.value.jobId == id }),
      let handle = worker.handle, !worker.isCancelling
    else { return }
    workers[attempt]?.isCancelling = true
    let executor = executor
    let grace = options.grace
    let logger = logger
    Task {
      do {
        try await executor.cancel(handle, grace: grace)
      } catch {
        logger.error("job \(id) could not be cancelled: \(error)")
        self.cancelFailed(attempt)
      }
    }
  }

  private func cancelFailed(_ attempt: Int64) { workers[attempt]?.isCancelling = false }

  // MARK: Ends

  private func adoptAll() async throws {
    for active in try await store.activeAttempts() {
      let id = active.attempt.id
      workers[id] = Worker(
        jobId: active.job.id, holdsSlot: QueuePolicy.holdsSlot(active.job.kind))
      await conclude(id, folder: AttemptFolder(path: active.folder), status: nil)
    }
    await removeOldFolders()
    // Read again: a request may have come while this was going on.
    for active in try await store.activeAttempts() where active.cancelRequested {
      cancel(job: active.job.id)
    }
  }

  private func handle(_ exit: WorkerExit) async {
    if let leftover = exit.leftover {
      logger.warning(
        "attempt \(exit.attemptId) has left something running: \(leftover.message)")
    }
    let folder = AttemptFolder(path: "\(options.attemptsFolder)/\(exit.attemptId)")
    await conclude(
      exit.attemptId, folder: workers[exit.attemptId]?.handle?.folder ?? folder,
      status: exit.status)
  }

  /// Looks what became of an attempt and does what follows.
  private func conclude(_ id: Int64, folder: AttemptFolder, status: ExitStatus?) async {
    switch await found(id, folder) {
    case .alive(let handle):
      workers[id]?.handle = handle
      return
    case .ended(let record):
      if record.unsent, await startFlush(id, folder) { return }
      await ends.ended(id, record, folder: folder)
    case .vanished(let claimed):
      await ends.vanished(id, claimed: claimed, status: status, folder: folder)
    }
    forget(id)
    remove(folder)
  }

  private func found(_ id: Int64, _ folder: AttemptFolder) async -> Adoption {
    do {
      return try await executor.adopt(folder)
    } catch {
      // Its files cannot be read, so nothing is known of what it did.
      logger.error("attempt \(id) cannot be adopted: \(error)")
      return .vanished(claimed: true)
    }
  }

  /// What an ended worker could not send is sent by a process of its own. False: give it up.
  private func startFlush(_ id: Int64, _ folder: AttemptFolder) async -> Bool {
    if isStopping { return true }
    guard isServing else {
      waitingFlushes.append((id, folder))
      return true
    }
    guard let worker = workers[id], worker.flushes < 3 else { return false }
    workers[id]?.flushes += 1
    do {
      workers[id]?.handle = try await executor.flush(folder)
      return true
    } catch {
      logger.error("what attempt \(id) has not sent cannot be sent: \(error)")
      return false
    }
  }

  private func forget(_ id: Int64) {
    workers[id] = nil
    poke()
  }

  private func remove(_ folder: AttemptFolder) {
    do {
      try AttemptFolders.remove(folder)
    } catch {
      logger.warning("\(folder.path) is left behind: \(error)")
    }
  }

  /// Folders of attempts that ended while the daemon was going down.
  private func removeOldFolders() async {
    for (id, folder) in AttemptFolders.all(in: options.attemptsFolder) where workers[id] == nil {
      switch await found(id, folder) {
      case .alive(let handle):
        // It has reported its end and is about to go.
        workers[id] = Worker(jobId: 0, holdsSlot: false, handle: handle)
      case .ended, .vanished: remove(folder)
      }
    }
  }
}
