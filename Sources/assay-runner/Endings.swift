// How a program ended, as the attempt's end: its exit code or signal, in words.

import Experiments
import Glibc

struct ProgramEnd {
  var state: AttemptState
  /// A signal counts as 128 and its number, as shells have it.
  var exitCode: Int?
  var signal: Int?
  var failure: Failure?

  static func exited(_ code: Int) -> ProgramEnd {
    guard code != 0 else { return ProgramEnd(state: .finished, exitCode: 0) }
    return ProgramEnd(
      state: .failed, exitCode: code,
      failure: Failure(code: "exit_code", message: "the program ended with exit code \(code)"))
  }

  static func killed(by signal: Int, limits: CommandLimits) -> ProgramEnd {
    var failure = Failure(
      code: "killed_by_signal", message: "the program was ended by signal \(Self.name(signal))")
    switch Int32(signal) {
    case SIGXCPU where limits.cpuTime != nil:
      failure = Failure(
        code: "cpu_time_exceeded",
        message: "the program used more than \(limits.cpuTime ?? 0) seconds of CPU time, its limit")
    case SIGXFSZ where limits.fileSize != nil:
      failure = Failure(
        code: "file_size_exceeded",
        message: "the program wrote a file of more than \(limits.fileSize ?? 0) bytes, its limit")
    case SIGKILL:
      failure.message +=
        "; it or the system did that, which kills what uses most when memory is short"
    default: break
    }
    return ProgramEnd(state: .failed, exitCode: 128 + signal, signal: signal, failure: failure)
  }

  private static func name(_ signal: Int) -> String {
    let names: [Int32: String] = [
      SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGQUIT: "SIGQUIT", SIGILL: "SIGILL",
      SIGTRAP: "SIGTRAP", SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE",
      SIGKILL: "SIGKILL", SIGUSR1: "SIGUSR1", SIGSEGV: "SIGSEGV", SIGUSR2: "SIGUSR2",
      SIGPIPE: "SIGPIPE", SIGALRM: "SIGALRM", SIGTERM: "SIGTERM", SIGXCPU: "SIGXCPU",
      SIGXFSZ: "SIGXFSZ", SIGSYS: "SIGSYS",
    ]
    return names[Int32(signal)].map { "\(signal) (\($0))" } ?? String(signal)
  }

  private var members: [String: JSONValue] {
    var members: [String: JSONValue] = ["state": .string(state.rawValue)]
    if let exitCode { members["exit_code"] = .int(Int64(exitCode)) }
    if let failure {
      members["failure"] = .object([
        "code": .string(failure.code), "message": .string(failure.message),
      ])
    }
    return members
  }

  /// The body of `POST …/finish`.
  func finish(cost: JSONValue, at time: Timestamp) -> JSONValue {
    var members = members
    members["cost"] = cost
    members["ended_at"] = .int(time.microseconds)
    return .object(members)
  }

  /// The exit record.
  func record(cost: JSONValue, at time: Timestamp, unsent: Bool) -> JSONValue {
    guard case .object(var members) = finish(cost: cost, at: time) else { return .null }
    if let signal { members["signal"] = .int(Int64(signal)) }
    members["unsent"] = .bool(unsent)
    return .object(members)
  }
}
