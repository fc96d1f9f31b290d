// Takes the power from the disk that the store lies on, at random instants under writers of every
// kind: ext4 in a file, stopped by its shutdown call without flushing its journal. What was
// acknowledged must be there after the next mount. Beside it, as a control, a file that is written
// without a sync just before each cut: unless that gets lost, the cut was none.
import BenchSupport
import Foundation

enum PowerCut {
  private static let cutsPerDisk = 30

  static func run(_ options: Options, _ figures: inout Figures) throws {
    guard ScratchDisk.isPossible else { return say("skipped: mounting a disk takes root") }
    do {
      try ScratchDisk.ownMounts()
      let place = try Place(programs: options.programs)
      defer { place.remove() }
      try ScratchDisk.ext4(place.base, megabytes: 64).unmount()
    } catch {
      return say("skipped: no disk can be made and mounted here: \(error)")
    }
    let rounds = options.rounds(quick: 10, full: 300)
    var random = Random(seed: options.seed)
    var cuts = Cuts(options: options)
    let start = Moment.now
    while cuts.count < rounds {
      try cuts.disk(cuts: min(cutsPerDisk, rounds - cuts.count), &random)
      say(
        "\(cuts.count) cuts in \(Int(Moment.now - start)) s, \(cuts.acknowledged) writes, "
          + "\(cuts.findings.total) findings")
    }
    cuts.report(&figures)
  }

  private struct Cuts {
    let options: Options
    let findings = Findings()
    private(set) var count = 0
    private(set) var acknowledged = 0
    private var points = 0
    private var controlsLost = 0

    init(options: Options) { self.options = options }

    mutating func disk(cuts: Int, _ random: inout Random) throws {
      var place = try Place(programs: options.programs)
      let disk = try ScratchDisk.ext4(place.base, megabytes: 512)
      place.data = disk.mountPoint + "/data"
      let ledger = Ledger()
      // From the cut on everything fails, in whatever way.
      let crew = WriterCrew(
        place, ledger: ledger, findings: findings,
        tolerated: [
          "io_error", "store_closed", "disk_full", "shutting_down", "cannot_open",
          "database_damaged",
        ],
        pause: 0...1_000)
      crew.startAll(&random)
      for _ in 0..<cuts { try cut(place, disk, crew, &random) }
      let daemon = try DaemonProcess(place)
      if !crew.finish() { findings.add("silence", "the writers did not finish: \(place.logTail)") }
      let exit = daemon.stop()
      if exit != .code(0) { findings.add("exit", "after SIGTERM: \(String(describing: exit))") }
      place.endWorkers()
      findings.add("doctor", try StoreCheck.doctor(place))
      findings.add("doctor", try StoreCheck.sqlite(place.database))
      let check = try LedgerCheck(database: place.database, ledger.contents, isExact: true)
      findings.add("missing", check.missing)
      findings.add("doubled", check.surplus)
      acknowledged += crew.tally.acknowledged
      points += ledger.contents.pointCount
      try disk.unmount()
      place.remove()
    }

    private mutating func cut(
      _ place: Place, _ disk: ScratchDisk, _ crew: WriterCrew, _ random: inout Random
    ) throws {
      count += 1
      // Always a new one: ext4 writes a file that is cut to nothing and written anew when it is closed.
      let control = disk.mountPoint + "/control-\(count)"
      let mark = [UInt8]("written before cut \(count)".utf8)
      let daemon: DaemonProcess
      do {
        daemon = try DaemonProcess(place)
      } catch let refusal as DaemonProcess.Refusal {
        return findings.add("start", "\(refusal)")
      }
      Moment.sleep(Double(random.number(10_000...200_000)) / 1e6)
      try Files.writeUnsynced(mark, to: control)
      crew.losePower()
      try disk.cutPower()
      Moment.sleep(Double(random.number(0...20_000)) / 1e6)
      daemon.kill()
      place.endWorkers()
      try disk.unmount()
      try disk.mount()
      if (try? Files.bytes(control)) != mark { controlsLost += 1 }
      findings.add("doctor", try StoreCheck.doctor(place))
      let check = try LedgerCheck(
        database: place.database, crew.ledger.contents, isExact: false)
      findings.add("missing", check.missing.map { "after cut \(count): \($0)" })
      crew.regainPower()
    }

    func report(_ figures: inout Figures) {
      figures.add("power_cuts", Double(count), unit: "", goal: "", holds: nil)
      figures.add(
        "acknowledged_writes", Double(acknowledged), unit: "", goal: "some", holds: acknowledged > 0
      )
      figures.add("acknowledged_points", Double(points), unit: "", goal: "some", holds: points > 0)
      let share = Double(controlsLost) / Double(max(count, 1))
      figures.add(
        "unsynced_control_lost", share, unit: "of cuts", goal: "> 0.8", holds: share > 0.8)
      for (name, kind) in [
        ("missing", "missing"), ("doubled", "doubled"), ("doctor_complaints", "doctor"),
        ("refused_starts", "start"), ("unexpected_answers", "unexpected"),
        ("silences", "silence"), ("unexpected_ends", "exit"),
      ] {
        let found = findings.count(kind)
        figures.add(name, Double(found), unit: "", goal: "0", holds: found == 0)
      }
    }
  }
}
