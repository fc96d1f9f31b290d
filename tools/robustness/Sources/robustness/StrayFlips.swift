// Flipped bits anywhere in the file: half of them in any byte, half in what is not content, where a
// reader of structures comes by. Everything is read, some is written; an answer may be an error with a
// code, and the daemon may end with one, but not by a signal.
import BenchSupport
import Dispatch
import Foundation
import GRDB
import Synchronization

struct StrayFlips: Sendable {
  private static let leastRequests = 50

  private let options: Options
  private let findings: Findings
  private let store: Place
  private let file: [UInt8]
  private let runs: [Int64]
  private let requests: [Request]
  /// Those without content; numbers from 1.
  private let pages: [Int]
  private let pageBytes: Int
  private let outcomes = Outcomes()

  private final class Outcomes: Sendable {
    let answers = Atomic(0)
    let errors = Atomic(0)
    let refusals = Atomic(0)
  }

  static func run(
    _ options: Options, _ findings: Findings, flips: Int, _ random: inout Random,
    _ figures: inout Figures
  ) throws {
    let stray = try StrayFlips(options, findings, random.next())
    defer { stray.store.remove() }
    let seed = random.next()
    let next = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: options.jobs) { _ in
      while true {
        let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard number < flips else { return }
        var own = Random(seed: seed, stream: number)
        do {
          try stray.flip(&own)
        } catch {
          findings.add("trouble", "flip \(number): \(error)")
        }
        if number % 250 == 249 {
          say("\(number + 1) flips anywhere, \(findings.total) findings")
        }
      }
    }
    stray.report(&figures, flips: flips)
  }

  private init(_ options: Options, _ findings: Findings, _ seed: UInt64) throws {
    self.options = options
    self.findings = findings
    store = try Place(programs: options.programs)
    let ledger = Ledger()
    try FilledStore.fill(store, ledger, seed: seed)
    file = try Files.bytes(store.database)
    runs = ledger.contents.runs.values.sorted()
    let queue = try DatabaseQueue(path: store.database)
    defer { try? queue.close() }  // nothing was written
    (pages, pageBytes) = try queue.read { db in
      (
        try Int.fetchAll(
          db, sql: "SELECT pageno FROM dbstat WHERE name <> 'chunks' ORDER BY pageno"),
        try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 4_096
      )
    }
    let daemon = try DaemonProcess(store)
    let connection = HTTPConnection(store.socket)
    // Those that find something there when nothing is damaged.
    requests = try Self.requests(runs, ledger.contents).filter {
      try connection.send($0).isSuccess
    }
    _ = daemon.stop()
    say("\(requests.count) kinds of requests, \(pages.count) pages without content")
    guard !pages.isEmpty, requests.count >= Self.leastRequests else {
      throw Trouble("\(requests.count) requests and \(pages.count) pages are too few")
    }
  }

  private static func requests(_ runs: [Int64], _ ledger: Ledger.Contents) -> [Request] {
    func get(_ path: String) -> Request { Request("GET", path) }
    var requests = [
      "/status", "/runs", "/runs?where=metrics.loss%20%3C%202&order_by=-metrics.loss",
      "/runs?count=true", "/runs/groups?group_by=experiment", "/runs/table?select=name",
      "/experiments", "/jobs", "/events?limit=100", "/usage", "/baselines", "/schedules", "/checks",
      "/resolve?names=@latest",
    ].map(get)
    for run in runs {
      requests += ["", "/detail", "/checkpoints", "/epochs", "/artifacts", "/log", "/archive"]
        .map { get("/runs/\(run)\($0)") }
      requests += ["/metrics/loss", "/metrics/val_loss?points=100"].map { get("/runs/\(run)\($0)") }
      requests.append(Request("POST", "/runs/\(run)/checkpoints/verify"))
    }
    requests += ledger.checkpoints.keys.map { get("/runs/\($0.run)/checkpoints/\($0.name)/file") }
    requests += ledger.artifacts.keys.map { get("/runs/\($0.run)/artifacts/\($0.name)") }
    if let run = runs.first {
      requests += [
        Request(
          "POST", "/runs/\(run)/metrics",
          json: "{\"points\": [{\"key\": \"loss\", \"step\": 99999, \"value\": 1}]}"),
        Request("POST", "/runs/\(run)/params", json: "{\"params\": {\"after.flip\": 1}}"),
        Request("PATCH", "/runs/\(run)", json: "{\"tags\": {\"after.flip\": \"x\"}}"),
      ]
    }
    return requests + [
      NewRun.request(uid: String(repeating: "ab", count: 16)),
      Request("POST", "/doctor"), Request("POST", "/gc?now=true"),
    ]
  }

  /// One bit, one daemon, and on its stop sometimes the doctor by himself.
  private func flip(_ random: inout Random) throws {
    let offset =
      random.oneIn(2)
      ? random.number(0...file.count - 1)
      : (pages[random.number(0...pages.count - 1)] - 1) * pageBytes
        + random.number(0...pageBytes - 1)
    let bit = random.number(0...7)
    let name = "bit \(bit) of byte \(offset)"
    let place = try Place(programs: options.programs)
    defer { place.remove() }
    guard mkdir(place.data, 0o700) == 0 else { throw Trouble("cannot make \(place.data)") }
    var bytes = file
    bytes[offset] ^= 1 << UInt8(bit)
    try Data(bytes).write(to: URL(fileURLWithPath: place.database))
    do {
      let daemon = try DaemonProcess(place, patience: 30)
      use(daemon, place, name)
      ended(daemon.stop(), place, name)
    } catch let refusal as DaemonProcess.Refusal {
      outcomes.refusals.add(1, ordering: .relaxed)
      switch refusal.exit {
      case nil: findings.add("hang", "\(name): \(refusal)")
      case .signal: findings.add("crash", "\(name): \(refusal)")
      case .code: if refusal.code == nil { findings.add("uncoded", "\(name): \(refusal)") }
      }
    }
    place.endWorkers()
    guard random.oneIn(4) else { return }
    let result = try ChildProcess.run(
      place.program("assayd"), ["doctor", "--json", "--data", place.data],
      output: place.base + "/doctor.out")
    if case .signal = result.exit { findings.add("crash", "\(name): doctor: \(result.output)") }
  }

  private func use(_ daemon: DaemonProcess, _ place: Place, _ name: String) {
    let connection = HTTPConnection(place.socket, patience: 20)
    for request in requests {
      do {
        let reply = try connection.send(request)
        outcomes.answers.add(1, ordering: .relaxed)
        guard !reply.isSuccess else { continue }
        outcomes.errors.add(1, ordering: .relaxed)
        if reply.errorCode == nil {
          findings.add("uncoded", "\(name): \(request.path): \(reply.status) \(reply.text)")
        }
      } catch {
        // Only an end of the daemon may cut off an answer; how it ended is looked at by the caller.
        if daemon.process.wait(seconds: 2) == nil {
          findings.add("hang", "\(name): \(request.method) \(request.path): \(error)")
        }
        return
      }
    }
  }

  private func ended(_ exit: ChildProcess.Exit?, _ place: Place, _ name: String) {
    switch exit {
    case nil: findings.add("hang", "\(name): at SIGTERM: \(place.logTail)")
    case .signal(let number): findings.add("crash", "\(name): signal \(number)\n\(place.logTail)")
    case .code(0): break
    case .code:
      if !place.logTail.contains("assayd: ") {
        findings.add("uncoded", "\(name): it ended without a word\n\(place.logTail)")
      }
    }
  }

  private func report(_ figures: inout Figures, flips: Int) {
    figures.add("flips_anywhere", Double(flips), unit: "", goal: "", holds: nil)
    for (name, value) in [
      ("answers", outcomes.answers.load(ordering: .relaxed)),
      ("answers_with_error", outcomes.errors.load(ordering: .relaxed)),
      ("refused_starts", outcomes.refusals.load(ordering: .relaxed)),
    ] {
      figures.add(name, Double(value), unit: "", goal: "", holds: nil)
    }
    for (name, kind) in [
      ("crashes", "crash"), ("hangs", "hang"), ("errors_without_code", "uncoded"),
      ("flips_broken_off", "trouble"),
    ] {
      let found = findings.count(kind)
      figures.add(name, Double(found), unit: "", goal: "0", holds: found == 0)
    }
  }
}
