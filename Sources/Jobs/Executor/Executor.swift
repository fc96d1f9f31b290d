// Where attempts run. The daemon starts, adopts, cancels and looks at workers through this protocol
// alone, and hears of each one's end through `exits`; nothing else knows what a worker is a process
// of. `LocalExecutor` runs them on this machine.

package protocol Executor: Sendable {
  /// Every end of a started or adopted worker, once each, in the order they were noticed. One
  /// consumer. What it means for the attempt is in the folder: see `adopt`.
  var exits: AsyncStream<WorkerExit> { get }

  /// Makes the folder and starts a worker on it. When it has thrown, no worker is running; the
  /// folder's claim tells whether one had begun. The exit may be reported before this returns.
  func start(_ order: AttemptOrder, in folder: AttemptFolder) async throws -> WorkerHandle

  /// Starts a process that sends what an ended worker left in its spool.
  func flush(_ folder: AttemptFolder) async throws -> WorkerHandle

  /// Finds out what became of an attempt that was started before, by this daemon or an earlier one.
  /// Unless it is alive, nothing that it had started is running when this returns.
  func adopt(_ folder: AttemptFolder) async throws -> Adoption

  /// Asks the worker to end (SIGTERM), and kills it and everything it has started once `grace` has
  /// passed or the worker has ended. Returns when nobody is left. If the calling task is cancelled
  /// it throws `CancellationError` and kills nothing.
  func cancel(_ handle: WorkerHandle, grace: Duration) async throws

  /// What the worker and all it has started use now; nil once it has ended.
  func describe(_ handle: WorkerHandle) async throws -> WorkerUsage?
}

/// A worker that runs, or ran.
package struct WorkerHandle: Sendable, Equatable {
  package let attemptId: Int64
  package let process: ProcessIdentity
  package let task: WorkerTask
  /// Whether this process is its parent, and learns how it ended.
  package let isChild: Bool
  package let folder: AttemptFolder
  package let mark: String

  package init(
    attemptId: Int64, process: ProcessIdentity, task: WorkerTask, isChild: Bool,
    folder: AttemptFolder, mark: String
  ) {
    self.attemptId = attemptId
    self.process = process
    self.task = task
    self.isChild = isChild
    self.folder = folder
    self.mark = mark
  }
}

package enum WorkerTask: String, Sendable {
  /// Does the job.
  case work
  /// Sends what is left in the spool.
  case flush
}

/// What became of an attempt.
package enum Adoption: Sendable, Equatable {
  /// It runs; its end will be reported.
  case alive(WorkerHandle)
  /// It ended, with this result.
  case ended(ExitRecord)
  /// It is gone without a result. Not `claimed`: the work had not begun, and now it never will
  /// (the claim is taken as revoked), so that another attempt is safe.
  case vanished(claimed: Bool)
}

/// A worker has ended, and nothing that it had started is left.
package struct WorkerExit: Sendable, Equatable {
  package let attemptId: Int64
  package let process: ProcessIdentity
  package let task: WorkerTask
  /// How its process ended; nil for an adopted one, whose parent was an earlier daemon.
  package let status: ExitStatus?
  /// Why something it had started may still be there.
  package let leftover: JobsError?

  package init(
    attemptId: Int64, process: ProcessIdentity, task: WorkerTask, status: ExitStatus?,
    leftover: JobsError? = nil
  ) {
    self.attemptId = attemptId
    self.process = process
    self.task = task
    self.status = status
    self.leftover = leftover
  }
}

package enum ExitStatus: Sendable, Equatable, CustomStringConvertible {
  case code(Int)
  case signal(Int)

  package var description: String {
    switch self {
    case .code(let code): "exit code \(code)"
    case .signal(let signal): "signal \(signal)"
    }
  }
}

/// Of a worker and everything it has started, now.
package struct WorkerUsage: Sendable, Equatable {
  package let pid: Int32
  package let processes: Int
  /// User and system, of those that run and of ended ones that they awaited.
  package let cpuSeconds: Double
  /// Memory shared between the processes is counted in each.
  package let residentBytes: Int64

  package init(pid: Int32, processes: Int, cpuSeconds: Double, residentBytes: Int64) {
    self.pid = pid
    self.processes = processes
    self.cpuSeconds = cpuSeconds
    self.residentBytes = residentBytes
  }
}
