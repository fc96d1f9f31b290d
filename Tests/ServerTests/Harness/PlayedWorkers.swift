// Workers without processes: the daemon starts them, and a test says what they do. They outlive a
// daemon, as real ones do.

import Experiments
import Foundation
import Jobs

final class PlayedWorkers: Sendable {
  struct State {
    /// By attempt; those whose process is there.
    var alive: [Int64: WorkerHandle] = [:]
    var orders: [AttemptOrder] = []
    var flushed: [Int64] = []
    var cancelled: [Int64] = []
    var startError: JobsError?
    /// What the next looks at an attempt come to.
    var adoptErrors: [JobsError] = []
    var exits: AsyncStream<WorkerExit>.Continuation?
  }

  let state = Locked(State())

  /// What a new daemon gets; ends are reported to the newest alone.
  func newExecutor() -> any Executor {
    let (stream, continuation) = AsyncStream.makeStream(of: WorkerExit.self)
    state.change { $0.exits = continuation }
    return PlayedExecutor(workers: self, exits: stream)
  }

  /// The order of the `count`th attempt that was started.
  func order(_ count: Int) async throws -> AttemptOrder {
    try await eventually { state.value.orders.count >= count }
    return state.value.orders[count - 1]
  }

  /// The process of an attempt is gone; what it left is in its folder.
  func exit(_ attempt: Int64, status: ExitStatus = .code(0)) {
    let handle = state.change { $0.alive.removeValue(forKey: attempt) }
    guard let handle else { return }
    state.value.exits?.yield(
      WorkerExit(attemptId: attempt, process: handle.process, task: handle.task, status: status))
  }

  /// As `exit`, with a result in the folder.
  func exit(_ attempt: Int64, leaving record: ExitRecord) throws {
    try folder(attempt).write(record)
    exit(attempt)
  }

  func folder(_ attempt: Int64) throws -> AttemptFolder {
    guard let folder = state.value.alive[attempt]?.folder else {
      throw JobsError.damaged(path: "\(attempt)", reason: "no such worker")
    }
    return folder
  }
}

private struct PlayedExecutor: Executor {
  let workers: PlayedWorkers
  let exits: AsyncStream<WorkerExit>

  func start(_ order: AttemptOrder, in folder: AttemptFolder) async throws -> WorkerHandle {
    if let error = workers.state.value.startError { throw error }
    try folder.create()
    try folder.write(order)
    let handle = handle(order, folder, .work)
    workers.state.change {
      $0.alive[order.attemptId] = handle
      $0.orders.append(order)
    }
    return handle
  }

  func flush(_ folder: AttemptFolder) async throws -> WorkerHandle {
    guard let order = try folder.readOrder() else {
      throw JobsError.damaged(path: folder.orderPath, reason: "it is missing")
    }
    let handle = handle(order, folder, .flush)
    workers.state.change {
      $0.alive[order.attemptId] = handle
      $0.flushed.append(order.attemptId)
    }
    return handle
  }

  func adopt(_ folder: AttemptFolder) async throws -> Adoption {
    let error = workers.state.change { $0.adoptErrors.isEmpty ? nil : $0.adoptErrors.removeFirst() }
    if let error { throw error }
    let alive = workers.state.value.alive.values.first { $0.folder == folder }
    if let alive { return .alive(alive) }
    if let record = try folder.readExit() { return .ended(record) }
    guard try folder.readOrder() != nil else { return .vanished(claimed: false) }
    return .vanished(claimed: try !folder.revoke())
  }

  /// The worker does as it is told and leaves a result.
  func cancel(_ handle: WorkerHandle, grace: Duration) async throws {
    workers.state.change { $0.cancelled.append(handle.attemptId) }
    try workers.exit(
      handle.attemptId,
      leaving: ExitRecord(
        state: .cancelled, cost: Cost(), endedAt: Timestamp(microseconds: 1_800_000_100_000_000)))
  }

  func describe(_ handle: WorkerHandle) async throws -> WorkerUsage? { nil }

  private func handle(
    _ order: AttemptOrder, _ folder: AttemptFolder, _ task: WorkerTask
  ) -> WorkerHandle {
    WorkerHandle(
      attemptId: order.attemptId,
      process: ProcessIdentity(pid: 1, startTicks: UInt64(order.attemptId), bootId: "test"),
      task: task, isChild: true, folder: folder, mark: order.mark)
  }
}
