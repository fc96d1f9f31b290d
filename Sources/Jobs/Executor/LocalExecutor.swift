// Runs attempts as processes of this machine. A worker holds its folder's lock from before it starts
// until it ends, outlives the daemon, and is found again by that lock, its identity and its mark.

import CLinux
import Experiments
import Foundation
import Glibc

package final class LocalExecutor: Executor {
  package let exits: AsyncStream<WorkerExit>
  let program: WorkerProgram
  let watcher: ExitWatcher
  let ending: WorkerEnding
  /// Files and starts; /proc has a queue of its own, so that no slow disk delays a cancel.
  let files = BlockingQueue("assay.attempt-files")
  let processes = BlockingQueue("assay.processes")

  package init(program: WorkerProgram) throws(JobsError) {
    self.program = program
    watcher = try ExitWatcher()
    let (stream, continuation) = AsyncStream.makeStream(of: WorkerExit.self)
    exits = stream
    ending = WorkerEnding(report: continuation, processes: processes)
  }

  package func start(
    _ order: AttemptOrder, in folder: AttemptFolder
  ) async throws -> WorkerHandle {
    try await files.run {
      try folder.create()
      try folder.write(order)
      return try self.spawn(.work, order, folder)
    }
  }

  package func flush(_ folder: AttemptFolder) async throws -> WorkerHandle {
    try await files.run {
      guard let order = try folder.readOrder() else {
        throw JobsError.damaged(path: folder.orderPath, reason: "it is missing")
      }
      return try self.spawn(.flush, order, folder)
    }
  }

  /// Blocks. The lock is taken here and passed on, so that there is no moment between the start
  /// and the worker's first instruction in which the attempt looks dead.
  private func spawn(
    _ task: WorkerTask, _ order: AttemptOrder, _ folder: AttemptFolder
  ) throws(JobsError) -> WorkerHandle {
    let lock = try FileLock.require(folder.lockPath)
    let output = try folder.openOutput()
    defer { close(output) }
    let pid = try program.spawn(
      task, kind: order.spec["kind"]?.stringValue, folder: folder, mark: order.mark,
      threads: order.spec["threads"]?.intValue ?? 1,
      output: output, lock: lock)

    // Not yet awaited, so the pid is its own until then, even if it has ended already.
    guard let process = ProcessIdentity(pid: pid) else {
      abandon(pid)
      throw .process(operation: "find", pid: pid, errno: ESRCH)
    }
    let handle = WorkerHandle(
      attemptId: order.attemptId, process: process, task: task, isChild: true, folder: folder,
      mark: order.mark)
    do {
      // A child has its line in /proc until it is awaited, so this cannot be false.
      _ = try watch(handle)
    } catch {
      abandon(pid)
      throw error
    }
    // Only a shortcut for `adopt`, which finds the worker by its mark as well; a full disk is no
    // reason to kill a worker that has begun.
    do { try folder.write(process) } catch {}
    return handle
  }

  /// Reports the end of the worker when it comes; false if it is gone already and will not be
  /// reported. Throws if it cannot be watched.
  func watch(_ handle: WorkerHandle) throws(JobsError) -> Bool {
    // A zombie has a descriptor, too, and is reported at once.
    guard let descriptor = try handle.process.openDescriptor() else { return false }
    // Made now, while it is known to be there: what it started before this moment is recognised by
    // its session even after its end.
    let family = ProcessFamily(leader: handle.process, mark: handle.mark)
    ending.expect(handle)
    do {
      try watcher.watch(pidfd: descriptor, pid: handle.process.pid) { [ending] in
        Task.detached { await ending.conclude(handle, family) }
      }
    } catch {
      ending.forget(handle)
      throw error
    }
    return true
  }

  /// Kills and awaits a child that cannot be watched. Its pid is surely its own: it is not awaited.
  private func abandon(_ pid: Int32) {
    kill(pid, SIGKILL)
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
  }

  package func cancel(_ handle: WorkerHandle, grace: Duration) async throws {
    let family = ProcessFamily(leader: handle.process, mark: handle.mark)
    _ = try await processes.run { try family.signalGroup(SIGTERM) }
    let end = ContinuousClock.now + grace
    var pause = Duration.milliseconds(5)
    while handle.process.isAlive, ContinuousClock.now < end {
      try await Task.sleep(for: min(pause, max(.zero, end - ContinuousClock.now)))
      pause = min(pause * 2, .milliseconds(50))
    }
    try Task.checkCancellation()
    try await family.kill(on: processes)
    // A killed child is a zombie until it is awaited, which follows at once.
    while handle.isChild, handle.process.stat != nil, ending.isPending(handle) {
      try await Task.sleep(for: .milliseconds(2))
    }
  }

  package func describe(_ handle: WorkerHandle) async throws -> WorkerUsage? {
    let family = ProcessFamily(leader: handle.process, mark: handle.mark)
    let members = try await processes.run { family.members() }
    guard members.contains(where: { $0.identity == handle.process }) else { return nil }
    let ticks = members.reduce(0) { $0 + $1.cpuTicks }
    let pages = members.reduce(0) { $0 + $1.residentPages }
    return WorkerUsage(
      pid: handle.process.pid, processes: members.count,
      cpuSeconds: Double(ticks) / Double(clinux_ticks_per_second()),
      residentBytes: pages * Int64(sysconf(Int32(_SC_PAGESIZE))))
  }
}
