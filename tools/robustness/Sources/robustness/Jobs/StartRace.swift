// A hundred daemons started at once on one data folder: one serves, the others say why they don't,
// soon. Then a hundred more beside it, while somebody talks to it and must not notice.
import BenchSupport
import Foundation

enum StartRace {
  /// From the start of one that does not serve to its end.
  private static let patience = 2.0

  static func run(_ options: Options, _ figures: inout Figures) throws {
    let rounds = options.rounds(quick: 1, full: 5)
    let count = options.quick ? 30 : 100
    let findings = Findings()
    var ends: [Double] = []
    var honest: [Double] = []
    for round in 1...rounds {
      let place = try Place(programs: options.programs)
      defer { place.remove() }
      let first = try race(place, isFirst: true, count: count, findings, &ends)
      guard first.count == 1, let winner = first.first else {
        findings.add("winners", "round \(round): \(first.count) daemons serve at once")
        for process in first { process.kill() }
        continue
      }
      guard serves(place) else {
        findings.add("winners", "round \(round): the one that goes on does not serve")
        winner.kill()
        continue
      }
      let clients = HonestClients.usual(place, findings: findings)
      let second = try race(place, isFirst: false, count: count, findings, &ends)
      Moment.sleep(0.2)
      honest += clients.end()
      if !second.isEmpty {
        findings.add("winners", "round \(round): \(second.count) serve beside the first")
        for process in second { process.kill() }
      }
      winner.signal(SIGTERM)
      let exit = winner.wait(seconds: 30)
      if exit != .code(0) {
        findings.add("winners", "the one that served ended \(String(describing: exit))")
        winner.kill()
      }
      findings.add("doctor", try StoreCheck.doctor(place))
    }
    report(ends, honest, findings, options, &figures)
  }

  /// Starts so many and waits for those that end by themselves.
  /// - Returns: those that go on.
  private static func race(
    _ place: Place, isFirst: Bool, count: Int, _ findings: Findings, _ ends: inout [Double]
  ) throws -> [ChildProcess] {
    struct Runner {
      let process: ChildProcess
      let log: String
      let start: Double
      var end: Double?
    }
    var runners: [Runner] = []
    for number in 0..<count {
      let log = "\(place.base)/race-\(isFirst ? "a" : "b")\(number).log"
      let process = try ChildProcess(
        place.program("assayd"),
        [
          "run", "--data", place.data, "--socket", place.socket, "--slots", "1", "--worker",
          place.idleWorker,
        ], output: log)
      runners.append(Runner(process: process, log: log, start: Moment.now))
    }
    let most = isFirst ? count - 1 : count
    let limit = Moment.now + 60
    while runners.count(where: { $0.end != nil }) < most, Moment.now < limit {
      for index in runners.indices where runners[index].end == nil {
        if runners[index].process.wait(seconds: 0) != nil { runners[index].end = Moment.now }
      }
      usleep(1_000)
    }
    for runner in runners {
      guard let end = runner.end else { continue }
      ends.append(end - runner.start)
      let text = try Files.text(runner.log)
      if runner.process.wait(seconds: 0) != .code(1)
        || !text.contains("a daemon is running already")
      {
        findings.add(
          "message", "\(String(describing: runner.process.wait(seconds: 0))): \(text.prefix(300))")
      }
    }
    return runners.filter { $0.end == nil }.map(\.process)
  }

  /// Whether somebody takes connections within ten seconds.
  private static func serves(_ place: Place) -> Bool {
    for _ in 0..<1_000 {
      do {
        _ = try RawSocket(place.socket)
        return true
      } catch {
        usleep(10_000)
      }
    }
    return false
  }

  private static func report(
    _ ends: [Double], _ honest: [Double], _ findings: Findings, _ options: Options,
    _ figures: inout Figures
  ) {
    figures.add("daemons_refused", Double(ends.count), unit: "", goal: "", holds: nil)
    let slowest = ends.max() ?? .nan
    figures.add(
      "refused_after", slowest, unit: "s", goal: "<= 2",
      holds: options.quick ? nil : slowest <= patience)
    figures.add(
      "client_p99_during_race", HonestClients.percentile(0.99, of: honest) * 1_000, unit: "ms",
      goal: "", holds: nil)
    for (name, kind) in [
      ("rounds_without_one_winner", "winners"), ("unclear_messages", "message"),
      ("client_failures_during_race", "honest"), ("race_doctor_complaints", "doctor"),
    ] {
      let number = findings.count(kind)
      figures.add(name, Double(number), unit: "", goal: "0", holds: number == 0)
    }
  }
}
