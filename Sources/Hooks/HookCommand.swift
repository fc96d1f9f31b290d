// Runs a hook's command: /bin/sh in a session of its own, the event as JSON on its standard
// input and in its environment. When it has ended, or its time is over, nothing of its group is left.

import CLinux
import Dispatch
import Experiments
import Foundation
import Glibc
import Synchronization

package struct HookCommand: Sendable {
  private let command: String
  private let timeout: Duration
  /// Of the daemon, without what is its service manager's.
  private let environment: [String: String]
  private let directory: String

  /// Of what it prints so much is kept, for the record of a failure.
  private static let keptOutput = 2_000
  private static let queue = DispatchQueue(label: "assay.hook-commands", attributes: .concurrent)

  /// - Parameter directory: where it runs.
  package init(
    command: String, timeout: Duration, environment: [String: String], directory: String
  ) {
    self.command = command
    self.timeout = timeout
    self.environment = environment
    self.directory = directory
  }

  /// Never throws: an error is an outcome. When the task is cancelled, the command is killed.
  package func run(_ payload: HookPayload) async -> HookOutcome {
    let isCancelled = CancelMark()
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        Self.queue.async {
          continuation.resume(returning: self.runAndWait(payload, isCancelled))
        }
      }
    } onCancel: {
      isCancelled.set()
    }
  }

  private func variables(_ payload: HookPayload, _ json: [UInt8]) -> [String: String] {
    var own = [
      "ASSAY_HOOK": payload.hook, "ASSAY_DELIVERY_ID": payload.deliveryId.text,
      "ASSAY_EVENT_ID": String(payload.event.id), "ASSAY_EVENT_KIND": payload.event.kind,
    ]
    // The kernel takes no longer string.
    if json.count < 100_000 { own["ASSAY_EVENT"] = String(decoding: json, as: UTF8.self) }
    own["ASSAY_EVENT_JOB"] = payload.event.jobId.map { String($0) }
    own["ASSAY_EVENT_RUN"] = payload.event.runId.map { String($0) }
    return environment.merging(own) { $1 }
  }

  private func runAndWait(_ payload: HookPayload, _ isCancelled: CancelMark) -> HookOutcome {
    do {
      let json = try payload.json()
      let input = try PipePair()
      let output = try PipePair()
      let pid = try spawn(
        variables(payload, json), input: input.read.take(), output: output.write.take())
      let process = try RunningCommand(pid: pid)
      var conversation = Conversation(
        input: input.write, output: output.read, json: json, kept: Self.keptOutput)
      let isOver = conversation.follow(process, until: .now + timeout, isCancelled)
      let exit = process.end()
      if !isOver {
        return HookOutcome(
          answer: nil,
          error: isCancelled.isSet
            ? "the daemon stopped meanwhile"
            : "the command was killed after \(timeout.components.seconds) seconds")
      }
      let answer = exit.signalled != 0 ? "signal \(exit.value)" : "exit code \(exit.value)"
      guard exit.signalled != 0 || exit.value != 0 else { return HookOutcome(answer: answer) }
      let said = conversation.text.trimmingCharacters(in: .whitespacesAndNewlines)
      return HookOutcome(answer: answer, error: said.isEmpty ? "the command failed" : said)
    } catch {
      return HookOutcome(answer: nil, error: "the command could not be started: \(error)")
    }
  }

  /// Takes both descriptors over.
  private func spawn(
    _ variables: [String: String], input: Int32, output: Int32
  ) throws -> pid_t {
    defer {
      close(input)
      close(output)
    }
    let arguments = ["/bin/sh", "-c", Self.takeInput, "sh", command]
    let (pid, _) = Self.withPointers(arguments) { argv in
      Self.withPointers(variables.map { "\($0.key)=\($0.value)" }) { envp in
        "/bin/sh".withCString { program in
          directory.withCString { folder in
            var order = clinux_spawn_order(
              program: program, argv: argv, envp: envp, directory: folder, output_fd: output,
              lock_fd: input)
            var step = clinux_spawn_fork
            return (clinux_spawn(&order, &step), step)
          }
        }
      }
    }
    guard pid > 0 else { throw CommandFailure(-pid) }
    return pid
  }

  /// The start gives a program its input as descriptor 3.
  private static let takeInput = #"exec 0<&3 3<&-; exec /bin/sh -c "$1""#

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

