// One attempt of a command job from its claim to its true end: starts the program, keeps and sends
// what it prints and measures, waits for its end, ends what it has left running, and writes the exit
// record. One thread, one loop over descriptors, no call that waits for the daemon: a program never
// stands still because nobody listens.

import CLinux
import Experiments
import Glibc

struct CommandAttempt {
  private let files: AttemptFiles
  private let order: Order
  private let spec: CommandSpec
  private let signals: Int32

  private var delivery: CommandDelivery
  private var meter = TreeMeter()
  private var lines: MetricLines?
  /// Reading ends of the program's standard output and, where it is told apart, standard error.
  private var pipes: [Int32] = [-1, -1]
  /// While it is not reaped.
  private var program: Int32 = 0
  private var helper: Int32 = 0
  private var end: ProgramEnd?
  private var memoryFailure: Failure?
  private var phase = Phase.running
  private var isStopping = false
  private var samples = SampleTimes()
  private var nextMemoryLook = Moment.never
  private var mustKeep = false
  /// When what surrounds the program is recorded, by a process of its own.
  private var captureAt = Moment.never

  private enum Phase {
    case running
    /// The program has ended; what it has started is ended, too, gently until the given moment.
    case clearing(until: Double)
    /// `assay-worker` keeps the files that are to be kept.
    case keeping
    case delivering
  }

  /// How long what outlives its program is asked to end before it is killed.
  private static let clearingPatience = 1.0
  /// Ends of a worker that are not the job's: a newer attempt has begun.
  private static let fencedStatus: Int32 = 75
  private static let memoryInterval = 0.1
  private static let captureDelay = 0.3

  init(files: AttemptFiles) throws(Failure) {
    self.files = files
    try files.inheritLock()
    order = try files.readOrder()
    let wanted = [SIGTERM, SIGINT, SIGCHLD]
    signals = clinux_signal_descriptor(wanted, Int32(wanted.count))
    guard signals >= 0, clinux_set_child_subreaper() == 0 else {
      throw Failure(code: "process_call_failed", message: "signals cannot be waited for")
    }
    do {
      guard case .command(let spec) = try JobSpec.parse(order.spec).work else {
        throw Failure(code: "unsupported_kind", message: "the job runs no program")
      }
      self.spec = spec
    } catch let error as Failure {
      throw error
    } catch {
      throw Failure(code: "spec_invalid", message: "\(error)")
    }
    delivery = CommandDelivery(files: files, order: order)
  }

  mutating func run() throws(Failure) -> Int32 {
    guard try files.claim() else {
      RunnerLog.write("this attempt was given up before it began")
      return Self.fencedStatus
    }
    begin()
    while true {
      advance()
      if delivery.isFenced {
        killAll()
        return Self.fencedStatus
      }
      if case .delivering = phase, let end, delivery.conclude(end, cost: cost) {
        return end.state == .finished ? 0 : 1
      }
      wait()
    }
  }

  private var cost: JSONValue {
    meter.cost(
      program == 0 ? [] : ProcessTree.members(without: helper), ownWrites: delivery.output.fileBytes
    )
  }

  // MARK: Begin

  private mutating func begin() {
    do {
      let output = try openPipe(0)
      defer { close(output) }
      let errors = spec.parse == .jsonl ? try openPipe(1) : output
      defer { if errors != output { close(errors) } }
      if spec.parse == .jsonl { lines = MetricLines() }
      program = try ProgramStart(spec: spec, order: order)
        .start(output: output, errors: errors)
      if spec.limits.memory != nil { nextMemoryLook = Moment.now }
      captureAt = Moment.now + Self.captureDelay
    } catch {
      delivery.output.append("assay: \(error.message)\n")
      end = ProgramEnd(state: .failed, failure: error)
      phase = .delivering
    }
  }

  /// Makes a pipe; the reading end is kept, the writing end is the caller's.
  private mutating func openPipe(_ index: Int) throws(Failure) -> Int32 {
    var ends: [Int32] = [-1, -1]
    let made = clinux_output_pipe(&ends)
    guard made == 0 else {
      throw Failure(
        code: "program_not_started", message: "no pipe can be made: \(SystemError.text(-made))")
    }
    pipes[index] = ends[0]
    return ends[1]
  }

