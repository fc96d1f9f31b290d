// Real processes for tests: shell scripts that play the worker, workers whose parent is gone, and
// strangers that must never be touched.

import CLinux
import Experiments
import Foundation
import Glibc
import Jobs
import Testing

/// A folder with a worker program made of shell lines (`$1` is the attempt's folder, or `--flush`
/// and `$2`), and an executor that starts it.
struct Workshop: Sendable {
  let folder: String
  let program: String
  let executor: LocalExecutor

  static func with(
    _ script: String, environment: [String: String] = ["PATH": "/usr/bin:/bin"],
    _ body: (Workshop) async throws -> Void
  ) async throws {
    try await TemporaryFolder.with { folder in
      let program = folder + "/worker"
      try DurableFile().replace(program, with: "#!/bin/sh\n\(script)\n".utf8, mode: 0o700)
      let executor = try LocalExecutor(
        program: WorkerProgram(path: program, environment: environment))
      try await body(Workshop(folder: folder, program: program, executor: executor))
    }
  }

  func attempt(_ id: Int64) -> AttemptFolder { AttemptFolder(path: folder + "/\(id)") }

  func order(_ id: Int64) -> AttemptOrder {
    AttemptOrder(
      socketPath: "/s", token: "secret", attemptId: id, jobId: id, runId: id, number: 1,
      spec: .object([:]))
  }

  func start(_ id: Int64 = 1) async throws -> WorkerHandle {
    try await executor.start(order(id), in: attempt(id))
  }

  /// What an earlier daemon leaves: an attempt's folder, and a worker on it that is nobody's child
  /// here. `setsid` makes it a session's leader, as a real one is.
  func startOrphan(_ id: Int64 = 1) throws -> AttemptOrder {
    let folder = attempt(id)
    let order = order(id)
    try folder.create()
    try folder.write(order)
    let lock = try FileLock.require(folder.lockPath)
    // The shell in between ends at once.
    let pid = try Spawned.start(
      ["/bin/sh", "-c", "cd \(folder.path) && setsid \(program) \(folder.path) &"],
      environment: ["PATH=/usr/bin:/bin", "\(ProcessFamily.markVariable)=\(order.mark)"],
      lock: lock.descriptor)
    try Spawned.wait(pid)
    return order
  }

  /// The pids that the script wrote into its file `pids`, once there are `count`.
  func pids(_ count: Int, attempt id: Int64 = 1) async throws -> [ProcessIdentity] {
    var found: [Int32] = []
    try await until("\(count) pids") {
      let text = try String(
        decoding: DurableFile().read(attempt(id).path + "/pids") ?? [], as: UTF8.self)
      found = text.hasSuffix("\n") ? text.split(separator: "\n").compactMap { Int32($0) } : []
      return found.count >= count
    }
    return found.compactMap { ProcessIdentity(pid: $0) }
  }

  /// The next end that the executor reports.
  func nextExit() async -> WorkerExit? {
    for await exit in executor.exits { return exit }
    return nil
  }
}

/// Waits until something is so; the suite's time limit ends a wait in vain.
func until(_ what: String, _ condition: () throws -> Bool) async throws {
  while try !condition() { try await Task.sleep(for: .milliseconds(3)) }
}

enum Spawned {
  static func start(
    _ arguments: [String], environment: [String] = ["PATH=/usr/bin:/bin"], lock: Int32 = -1
  ) throws -> Int32 {
    var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    var envp: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
    defer { for pointer in argv + envp { free(pointer) } }
    let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
    defer { close(null) }
    var step = clinux_spawn_fork
    let pid = arguments[0].withCString { program in
      argv.withUnsafeMutableBufferPointer { argv in
        envp.withUnsafeMutableBufferPointer { envp in
          guard let argv = argv.baseAddress, let envp = envp.baseAddress else { return Int32(-1) }
          var order = clinux_spawn_order(
            program: program, argv: argv, envp: envp, directory: nil, output_fd: null,
            lock_fd: lock)
          return clinux_spawn(&order, &step)
        }
      }
    }
    try #require(pid > 0, "cannot start \(arguments): \(-pid) at step \(step)")
    return pid
  }

  static func wait(_ pid: Int32) throws {
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 { try #require(errno == EINTR) }
  }

  /// Runs `body` with a process that has nothing to do with any worker, and ends it afterwards.
  static func withStranger(_ body: (ProcessIdentity) async throws -> Void) async throws {
    let pid = try start(["/bin/sleep", "600"])
    defer {
      kill(pid, SIGKILL)
      do { try wait(pid) } catch { Issue.record(error) }
    }
    try await body(try #require(ProcessIdentity(pid: pid)))
  }
}

/// All that starts processes, one after another.
@Suite(.serialized, .timeLimit(.minutes(5))) struct ProcessTests {}
