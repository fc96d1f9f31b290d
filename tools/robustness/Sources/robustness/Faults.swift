// Fails one system call of the daemon after the other, with a preloaded library: the k-th write,
// sync, open, rename or truncate, with EIO or ENOSPC, once or from then on, while it starts, logs,
// takes jobs, checkpoints and artifacts, backs up, collects garbage, stops and migrates. It may
// answer with errors that have a code, or end with one; it may never crash, damage its file, lose
// what it acknowledged, or acknowledge anything after a sync has failed.
import BenchSupport
import Dispatch
import Foundation
import Synchronization

enum Faults {
  static func run(_ options: Options, _ figures: inout Figures) throws {
    let sweep = try FaultSweep(options)
    defer { sweep.remove() }
    let trials = try sweep.trials(seed: options.seed)
    say("\(trials.count) trials")
    let start = Moment.now
    let next = Atomic(0)
    let fired = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: options.jobs) { _ in
      while true {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < trials.count else { return }
        do {
          if try sweep.run(trials[index], number: index) {
            fired.wrappingAdd(1, ordering: .relaxed)
          }
        } catch {
          sweep.findings.add("trouble", "\(trials[index]): \(error)")
        }
        if index % 250 == 249 {
          say(
            "\(index + 1) trials in \(Int(Moment.now - start)) s, \(sweep.findings.total) findings")
        }
      }
    }
    figures.add("trials", Double(trials.count), unit: "", goal: "", holds: nil)
    let count = fired.load(ordering: .relaxed)
    figures.add("calls_failed", Double(count), unit: "trials", goal: "some", holds: count > 0)
    for (name, kind) in [
      ("damaged", "doctor"), ("acknowledged_lost", "missing"), ("doubled", "doubled"),
      ("crashes", "crash"), ("errors_without_code", "uncoded"), ("hangs", "hang"),
      ("acknowledged_after_failed_sync", "after sync"), ("alive_after_failed_sync", "lives on"),
      ("refused_restarts", "restart"), ("broken_backups", "backup"),
      ("trials_broken_off", "trouble"),
    ] {
      let found = sweep.findings.count(kind)
      figures.add(name, Double(found), unit: "", goal: "0", holds: found == 0)
    }
  }
}

/// What the daemon does while its call fails.
enum FaultPhase: String, CaseIterable, Sendable {
  case start, log, submit, content, backup, gc, stop, migrate
}

struct FaultTrial: Sendable, CustomStringConvertible {
  let phase: FaultPhase
  let fault: FaultControl.Fault

  var description: String { "\(phase): \(fault)" }
}

/// The stores that every trial begins with, and all trials.
struct FaultSweep: Sendable {
  private static let everyCall: Int64 = 200
  private static let beyond = 20
  private static let quickTrials = 24

  let findings = Findings()
  let options: Options
  /// A filled store, and what it has acknowledged.
  private let filled: Place
  private let ledger: Ledger.Contents
  /// A database of the first schema.
  private let old: Place
  private let oldFacts: StoreFacts

  init(_ options: Options) throws {
    self.options = options
    filled = try Place(programs: options.programs)
    let ledger = Ledger()
    try FilledStore.fill(filled, ledger, seed: options.seed)
    self.ledger = ledger.contents
    old = try Place(programs: options.programs)
    mkdir(old.data, 0o700)
    try Files.copy(Fixtures.schema("0001.db"), to: old.database)
    oldFacts = try StoreFacts(database: old.database)
  }

  func remove() {
    filled.remove()
    old.remove()
  }