  // MARK: One turn

  /// Does what is due.
  private mutating func advance() {
    let now = Moment.now
    if program != 0 {
      if now >= nextMemoryLook { lookAtMemory(now) }
      if samples.isDue(meter.elapsed) { sample() }
    }
    if case .clearing(let until) = phase { clear(until: until, now) }
    if case .keeping = phase, helper == 0 {
      if mustKeep { startKeeping() } else { deliver() }
    }
    if program != 0, now >= captureAt { startCapture() }
    if delivery.wantsStop { stop() }
    let (meter, helper, isRunning) = (meter, helper, program != 0)
    let written = delivery.output.fileBytes
    delivery.advance(now, isEnding: isDelivering, isHurried: isStopping, end: end) {
      meter.cost(isRunning ? ProcessTree.members(without: helper) : [], ownWrites: written)
    }
  }

  private var isDelivering: Bool { if case .delivering = phase { true } else { false } }

  private mutating func wait() {
    var entries = [pollfd(fd: signals, events: Int16(POLLIN), revents: 0)]
    for pipe in pipes { entries.append(pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)) }
    // An idle connection is not looked at: that it was closed shows at the next request.
    let interest = delivery.interest
    entries.append(
      pollfd(fd: interest == 0 ? -1 : delivery.descriptor, events: interest, revents: 0))
    let due = min(nextDue, Moment.now + 5)
    let milliseconds = max(0, (due - Moment.now) * 1_000).rounded(.up)
    guard poll(&entries, nfds_t(entries.count), Int32(milliseconds)) > 0 else { return }
    for index in pipes.indices where entries[1 + index].revents != 0 { read(index) }
    if entries[3].revents != 0 { delivery.proceed() }
    if entries[0].revents != 0 { takeSignals() }
  }

  private var nextDue: Double {
    var due = delivery.nextDue(isEnding: isDelivering)
    if case .clearing = phase { due = min(due, Moment.now + 0.02) }
    guard program != 0 else { return due }
    return min(due, nextMemoryLook, captureAt, Moment.now + samples.next - meter.elapsed)
  }

  // MARK: The program's output

  /// Takes what there is, but not without end: others wait, too.
  private mutating func read(_ index: Int) {
    withUnsafeTemporaryAllocation(byteCount: 256 << 10, alignment: 16) { buffer in
      for _ in 0..<8 {
        let count = Glibc.read(pipes[index], buffer.baseAddress, buffer.count)
        if count < 0 && errno == EINTR { continue }
        if count < 0 && errno == EAGAIN { return }
        guard count > 0 else {
          close(pipes[index])
          pipes[index] = -1
          return
        }
        let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])
        delivery.output.append(bytes)
        if index == 0 { lines?.take(bytes) { delivery.points.add($0) } }
      }
    }
  }

  // MARK: Signals and children

  private mutating func takeSignals() {
    while case let number = clinux_next_signal(signals), number != 0 {
      if number != SIGCHLD { stop() }
    }
    reap()
  }

  /// The program is asked to end; whoever asked kills all of it if that takes too long.
  private mutating func stop() {
    isStopping = true
    delivery.wantsStop = false
    if program != 0 { kill(-program, SIGTERM) }
    if helper != 0 { kill(helper, SIGTERM) }
  }

  /// False if there are no children left.
  @discardableResult
  private mutating func reap() -> Bool {
    var ended = clinux_ended()
    while true {
      let found = clinux_wait_any(&ended)
      if found <= 0 { return found == 0 }
      if ended.pid == helper {
        helper = 0
        if delivery.spoolIsOthers, ended.signalled != 0 || ended.value != 0 {
          delivery.output.append("assay: files may be missing that were to be kept\n")
        }
        continue
      }
      meter.take(ended)
      if ended.pid == program { programEnded(ended) }
    }
  }

  private mutating func programEnded(_ ended: clinux_ended) {
    program = 0
    var end =
      ended.signalled != 0
      ? ProgramEnd.killed(by: Int(ended.value), limits: spec.limits)
      : ProgramEnd.exited(Int(ended.value))
    if let memoryFailure {
      end.state = .failed
      end.failure = memoryFailure
    } else if isStopping {
      end.state = .cancelled
      end.failure = nil
    }
    // What made the start impossible is the end already.
    if self.end == nil { self.end = end }
    if let failure = end.failure { delivery.output.append("assay: \(failure.message)\n") }
    phase = .clearing(until: Moment.now + Self.clearingPatience)
  }

  /// Ends what the program has left running.
  private mutating func clear(until: Double, _ now: Double) {
    if !reap() { return afterClearing() }
    let members = ProcessTree.members(without: helper)
    if members.isEmpty && helper != 0 { return afterClearing() }
    let isPatient = now < until && memoryFailure == nil
    for member in members { member.send(isPatient ? SIGTERM : SIGKILL) }
  }

  private mutating func afterClearing() {
    // All writers are gone, so this comes to an end.
    for index in pipes.indices { while pipes[index] >= 0, drains(index) {} }
    lines?.finish { delivery.points.add($0) }
    lines = nil
    mustKeep = !spec.keep.isEmpty && !delivery.isRefused
    phase = .keeping
  }

  /// Whether there was something; the pipe is closed when there is nothing.
  private mutating func drains(_ index: Int) -> Bool {
    let before = delivery.output.taken
    read(index)
    if delivery.output.taken == before, pipes[index] >= 0 {
      close(pipes[index])
      pipes[index] = -1
    }
    return pipes[index] >= 0
  }

  private mutating func deliver() {
    for index in pipes.indices { while pipes[index] >= 0, drains(index) {} }
    delivery.output.finish()
    delivery.spoolIsOthers = false
    phase = .delivering
  }

  /// Starts `assay-worker` to keep the files that the spec names: it compresses them, and has the
  /// spool where the daemon is away.
  private mutating func startKeeping() {
    mustKeep = false
    delivery.spoolIsOthers = true
    startHelper("--keep")
  }

  /// A program that is over at once has no time for it.
  private mutating func startCapture() {
    captureAt = Moment.never
    guard Surroundings.areWorthRecording(spec) else { return }
    startHelper("--capture")
  }

  private mutating func startHelper(_ task: String) {
    do {
      // What it says comes after what the program said.
      var output: Int32 = -1
      if task == "--keep" { output = try openPipe(0) }
      defer { if output >= 0 { close(output) } }
      helper = try HelperStart.start(task, folder: files.folder, output: output)
    } catch {
      delivery.output.append("assay: \(error.message)\n")
    }
  }

  private func killAll() {
    for _ in 0..<100 {
      let members = ProcessTree.members()
      if members.isEmpty { return }
      for member in members { member.send(SIGKILL) }
      usleep(10_000)
    }
  }

  // MARK: Measuring

  private mutating func sample() {
    let step = Int64(meter.elapsed)
    let time = WallClock.system.now()
    let members = ProcessTree.members(without: helper)
    let values = meter.sample(members, ownWrites: delivery.output.fileBytes)
    for (key, value) in values {
      delivery.points.add(MetricPoint(key: key, step: step, epoch: nil, time: time, value: value))
    }
    samples.taken()
  }

  private mutating func lookAtMemory(_ now: Double) {
    nextMemoryLook = now + Self.memoryInterval
    guard let limit = spec.limits.memory, memoryFailure == nil else { return }
    let members = ProcessTree.members(without: helper)
    let used = meter.residentBytes(members)
    guard used > Int64(limit) else { return }
    memoryFailure = Failure(
      code: "memory_limit_exceeded",
      message: "the program and what it started used \(used) bytes of memory; the limit is \(limit)"
    )
    nextMemoryLook = Moment.never
    for member in members { member.send(SIGKILL) }
  }
}

/// When the tree is measured: early at first, then every few seconds.
struct SampleTimes {
  private(set) var next = 0.25
  private static let first = [1.0, 2, 3, 5]
  private static let interval = 5.0

  func isDue(_ elapsed: Double) -> Bool { elapsed >= next }

  mutating func taken() {
    next = Self.first.first { $0 > next } ?? next + Self.interval
  }
}
