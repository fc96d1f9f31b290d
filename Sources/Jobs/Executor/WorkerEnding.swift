// What follows a worker's end: everything it has left running is killed, a child is awaited, and the
// end is reported, in this order. A child that is not yet awaited keeps its pid, so that its session
// can be told from any later one while it is being cleared.

import CLinux
import Experiments
import Synchronization

final class WorkerEnding: Sendable {
  private let report: AsyncStream<WorkerExit>.Continuation
  private let processes: BlockingQueue
  private let pending = Mutex<Set<ProcessIdentity>>([])

  init(report: AsyncStream<WorkerExit>.Continuation, processes: BlockingQueue) {
    self.report = report
    self.processes = processes
  }

  deinit { report.finish() }

  func expect(_ handle: WorkerHandle) { _ = pending.withLock { $0.insert(handle.process) } }

  func forget(_ handle: WorkerHandle) { _ = pending.withLock { $0.remove(handle.process) } }

  func isPending(_ handle: WorkerHandle) -> Bool {
    pending.withLock { $0.contains(handle.process) }
  }

  func conclude(_ handle: WorkerHandle, _ family: ProcessFamily) async {
    var leftover: JobsError?
    do {
      try await family.kill(on: processes)
    } catch let error as JobsError {
      leftover = error
    } catch {
      // Only a cancelled sleep, and nobody cancels a detached task.
    }
    var exit = clinux_exit()
    let reaped = clinux_reap(handle.process.pid, &exit)
    let status: ExitStatus? =
      if reaped == 1 {
        exit.signalled != 0 ? .signal(Int(exit.value)) : .code(Int(exit.value))
      } else {
        nil
      }
    forget(handle)
    report.yield(
      WorkerExit(
        attemptId: handle.attemptId, process: handle.process, task: handle.task, status: status,
        leftover: leftover))
  }
}