private struct CommandFailure: Error, CustomStringConvertible {
  let description: String

  init(_ number: Int32) { description = String(cString: strerror(number)) }
}

/// Set once, from another thread.
private final class CancelMark: Sendable {
  private let flag = Atomic(false)

  var isSet: Bool { flag.load(ordering: .acquiring) }
  func set() { flag.store(true, ordering: .releasing) }
}

/// A descriptor that is closed once.
private final class Descriptor {
  private(set) var number: Int32

  init(_ number: Int32) { self.number = number }
  deinit { shut() }

  func shut() {
    if number >= 0 { close(number) }
    number = -1
  }

  /// It is the caller's from now on.
  func take() -> Int32 {
    defer { number = -1 }
    return number
  }
}

private struct PipePair {
  let read: Descriptor
  let write: Descriptor

  init() throws {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw CommandFailure(errno) }
    read = Descriptor(ends[0])
    write = Descriptor(ends[1])
    for end in ends {
      let marked = clinux_close_on_exec(end)
      if marked < 0 { throw CommandFailure(-marked) }
    }
  }
}

private struct RunningCommand {
  let pid: pid_t
  let descriptor: Descriptor

  init(pid: pid_t) throws {
    self.pid = pid
    let descriptor = clinux_pidfd_open(pid)
    guard descriptor >= 0 else {
      Glibc.kill(-pid, SIGKILL)
      var status: Int32 = 0
      waitpid(pid, &status, 0)
      throw CommandFailure(-descriptor)
    }
    self.descriptor = Descriptor(descriptor)
  }

  /// Kills what is left of the group. Until the leader is awaited its number, and so the group's,
  /// cannot be another's.
  func end() -> clinux_exit {
    Glibc.kill(-pid, SIGKILL)
    var state = clinux_exit()
    while clinux_reap(pid, &state) == 0 { usleep(1_000) }
    return state
  }
}

/// Feeds a command its input and takes what it says, without ever waiting for one of the two.
private struct Conversation {
  let input: Descriptor
  let output: Descriptor
  private var rest: ArraySlice<UInt8>
  private var said: [UInt8] = []
  private let kept: Int

  init(input: Descriptor, output: Descriptor, json: [UInt8], kept: Int) {
    self.input = input
    self.output = output
    self.kept = kept
    rest = (json + [UInt8(ascii: "\n")])[...]
    for end in [input, output] {
      _ = fcntl(end.number, F_SETFL, fcntl(end.number, F_GETFL) | O_NONBLOCK)
    }
  }

  var text: String { String(decoding: said, as: UTF8.self) }

  /// - Returns: whether the command ended in time.
  mutating func follow(
    _ process: RunningCommand, until end: ContinuousClock.Instant, _ isCancelled: CancelMark
  ) -> Bool {
    while !isCancelled.isSet, ContinuousClock.now < end {
      var waiting = [
        pollfd(fd: process.descriptor.number, events: Int16(POLLIN), revents: 0),
        pollfd(fd: output.number, events: Int16(POLLIN), revents: 0),
        pollfd(fd: input.number, events: Int16(POLLOUT), revents: 0),
      ]
      // Looks up now and then to see whether it is to stop.
      let ready = poll(&waiting, 3, 100)
      if ready < 0, errno != EINTR { return false }
      if waiting[2].revents != 0 { send() }
      if waiting[1].revents != 0 { receive() }
      if waiting[0].revents != 0 {
        receive()
        return true
      }
    }
    return false
  }

  private mutating func send() {
    let count = rest.withUnsafeBytes { write(input.number, $0.baseAddress, $0.count) }
    if count > 0 { rest = rest.dropFirst(count) }
    // A command that reads nothing is none the worse for it.
    if rest.isEmpty || count < 0 && errno != EAGAIN && errno != EINTR { input.shut() }
  }

  private mutating func receive() {
    var piece = [UInt8](repeating: 0, count: 4_096)
    // Bounded, so that one which prints without end is looked at in between.
    for _ in 0..<64 {
      let count = read(output.number, &piece, piece.count)
      guard count > 0 else {
        if count == 0 || errno != EAGAIN && errno != EINTR { output.shut() }
        return
      }
      said += piece[..<count].prefix(max(0, kept - said.count))
    }
  }
}