  /// Every kind of call in every phase, as often as it is made there.
  func trials(seed: UInt64) throws -> [FaultTrial] {
    var random = Random(seed: seed, stream: 1)
    var trials: [FaultTrial] = []
    for phase in FaultPhase.allCases {
      for kind in FaultControl.Kind.allCases {
        let calls = try FaultRound(self, phase).count(kind)
        say("\(phase): \(calls) calls of \(kind)")
        guard calls > 0 else { continue }
        var numbers = Array(1...min(calls, Self.everyCall))
        if calls > Self.everyCall {
          numbers += (0..<Self.beyond).map { _ in
            Int64.random(in: Self.everyCall + 1...calls, using: &random)
          }
        }
        for number in numbers {
          for errno in [EIO, ENOSPC] {
            for stays in [false, true] {
              trials.append(
                FaultTrial(
                  phase: phase,
                  fault: .init(kind: kind, errno: errno, which: number, stays: stays)))
            }
          }
        }
      }
    }
    if let only = options.only {
      let chosen = trials.filter { "\($0)".contains(only) }
      return chosen.isEmpty
        ? [] : (0..<(options.rounds ?? chosen.count)).map { chosen[$0 % chosen.count] }
    }
    let wanted = options.rounds ?? (options.quick ? Self.quickTrials : trials.count)
    guard wanted < trials.count else { return trials }
    return quick(trials, wanted, &random)
  }

  /// A sample in which every phase and kind is as far as it goes.
  private func quick(
    _ trials: [FaultTrial], _ count: Int, _ random: inout Random
  ) -> [FaultTrial] {
    var groups = Dictionary(grouping: trials) { "\($0.phase) \($0.fault.kind)" }
    var chosen: [FaultTrial] = []
    while chosen.count < count, !groups.isEmpty {
      for name in groups.keys.sorted().shuffled(using: &random) where chosen.count < count {
        let index = random.number(0...(groups[name]?.count ?? 1) - 1)
        if let trial = groups[name]?.remove(at: index) { chosen.append(trial) }
        if groups[name]?.isEmpty == true { groups[name] = nil }
      }
    }
    return chosen
  }

  /// - Returns: whether the call was made and failed.
  func run(_ trial: FaultTrial, number: Int) throws -> Bool {
    let round = try FaultRound(self, trial.phase)
    return try round.run(trial, isKilled: number.isMultiple(of: 2))
  }

  /// A copy of what a phase begins with.
  fileprivate func place(_ phase: FaultPhase) throws -> Place {
    let place = try Place(programs: options.programs)
    try Files.copy(phase == .migrate ? old.data : filled.data, to: place.data)
    return place
  }

  fileprivate func check(_ place: Place, _ phase: FaultPhase, _ more: Ledger, _ name: String) throws
  {
    guard phase != .migrate else {
      let facts = try StoreFacts(database: place.database)
      // A daemon that has started may have begun a job's next attempt.
      if !facts.holdAll(of: oldFacts) {
        findings.add("missing", "\(name): \(facts) where \(oldFacts) were")
      }
      return
    }
    for contents in [ledger, more.contents] {
      let check = try LedgerCheck(database: place.database, contents, isExact: false)
      findings.add("missing", check.missing.map { "\(name): \($0)" })
      findings.add("doubled", check.surplus.map { "\(name): \($0)" })
    }
  }

  fileprivate func checkBackup(_ path: String, _ name: String) throws {
    findings.add("backup", try StoreCheck.sqlite(path).map { "\(name): \($0)" })
    let check = try LedgerCheck(database: path, ledger, isExact: false)
    findings.add("backup", check.missing.map { "\(name): \($0)" })
  }
}

/// One life of the daemon with at most one fault, and the look at what it has left.
private struct FaultRound {
  private let sweep: FaultSweep
  private let phase: FaultPhase
  private let place: Place
  private let control: FaultControl
  private let ledger = Ledger()
  private var findings: Findings { sweep.findings }

  init(_ sweep: FaultSweep, _ phase: FaultPhase) throws {
    self.sweep = sweep
    self.phase = phase
    place = try sweep.place(phase)
    control = try FaultControl(place)
  }

  private var armsAtStart: Bool { phase == .start || phase == .migrate }

