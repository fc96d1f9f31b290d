// A program that was started here: how to end it, and how it ended.
import CLinux
import Glibc
import Synchronization

final class ChildProcess: Sendable {
  enum Exit: Sendable, Equatable {
    case code(Int32)
    case signal(Int32)
  }

  let pid: pid_t
  private let handle: Int32
  private let exit = Mutex<Exit?>(nil)

  /// - Parameters:
  ///   - output: a file that its output is appended to.
  ///   - descriptor: becomes its descriptor 3; -1 for none.
  init(
    _ program: String, _ arguments: [String], environment: [String: String] = [:],
    output: String, descriptor: Int32 = -1
  ) throws {
    let file = open(output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw Trouble("cannot write \(output)") }
    defer { close(file) }
    let variables = Self.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
    var step = clinux_spawn_fork
    let pid = Self.withCStrings([program] + arguments) { argv in
      Self.withCStrings(variables) { envp in
        program.withCString { program in
          var order = clinux_spawn_order(
            program: program, argv: argv, envp: envp, directory: nil, output_fd: file,
            lock_fd: descriptor)
          return clinux_spawn(&order, &step)
        }
      }
    }
    guard pid > 0 else {
      throw Trouble("cannot start \(program): \(String(cString: strerror(-pid)))")
    }
    self.pid = pid
    handle = clinux_pidfd_open(pid)
  }

  deinit { if handle >= 0 { close(handle) } }

  /// Runs a program to its end.
  static func run(
    _ program: String, _ arguments: [String], environment: [String: String] = [:],
    output: String, patience: Double = 120
  ) throws -> (exit: Exit, output: String) {
    unlink(output)
    let process = try ChildProcess(
      program, arguments, environment: environment, output: output)
    guard let exit = process.wait(seconds: patience) else {
      process.kill()
      throw Trouble("\(program) \(arguments.joined(separator: " ")) did not end in \(patience) s")
    }
    return (exit, try Files.text(output))
  }

  func signal(_ number: Int32) { if handle >= 0 { _ = clinux_pidfd_send_signal(handle, number) } }

  /// SIGKILL; returns when the process is gone.
  func kill() {
    signal(SIGKILL)
    _ = wait(seconds: 60)
  }

  /// How it ended; nil if it has not after so many seconds.
  func wait(seconds: Double) -> Exit? {
    let end = Moment.now + seconds
    while true {
      let known = exit.withLock { exit -> Exit? in
        if exit == nil {
          var found = clinux_exit()
          if clinux_reap(pid, &found) == 1 {
            exit = found.signalled != 0 ? .signal(found.value) : .code(found.value)
          }
        }
        return exit
      }
      if let known { return known }
      let left = end - Moment.now
      guard left > 0 else { return nil }
      var waited = pollfd(fd: handle, events: Int16(POLLIN), revents: 0)
      poll(&waited, 1, Int32(min(left * 1_000 + 1, 1_000)))
    }
  }

  private static let environment: [String: String] = {
    var variables: [String: String] = [:]
    for name in ["PATH", "HOME", "LD_LIBRARY_PATH", "LANG"] {
      if let value = getenv(name) { variables[name] = String(cString: value) }
    }
    return variables
  }()

  private static func withCStrings<Result>(
    _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return body([nil]) }
      return body(base)
    }
  }
}

/// Seconds on the monotonic clock.
enum Moment {
  static var now: Double { Double(nanoseconds) / 1e9 }

  static var nanoseconds: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  static func sleep(_ seconds: Double) { if seconds > 0 { usleep(UInt32(seconds * 1e6)) } }
}
