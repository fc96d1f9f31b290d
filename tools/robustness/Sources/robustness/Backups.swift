// Makes backups one after the other while points go in without pause. Each must be restored into a
// new folder, satisfy the doctor there, and hold every point that was acknowledged before it began.
import BenchSupport
import Foundation
import Synchronization

enum Backups {
  /// Backups of one store, before a new one is begun: so that points are compared quickly.
  private static let perStore = 10
  private static let rateGoal = 5_000.0

  static func run(_ options: Options, _ figures: inout Figures) throws {
    let rounds = options.rounds(quick: 3, full: 100)
    var random = Random(seed: options.seed)
    var series = Series(options: options)
    while series.made < rounds {
      try series.store(backups: min(perStore, rounds - series.made), &random)
      say("\(series.made) backups, \(series.findings.total) findings")
    }
    series.report(&figures)
  }

  private struct Series {
    let options: Options
    let findings = Findings()
    private(set) var made = 0
    private var seconds: [Double] = []
    private var bytes = 0
    /// Points acknowledged while a backup was made, and how many a second then at least.
    private var meanwhile = 0
    private var overall: [Double] = []
    private var compared = 0

    init(options: Options) { self.options = options }

    mutating func store(backups count: Int, _ random: inout Random) throws {
      let place = try Place(programs: options.programs)
      let daemon = try DaemonProcess(place)
      let ledger = Ledger()
      // Enough content for a backup to take a while.
      let connection = HTTPConnection(place.socket)
      let content = ContentMaker(words: 250_000, Random(seed: random.next()))
      for _ in 0..<(options.quick ? 20 : 60) {
        ledger.acknowledge(try FilledStore.send(content, connection))
      }
      let load = PointLoad(place, ledger, findings, pointsPerSecond: rateGoal * 1.1, random.next())
      defer { load.stop() }
      Moment.sleep(0.3)
      let start = (time: Moment.now, points: load.acknowledged)
      let before = findings.total
      for _ in 0..<count {
        made += 1
        Moment.sleep(Double(random.number(0...50_000)) / 1e6)
        try backup(place, ledger, load)
      }
      overall.append(Double(load.acknowledged - start.points) / (Moment.now - start.time))
      load.stop()
      let exit = daemon.stop()
      if exit != .code(0) { findings.add("exit", "after SIGTERM: \(String(describing: exit))") }
      findings.add("doctor", try StoreCheck.doctor(place).map { "the store itself: \($0)" })
      let check = try LedgerCheck(database: place.database, ledger.contents, isExact: true)
      findings.add("missing", (check.missing + check.surplus).map { "the store itself: \($0)" })
      if findings.total > before, options.keeps {
        say("kept: \(place.base)")
      } else {
        place.remove()
      }
    }

    private mutating func backup(_ place: Place, _ ledger: Ledger, _ load: PointLoad) throws {
      let name = "backup \(made)"
      let file = place.base + "/\(made).assay"
      let known = ledger.contents
      let points = load.acknowledged
      let begin = Moment.now
      let result = try ChildProcess.run(
        place.program("assayd"),
        ["backup", "--to", file, "--data", place.data, "--socket", place.socket],
        output: place.base + "/backup.out")
      seconds.append(Moment.now - begin)
      meanwhile += load.acknowledged - points
      guard result.exit == .code(0) else {
        return findings.add("backup", "\(name): \(result.exit) \(result.output)")
      }
      bytes = (try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int) ?? 0
      var restored = try Place(programs: options.programs)
      defer { restored.remove() }
      restored.data = restored.base + "/restored"
      let restore = try ChildProcess.run(
        place.program("assayd"), ["restore", file, "--data", restored.data],
        output: restored.base + "/restore.out")
      guard restore.exit == .code(0) else {
        return findings.add("restore", "\(name): \(restore.exit) \(restore.output)")
      }
      findings.add("doctor", try StoreCheck.doctor(restored).map { "\(name): \($0)" })
      findings.add("doctor", try StoreCheck.sqlite(restored.database).map { "\(name): \($0)" })
      let check = try LedgerCheck(database: restored.database, known, isExact: false)
      findings.add("missing", (check.missing + check.surplus).map { "\(name): \($0)" })
      compared += known.pointCount
      unlink(file)
    }

    func report(_ figures: inout Figures) {
      figures.add("backups", Double(made), unit: "", goal: "", holds: nil)
      let median = seconds.sorted()[seconds.count / 2]
      figures.add("backup_p50", median * 1_000, unit: "ms", goal: "", holds: nil)
      figures.add("backup_size", Double(bytes) / 1e6, unit: "MB", goal: "", holds: nil)
      let least = overall.min() ?? 0
      figures.add(
        "points_per_second", least, unit: "points/s", goal: ">= 5000",
        holds: options.quick ? nil : least >= rateGoal)
      figures.add(
        "points_during_backups", Double(meanwhile), unit: "", goal: "some", holds: meanwhile > 0)
      figures.add(
        "points_compared", Double(compared), unit: "", goal: "some", holds: compared > 0)
      for (name, kind) in [
        ("missing", "missing"), ("doctor_complaints", "doctor"), ("refused_backups", "backup"),
        ("refused_restores", "restore"), ("unexpected_answers", "unexpected"),
        ("unexpected_ends", "exit"),
      ] {
        let found = findings.count(kind)
        figures.add(name, Double(found), unit: "", goal: "0", holds: found == 0)
      }
    }
  }
}

/// Points that go in at an even pace from a thread of their own.
private final class PointLoad: Sendable {
  private static let perWrite = 100

  private struct State {
    var isWanted = true
    var isRunning = true
    var acknowledged = 0
  }

  private let state = Mutex(State())

  init(
    _ place: Place, _ ledger: Ledger, _ findings: Findings, pointsPerSecond rate: Double,
    _ seed: UInt64
  ) {
    let socket = place.socket
    Thread.detachNewThread { [self] in
      let maker = PointMaker(.columns(Self.perWrite), Random(seed: seed))
      let connection = HTTPConnection(socket)
      var next = Moment.now
      while state.withLock({ $0.isWanted }) {
        do {
          ledger.acknowledge(try FilledStore.send(maker, connection))
          // The first write makes the run.
          state.withLock { $0.acknowledged += Self.perWrite }
        } catch {
          findings.add("unexpected", "\(error)")
          break
        }
        next += Double(Self.perWrite) / rate
        // Who falls behind catches up.
        Moment.sleep(next - Moment.now)
      }
      state.withLock { $0.isRunning = false }
    }
  }

  var acknowledged: Int { state.withLock { $0.acknowledged } }

  /// Returns when the last write has been answered.
  func stop() {
    state.withLock { $0.isWanted = false }
    while state.withLock({ $0.isRunning }) { usleep(1_000) }
  }
}
