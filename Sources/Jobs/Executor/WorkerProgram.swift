// Starting the worker's program: its arguments, its environment and its descriptors.

import CLinux
import Experiments
import Foundation
import Glibc

package struct WorkerProgram: Sendable {
  /// Absolute.
  package let path: String
  /// The one for command jobs, which lies beside the other.
  package let runnerPath: String
  package let environment: [String: String]

  /// What belongs to the daemon's own service manager, not to its workers.
  private static let daemonOnly = [
    "NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID",
    "WATCHDOG_USEC", "MAINPID", "INVOCATION_ID",
  ]

  package init(
    path: String, environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    self.path = path
    runnerPath = (path as NSString).deletingLastPathComponent + "/assay-runner"
    self.environment = environment.filter { !Self.daemonOnly.contains($0.key) }
  }

  /// What runs a command is small and quick to start; everything else is done by the worker.
  func path(for task: WorkerTask, kind: String?) -> String {
    task == .work && kind == JobKind.command.rawValue ? runnerPath : path
  }

  static func arguments(_ task: WorkerTask, _ folder: AttemptFolder) -> [String] {
    switch task {
    case .work: [folder.path]
    case .flush: ["--flush", folder.path]
    }
  }

  /// Starts it in a session of its own, in the attempt's folder, with standard input from
  /// /dev/null, output to `output` and the locked descriptor as 3. Returns its pid.
  func spawn(
    _ task: WorkerTask, kind: String?, folder: AttemptFolder, mark: String, threads: Int,
    output: Int32, lock: FileLock, variables given: [String: String] = [:]
  ) throws(JobsError) -> Int32 {
    let path = path(for: task, kind: kind)
    let arguments = [path] + Self.arguments(task, folder)
    let own = [
      ProcessFamily.markVariable: mark,
      // OpenBLAS makes its threads when it is loaded, long before the worker can say how many.
      "OPENBLAS_NUM_THREADS": String(threads),
      // A crash ends it at once; writing a backtrace would hold its slot for seconds.
      "SWIFT_BACKTRACE": "enable=no",
    ]
    let variables = environment.merging(given) { _, new in new }.merging(own) { _, new in new }
      .map { "\($0.key)=\($0.value)" }.sorted()
    let (pid, step) = Self.withPointers(arguments) { argv in
      Self.withPointers(variables) { envp in
        path.withCString { program in
          folder.path.withCString { directory in
            var order = clinux_spawn_order(
              program: program, argv: argv, envp: envp, directory: directory,
              output_fd: output, lock_fd: lock.descriptor)
            var step = clinux_spawn_fork
            let pid = clinux_spawn(&order, &step)
            return (pid, step)
          }
        }
      }
    }
    if pid < 0 { throw .spawn(program: path, step: Self.words(step), errno: -pid) }
    return pid
  }

  private static func words(_ step: clinux_spawn_step) -> String {
    switch step {
    case clinux_spawn_fork: "make a process for"
    case clinux_spawn_session: "make a session for"
    case clinux_spawn_directory: "enter the attempt's folder for"
    case clinux_spawn_descriptors: "pass the descriptors to"
    default: "run"
    }
  }

  /// The texts as a C array with a null pointer at its end.
  private static func withPointers<Result>(
    _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeBufferPointer { buffer in
      // Never nil: there is at least the closing null pointer.
      guard let base = buffer.baseAddress else { return body([nil]) }
      return body(base)
    }
  }
}
