// Fills the slots with queued jobs, watches their workers, and sees to it that every attempt gets
// its true end. The store has the truth at every moment; what is kept here is only which processes
// are there, and is found again after a restart.

import Experiments
import Foundation
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
    var resources = Resources()
  }

  struct Worker {
    let jobId: Int64
    var holdsSlot: Bool
    /// What it takes of the machine while it holds a slot or serves; nil for one that only clears up.
    var place: QueueSituation.Running?
    var handedOut: [String: [Int]] = [:]
    /// Nil between the entry in the store and the start of the process.
    var handle: WorkerHandle?
    var isCancelling = false
    /// How the process that did the work ended.
    var status: ExitStatus?
    /// Whether what it has left will never be taken.
    var isRefused = false
    /// Looks and flushes in a row that came to nothing.
    var failures = 0
  }

  let store: Store
  private let executor: any Executor
  private(set) var options: Options
  /// What is counted and handed out.
  nonisolated let resources: Resources
  private let ends: AttemptEnds
  let limits: TimeLimits
  let clock: WallClock
  let logger: Logger
  private let secrets: SecretFiles
  /// Removes folders, which may be large.
  private let files = BlockingQueue("assay.old-folders")
  private let pokes: AsyncStream<Void>
  private nonisolated let pokeOnce: AsyncStream<Void>.Continuation
  /// By attempt.
  var workers: [Int64: Worker] = [:]
  private var isStopping = false
  /// What an ended worker has left is sent by a process, which needs somebody to send it to.
  private var isServing = false
  private var waitingFlushes: [Int64] = []
  /// Starts in a row that failed for want of disk or processes, and when the next one may be tried.
  private var failedStarts = 0
  private var nextStart = ContinuousClock.now
  /// When a pause that a job waits for is looked at again.
  var wakeUpAt: ContinuousClock.Instant?

  init(
    store: Store, executor: any Executor, options: Options, clock: WallClock, logger: Logger
  ) {
    self.store = store
    self.executor = executor
    self.options = options
    resources = options.resources
    secrets = SecretFiles(
      dataFolder: (options.attemptsFolder as NSString).deletingLastPathComponent)
    self.logger = logger
    (pokes, pokeOnce) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    self.clock = clock
    ends = AttemptEnds(store: store, clock: clock, logger: logger)
    limits = TimeLimits(store: store, clock: clock, logger: logger)
  }

  var slots: Int { options.slots }

  /// What runs goes on, also beyond a smaller number.
  func setSlots(_ slots: Int) {
    options.slots = slots
    poke()
  }

  var slotsInUse: Int { workers.values.count { $0.holdsSlot } }

  /// What each attempt's worker and all it has started take now; one that cannot be told is left out.
  func usage() async -> [Int64: WorkerUsage] {
    var usage: [Int64: WorkerUsage] = [:]
    for (id, worker) in workers {
      guard let handle = worker.handle, handle.task == .work else { continue }
      do {
        usage[id] = try await executor.describe(handle)
      } catch {
        logger.debug("what attempt \(id) uses is not known: \(error)")
      }
    }
    return usage
  }

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
    for id in waiting { await conclude(id) }
  }

  /// There may be something to start.
  nonisolated func poke() { pokeOnce.yield() }

  private func stop() async {
    isStopping = true
    await limits.stop()
  }

  // MARK: Starting

  private func fillOnPokes() async {
    for await _ in pokes.cancelOnGracefulShutdown() where !isStopping {
      do {
        try await fill()
      } catch {
        logger.error("queued jobs cannot be started now: \(error)")
        pokeLater(.seconds(5))
      }
    }
  }

  /// There may be room on the disk, or for a process, then.
  func pokeLater(_ pause: Duration) {
    Task {
      try? await Task.sleep(for: pause)  // a sleep that is cut short does no harm
      poke()
    }
  }

  private var mayStart: Bool { !isStopping && ContinuousClock.now >= nextStart }

  private func fill() async throws {
    try await settleWaiting()
    guard mayStart else { return }
    let free = options.slots - slotsInUse
    guard free > 0 else { return }
    for job in try await chosen(free) where mayStart { try await start(job) }
  }

  private func start(_ candidate: Store.Candidate) async throws {
    guard let handedOut = free(candidate.resources) else { return }
    let id = candidate.id
    let token = AttemptToken.make()
    let folder = options.attemptsFolder
    let begun = try await store.beginAttempt(
      job: id, as: candidate, resources: handedOut, folder: { "\(folder)/\($0)" },
      tokenSHA256: AttemptToken.hash(token))
    guard let begun else { return }
    let attempt = begun.attempt
    workers[attempt.id] = Worker(
      jobId: id, holdsSlot: QueuePolicy.holdsSlot(begun.job.kind),
      place: .init(QueuePolicy.Queued(candidate)), handedOut: handedOut)
    var values: [String: String]?
    do {
      values = try secrets.values(of: begun.job.uid)
    } catch {
      // The runner says which ones are missing.
      logger.error("the secrets of job \(id) cannot be read: \(error)")
    }
    let order = AttemptOrder(
      socketPath: options.socketPath, token: token, attemptId: attempt.id, jobId: id,
      runId: attempt.runId, number: attempt.number, spec: begun.job.spec, secrets: values,
      environment: options.resources.environment(handedOut))
    let handle: WorkerHandle
    do {
      handle = try await executor.start(order, in: self.folder(attempt.id))
    } catch {
      logger.error("job \(id) could not be started: \(error)")
      return await notStarted(attempt.id, error)
    }
    failedStarts = 0
    logger.info(
      "job \(id) started", metadata: ["attempt": "\(attempt.id)", "pid": "\(handle.process.pid)"])
    // Its end may have been reported already.
    guard let worker = workers[attempt.id], worker.handle == nil else { return }
    workers[attempt.id]?.handle = handle
    await watch(attempt, of: begun.job)
    do {
      if try await store.job(id).cancelRequested { cancel(job: id) }
    } catch {
      logger.error("whether job \(id) was cancelled while it started is not known: \(error)")
    }
  }

  private func notStarted(_ id: Int64, _ error: any Error) async {
    let folder = folder(id)
    let passes = AttemptEnds.passes(error)
    if passes {
      // Set before the job is back in the queue, so that it is not taken from there at once.
      let pause = Self.pause(after: failedStarts, atFirst: .seconds(1), atMost: .seconds(60))
      failedStarts += 1
      nextStart = .now + pause
      pokeLater(pause)
    }
    guard await ends.notStarted(id, folder: folder, error) else { return }
    workers[id] = nil
    if !passes { poke() }
    // A folder that was there before is not this attempt's.
    if case .attemptFolderExists? = error as? JobsError { return }
    await remove(folder)
  }

  /// Doubles with each failure in a row.
  private static func pause(
    after failures: Int, atFirst first: Duration, atMost most: Duration
  ) -> Duration {
    min(first * (1 << min(failures, 10)), most)
  }

  // MARK: Cancelling

  /// Ends the job's worker, if it has one; returns at once. What sends the records of one that has
  /// ended goes on.
  func cancel(job id: Int64) {
    // An earlier attempt of the job may not have been cleared away yet.
    let newest = workers.filter { $0.value.jobId == id }.max { $0.key < $1.key }
    guard
      let (attempt, worker) = newest, let handle = worker.handle, handle.task == .work,
      !worker.isCancelling
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
        jobId: active.job.id, holdsSlot: QueuePolicy.holdsSlot(active.job.kind),
        place: .init(QueuePolicy.Queued(active.job)), handedOut: active.attempt.resources ?? [:])
      await conclude(id)
      if workers[id]?.handle?.task == .work {
        await watch(
          active.attempt, of: active.job, activeAt: active.activeAt ?? active.heartbeatAt,
          isAdopted: true, isOver: active.limit != nil)
      }
    }
    await removeOldFolders()
    // Read again: a request may have come while this was going on.
    for active in try await store.activeAttempts() where active.cancelRequested {
      cancel(job: active.job.id)
    }
  }

  private func folder(_ id: Int64) -> AttemptFolder {
    AttemptFolder(path: "\(options.attemptsFolder)/\(id)")
  }

  private func handle(_ exit: WorkerExit) async {
    let id = exit.attemptId
    if let leftover = exit.leftover {
      logger.warning("attempt \(id) has left something running: \(leftover.message)")
    }
    switch exit.task {
    case .work:
      workers[id]?.status = exit.status
      await limits.forget(id)
    case .flush where exit.status == .code(Self.refusedExit): workers[id]?.isRefused = true
    case .flush: break
    }
    await conclude(id, afterFlush: exit.task == .flush)
  }

  /// With what a flushing process says that the records will never be taken.
  private static let refusedExit = 2

  /// Looks what became of an attempt and does what follows. Its folder stays until the store knows
  /// its end.
  private func conclude(_ id: Int64, afterFlush: Bool = false) async {
    let folder = folder(id)
    let isRefused = workers[id]?.isRefused ?? false
    // Refused because it is over already: then there is nothing worth keeping.
    let isKept = isRefused ? await ends.isActive(id) : false
    let isEnded: Bool
    switch await found(id, folder) {
    case nil: return again(id)
    case .alive(let handle):
      workers[id]?.handle = handle
      return
    case .ended(let record):
      if record.unsent, !isRefused { return await send(id, folder, afterFlush: afterFlush) }
      isEnded =
        record.unsent
        ? await ends.refused(
          id, record, folder: folder, keptAt: AttemptFolders.refusedPath(folder))
        : await ends.ended(id, record, folder: folder)
    case .vanished(let claimed):
      if claimed, !isRefused, AttemptFolders.holdRecords(folder) {
        return await send(id, folder, afterFlush: afterFlush)
      }
      isEnded = await ends.vanished(
        id, claimed: claimed, status: workers[id]?.status, folder: folder)
    }
    guard isEnded else { return }
    await limits.forget(id)
    forget(id)
    do {
      try await secrets.removeOld(store)
    } catch {
      logger.error("old secrets cannot be removed: \(error)")
    }
    if isKept { setAside(folder) } else { await remove(folder) }
  }

  /// Nil if it cannot be told now.
  private func found(_ id: Int64, _ folder: AttemptFolder) async -> Adoption? {
    do {
      return try await executor.adopt(folder)
    } catch let error as JobsError {
      logger.error("attempt \(id) cannot be looked at: \(error.message)")
      // Its files will never tell what it did; of anything else it is not to blame.
      if case .damaged = error { return .vanished(claimed: true) }
      return nil
    } catch {
      logger.error("attempt \(id) cannot be looked at: \(error)")
      return nil
    }
  }

  /// What an ended worker could not send is sent by a process of its own, as often as it takes: the
  /// records exist nowhere else.
  private func send(_ id: Int64, _ folder: AttemptFolder, afterFlush: Bool) async {
    if isStopping { return }
    guard isServing else { return waitingFlushes.append(id) }
    if afterFlush { return againWithoutSlot(id) }
    do {
      let handle = try await executor.flush(folder)
      workers[id]?.handle = handle
    } catch {
      logger.error("what attempt \(id) has not sent cannot be sent now: \(error)")
      if case .damaged? = error as? JobsError {
        // Without its order nobody can.
        workers[id]?.isRefused = true
      }
      againWithoutSlot(id)
    }
  }

  /// Its work is done, so others need not wait for the rest.
  private func againWithoutSlot(_ id: Int64) {
    workers[id]?.holdsSlot = false
    workers[id]?.place = nil
    workers[id]?.handedOut = [:]
    poke()
    again(id)
  }

  /// Looks at the attempt again after a pause.
  private func again(_ id: Int64) {
    guard let worker = workers[id], !isStopping else { return }
    workers[id]?.failures += 1
    let pause = Self.pause(
      after: worker.failures, atFirst: .milliseconds(200), atMost: .seconds(30))
    Task {
      try? await Task.sleep(for: pause)  // a sleep that is cut short does no harm
      await self.lookAgain(id)
    }
  }

  private func lookAgain(_ id: Int64) async {
    guard workers[id] != nil, !isStopping else { return }
    await conclude(id)
  }

  private func forget(_ id: Int64) {
    workers[id] = nil
    poke()
  }

  private func setAside(_ folder: AttemptFolder) {
    do {
      try AttemptFolders.setAside(folder)
      logger.error("refused records are kept in \(AttemptFolders.refusedPath(folder))")
    } catch {
      logger.error("\(folder.path), which holds refused records, cannot be renamed: \(error)")
    }
  }

  private func remove(_ folder: AttemptFolder) async {
    do {
      try await files.run { try AttemptFolders.remove(folder) }
    } catch {
      logger.warning("\(folder.path) is left behind: \(error)")
    }
  }

  /// Folders of attempts that ended while the daemon was going down.
  private func removeOldFolders() async {
    for (id, folder) in AttemptFolders.all(in: options.attemptsFolder) where workers[id] == nil {
      switch await found(id, folder) {
      case nil: continue
      case .alive(let handle):
        // It has reported its end and is about to go.
        workers[id] = Worker(jobId: 0, holdsSlot: false, handle: handle)
      case .ended, .vanished:
        guard await ends.keepOutput(id, folder) else { continue }
        // The daemon went down between the refusal of these records and setting them aside.
        if AttemptFolders.holdRecords(folder) { setAside(folder) } else { await remove(folder) }
      }
    }
  }
}
