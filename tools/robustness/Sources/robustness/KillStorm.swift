// Kills the daemon at random instants, a thousand times, under writers of every kind. Nothing that
// was acknowledged may be missing at the end, nothing may be there twice, and the doctor must be
// content after each kill.
import BenchSupport
import Dispatch
import Foundation
import Synchronization

enum KillStorm {
  /// Kills on one store, before all of it is compared and a new one is begun: so the store stays
  /// small and the storm quick.
  private static let killsPerStore = 50

  static func run(_ options: Options, _ figures: inout Figures) throws {
    let rounds = options.rounds(quick: 50, full: 1_000)
    let findings = Findings()
    let total = Mutex(Tally())
    let start = Moment.now
    let stores = (rounds + killsPerStore - 1) / killsPerStore
    let next = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: min(options.jobs, stores)) { _ in
      while true {
        let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard number < stores else { return }
        var random = Random(seed: options.seed, stream: number)
        var storm = Storm(options: options, findings: findings)
        do {
          try storm.store(kills: min(killsPerStore, rounds - number * killsPerStore), &random)
        } catch {
          findings.add("trouble", "store \(number): \(error)")
        }
        let sum = total.withLock { sum in
          sum.add(storm.tally)
          return sum
        }
        say("\(sum.kills) kills in \(Int(Moment.now - start)) s, \(findings.total) findings")
      }
    }
    report(total.withLock { $0 }, findings, &figures)
  }

  /// What has happened, and what was acknowledged meanwhile.
  private struct Tally: Sendable {
    var kills = 0
    var readies: [Double] = []
    var things: [String: Int] = [:]

    mutating func add(_ other: Tally) {
      kills += other.kills
      readies += other.readies
      things.merge(other.things, uniquingKeysWith: +)
    }

    mutating func add(_ ledger: Ledger.Contents) {
      things["points", default: 0] += ledger.pointCount
      things["params", default: 0] += ledger.paramCount
      things["runs", default: 0] += ledger.runs.count
      things["jobs", default: 0] += ledger.jobs.count
      things["checkpoints", default: 0] += ledger.checkpoints.count
      things["artifacts", default: 0] += ledger.artifacts.count
    }
  }

  private struct Storm {
    let options: Options
    let findings: Findings
    private(set) var tally = Tally()

    init(options: Options, findings: Findings) {
      self.options = options
      self.findings = findings
    }

    mutating func store(kills count: Int, _ random: inout Random) throws {
      let place = try Place(programs: options.programs)
      let ledger = Ledger()
      let crew = WriterCrew(place, ledger: ledger, findings: findings)
      crew.startAll(&random)
      let before = findings.total
      for _ in 0..<count { try kill(place, &random) }
      let daemon = try DaemonProcess(place)
      if !crew.finish() { findings.add("silence", "the writers did not finish: \(place.logTail)") }
      try content(place, ledger.contents)
      let exit = daemon.stop()
      if exit != .code(0) { findings.add("exit", "after SIGTERM: \(String(describing: exit))") }
      findings.add("doctor", try StoreCheck.doctor(place))
      findings.add("doctor", try StoreCheck.sqlite(place.database))
      let check = try LedgerCheck(database: place.database, ledger.contents, isExact: true)
      findings.add("missing", check.missing)
      findings.add("doubled", check.surplus)
      tally.add(ledger.contents)
      if findings.total > before, options.keeps {
        say("kept: \(place.base)")
        place.endWorkers()
      } else {
        place.remove()
      }
    }

    /// One life of the daemon.
    private mutating func kill(_ place: Place, _ random: inout Random) throws {
      tally.kills += 1
      let daemon: DaemonProcess
      do {
        daemon = try DaemonProcess(place)
      } catch let refusal as DaemonProcess.Refusal {
        return findings.add("start", "\(refusal)")
      }
      tally.readies.append(daemon.readyAfter)
      // Half of the time the doctor sees what the kill has left before the daemon does, half of the
      // time what the daemon has made of it.
      let isOnline = random.oneIn(2)
      if isOnline { findings.add("doctor", try StoreCheck.doctor(place)) }
      Moment.sleep(Double(random.number(5_000...150_000)) / 1e6)
      if daemon.hasEnded { findings.add("exit", "it ended by itself: \(place.logTail)") }
      daemon.kill()
      if !isOnline { findings.add("doctor", try StoreCheck.doctor(place)) }
    }

    /// Reads every checkpoint and artifact through the daemon, which compares their hashes.
    private func content(_ place: Place, _ ledger: Ledger.Contents) throws {
      let connection = HTTPConnection(place.socket)
      for (kind, places) in [("checkpoints", ledger.checkpoints), ("artifacts", ledger.artifacts)] {
        for item in places.keys {
          let path =
            kind == "checkpoints" ? "checkpoints/\(item.name)/file" : "artifacts/\(item.name)"
          let reply = try connection.get("/runs/\(item.run)/\(path)")
          if !reply.isSuccess {
            findings.add("missing", "\(kind) \(item.name) of run \(item.run): \(reply.text)")
          }
        }
      }
    }
  }

  private static func report(
    _ tally: Tally, _ findings: Findings, _ figures: inout Figures
  ) {
    figures.add("kills", Double(tally.kills), unit: "", goal: "", holds: nil)
    for kind in ["points", "params", "runs", "jobs", "checkpoints", "artifacts"] {
      let count = tally.things[kind] ?? 0
      figures.add("acknowledged_\(kind)", Double(count), unit: "", goal: "some", holds: count > 0)
    }
    let median = tally.readies.sorted().dropFirst(tally.readies.count / 2).first ?? 0
    figures.add("ready_after_kill_p50", median * 1_000, unit: "ms", goal: "", holds: nil)
    for (name, kind) in [
      ("missing", "missing"), ("doubled", "doubled"), ("doctor_complaints", "doctor"),
      ("refused_starts", "start"), ("unexpected_answers", "unexpected"),
      ("silences", "silence"), ("unexpected_ends", "exit"), ("stores_broken_off", "trouble"),
    ] {
      let count = findings.count(kind)
      figures.add(name, Double(count), unit: "", goal: "0", holds: count == 0)
    }
  }
}