  /// How many calls of a kind the phase makes.
  func count(_ kind: FaultControl.Kind) throws -> Int64 {
    defer { place.remove() }
    if armsAtStart { control.count(kind.rawValue) }
    let daemon = try DaemonProcess(place, environment: control.environment(place))
    if !armsAtStart { control.count(kind.rawValue) }
    try work(daemon, "counting")
    let calls = control.calls
    if phase == .stop { _ = daemon.stop() } else { daemon.kill() }
    return phase == .stop ? control.calls : calls
  }

  func run(_ trial: FaultTrial, isKilled: Bool) throws -> Bool {
    let name = "\(trial)"
    let before = findings.total
    let keeps = sweep.options.keeps
    defer {
      if keeps, findings.total > before {
        say("\(name): see \(place.base); data.ended is what the daemon left")
      } else {
        place.remove()
      }
    }
    if armsAtStart { control.arm(trial.fault) }
    do {
      let daemon = try DaemonProcess(place, environment: control.environment(place), patience: 20)
      if !armsAtStart { control.arm(trial.fault) }
      try work(daemon, name)
      if trial.fault.kind == .sync, control.failed > 0, control.failedInDatabase, phase != .stop,
        !armsAtStart
      {
        afterFailedSync(daemon, name)
      }
      end(daemon, isKilled: isKilled && phase != .stop, name)
    } catch let refusal as DaemonProcess.Refusal {
      refused(refusal, name)
    }
    let fired = control.failed > 0
    place.endWorkers()
    if keeps { try Files.copy(place.data, to: place.base + "/data.ended") }
    try look(name)
    if findings.total > before, keeps {
      say("log of \(name):\n\(place.logTail)")
    }
    return fired
  }

  private func refused(_ refusal: DaemonProcess.Refusal, _ name: String) {
    switch refusal.exit {
    case nil: findings.add("hang", "\(name): \(refusal)")
    case .signal: findings.add("crash", "\(name): \(refusal)")
    case .code: if refusal.code == nil { findings.add("uncoded", "\(name): \(refusal)") }
    }
  }

  /// Nothing begun after it is acknowledged, and the daemon ends within a second.
  private func afterFailedSync(_ daemon: DaemonProcess, _ name: String) {
    let left = Double(control.time + 1_000_000_000 - Moment.nanoseconds) / 1e9
    if daemon.process.wait(seconds: max(0, left)) == nil {
      findings.add("lives on", "\(name)\n\(place.logTail)")
    }
  }

  private func end(_ daemon: DaemonProcess, isKilled: Bool, _ name: String) {
    if let exit = daemon.process.wait(seconds: 0) { return ended(exit, name) }
    if isKilled { return daemon.kill() }
    guard let exit = daemon.stop() else { return findings.add("hang", "\(name): at SIGTERM") }
    ended(exit, name)
  }

  private func ended(_ exit: ChildProcess.Exit, _ name: String) {
    switch exit {
    case .signal(let number):
      findings.add("crash", "\(name): signal \(number)\n\(place.logTail)")
    case .code(0): break
    case .code:
      if !place.logTail.contains("assayd: ") {
        findings.add("uncoded", "\(name): it ended without a word\n\(place.logTail)")
      }
    }
  }

  /// Without faults: the file is sound, opens, and has everything.
  private func look(_ name: String) throws {
    // Of an older schema, as a broken migration leaves it, the doctor examines only the structure.
    if phase != .migrate { try examine(name) }
    do {
      let daemon = try DaemonProcess(place)
      let exit = daemon.stop()
      if exit != .code(0) {
        let end = exit.map { "\($0)" } ?? "no end"
        findings.add("restart", "\(name): \(end) at SIGTERM\n\(place.logTail)")
      }
    } catch let refusal as DaemonProcess.Refusal {
      return findings.add("restart", "\(name): \(refusal)")
    }
    if phase == .migrate { try examine(name) }
    findings.add("doctor", try StoreCheck.sqlite(place.database).map { "\(name): \($0)" })
    try sweep.check(place, phase, ledger, name)
  }

