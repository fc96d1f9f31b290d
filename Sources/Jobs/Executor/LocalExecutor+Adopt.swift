// What became of an attempt: decided by its lock first (only a living worker holds it, and it dies
// with it), then by the worker's identity or its mark, then by the result it left.

import CLinux
import Experiments
import Foundation
import Glibc

extension LocalExecutor {
  package func adopt(_ folder: AttemptFolder) async throws -> Adoption {
    guard let order = try await files.run({ try folder.readOrder() }) else {
      // The start did not even get to the order, and without one no worker begins.
      return .vanished(claimed: false)
    }
    // An earlier daemon may have died between starting the worker and recording it, or in the
    // instant in which the child has the lock and is not yet the worker's program: look again.
    var looks = 0
    while looks < 25 {
      let look = try await look(folder, order)
      switch look {
      case .free(let lock): return try await settle(folder, order, holding: lock)
      case .worker(let handle): return .alive(handle)
      case .unclear: try await Task.sleep(for: .milliseconds(20))
      }
      looks += 1
    }
    // The worker is gone, and something it had started inherited the lock.
    try await ProcessFamily(leader: nil, mark: order.mark).kill(on: processes)
    let lock = try await files.run { try FileLock.require(folder.lockPath) }
    return try await settle(folder, order, holding: lock)
  }

  private enum Look: Sendable {
    /// The lock was free, and is ours now.
    case free(FileLock)
    /// The living worker, already watched.
    case worker(WorkerHandle)
    case unclear
  }

  private func look(_ folder: AttemptFolder, _ order: AttemptOrder) async throws -> Look {
    try await processes.run {
      if let lock = try FileLock.acquire(folder.lockPath) { return .free(lock) }
      guard let handle = try self.findWorker(folder, order) else { return .unclear }
      // False if it has ended since: the next look finds its lock free.
      return try self.watch(handle) ? .worker(handle) : .unclear
    }
  }

  /// With the lock in hand nobody works in this folder. The lock is held until all is read.
  private func settle(
    _ folder: AttemptFolder, _ order: AttemptOrder, holding lock: FileLock
  ) async throws -> Adoption {
    defer { lock.release() }
    let former = try await files.run { try folder.readProcess() }
    try await ProcessFamily(leader: nil, mark: order.mark, former: former).kill(on: processes)
    return try await files.run {
      if let exit = try folder.readExit() { return .ended(exit) }
      return .vanished(claimed: try !folder.revoke())
    }
  }

  /// The living worker of a folder whose lock is held; nil if it cannot be told (yet).
  private func findWorker(
    _ folder: AttemptFolder, _ order: AttemptOrder
  ) throws(JobsError) -> WorkerHandle? {
    if let recorded = try folder.readProcess(), recorded.isAlive {
      return handle(recorded, Self.task(of: recorded.pid, in: folder) ?? .work, folder, order)
    }
    for stat in ProcessFamily(leader: nil, mark: order.mark).members()
    where stat.session == stat.pid {
      guard let task = Self.task(of: stat.pid, in: folder) else { continue }
      try folder.write(stat.identity)
      return handle(stat.identity, task, folder, order)
    }
    return nil
  }

  private func handle(
    _ process: ProcessIdentity, _ task: WorkerTask, _ folder: AttemptFolder, _ order: AttemptOrder
  ) -> WorkerHandle {
    WorkerHandle(
      attemptId: order.attemptId, process: process, task: task,
      isChild: process.stat?.parent == getpid(), folder: folder, mark: order.mark)
  }

  /// What the process was started to do in this folder, from its command line; nil if it is not a
  /// worker of the folder.
  private static func task(of pid: Int32, in folder: AttemptFolder) -> WorkerTask? {
    let arguments = (RawFile.kernelFile("/proc/\(pid)/cmdline") ?? [])
      .split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    guard arguments.last == folder.path else { return nil }
    return arguments.dropLast().last == "--flush" ? .flush : .work
  }
}