  private func examine(_ name: String) throws {
    findings.add("doctor", try StoreCheck.doctor(place).map { "\(name): \($0)" })
  }

  // MARK: Work

  private func work(_ daemon: DaemonProcess, _ name: String) throws {
    let connection = HTTPConnection(place.socket, patience: 10)
    var random = Random(seed: sweep.options.seed, stream: 2)
    switch phase {
    case .start, .migrate:
      _ = send([Request("GET", "/runs")], connection, daemon, name)
    case .log:
      try write(PointMaker(.single, Random(seed: random.next())), 4, connection, daemon, name)
      try write(PointMaker(.columns(200), Random(seed: random.next())), 4, connection, daemon, name)
      try write(RunMaker(Random(seed: random.next())), 4, connection, daemon, name)
    case .submit:
      try write(JobMaker(Random(seed: random.next())), 2, connection, daemon, name)
      usleep(60_000)
      _ = send([Request("GET", "/jobs")], connection, daemon, name)
    case .content:
      try write(
        ContentMaker(words: 60_000, Random(seed: random.next())), 5, connection, daemon, name)
    case .backup: try backup(daemon, name)
    case .gc: _ = send([Request("POST", "/gc?now=true")], connection, daemon, name)
    case .stop:
      try write(PointMaker(.single, Random(seed: random.next())), 4, connection, daemon, name)
      daemon.process.signal(SIGTERM)
    }
  }

  private func write(
    _ maker: any WriteMaker, _ count: Int, _ connection: HTTPConnection, _ daemon: DaemonProcess,
    _ name: String
  ) throws {
    for _ in 0..<count {
      let requests = try maker.next()
      // What failed is sent once more, with the same content.
      for _ in 0..<2 where !daemon.hasEnded {
        let begin = Moment.nanoseconds
        guard let replies = send(requests, connection, daemon, name) else { continue }
        if isAfterFailedSync(begin) {
          findings.add("after sync", "\(name): \(requests[0].method) \(requests[0].path)")
        }
        ledger.acknowledge(try maker.acknowledged(replies))
        break
      }
      if daemon.hasEnded { return }
    }
  }

  private func isAfterFailedSync(_ begin: Int64) -> Bool {
    control.failed > 0 && control.failedInDatabase && begin > control.time
      && control.kinds == FaultControl.Kind.sync.rawValue
  }

  /// - Returns: nil if one was refused or got no answer.
  private func send(
    _ requests: [Request], _ connection: HTTPConnection, _ daemon: DaemonProcess, _ name: String
  ) -> [HTTPConnection.Reply]? {
    var replies: [HTTPConnection.Reply] = []
    for request in requests {
      do {
        let reply = try connection.send(request)
        guard reply.isSuccess else {
          if reply.errorCode == nil { findings.add("uncoded", "\(name): \(reply.text)") }
          return nil
        }
        replies.append(reply)
      } catch {
        // Only an end of the daemon may cut off an answer.
        if daemon.process.wait(seconds: 1.5) == nil {
          findings.add("hang", "\(name): \(request.method) \(request.path): \(error)")
        }
        return nil
      }
    }
    return replies
  }

  private func backup(_ daemon: DaemonProcess, _ name: String) throws {
    let target = place.base + "/copy.assay"
    let result = try ChildProcess.run(
      place.program("assayd"),
      ["backup", "--to", target, "--data", place.data, "--socket", place.socket],
      output: place.base + "/backup.out")
    switch result.exit {
    case .code(0): try sweep.checkBackup(target, name)
    case .code:
      if result.output.isEmpty { findings.add("uncoded", "\(name): no word from the backup") }
      if Files.exists(target) { findings.add("backup", "\(name): a failed backup left a file") }
    case .signal: findings.add("crash", "\(name): the backup: \(result.output)")
    }
  }
}
