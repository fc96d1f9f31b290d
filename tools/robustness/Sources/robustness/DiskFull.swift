// Fills the disk that the store lies on, by what the store takes itself or by somebody else's file,
// and gives it room again. On the full disk reads go on, every write is refused at once with
// `disk_full`, and what is deleted is gone; with room again writing resumes without a restart.
// Nothing that was acknowledged is missing at the end, and nothing of what was refused is there.
import BenchSupport
import Foundation

enum DiskFull {
  private static let megabytes = 64
  /// Milliseconds within which a write must be refused, and seconds until writing must go on.
  private static let refusalGoal = 100.0
  private static let resumptionGoal = 2.0

  static func run(_ options: Options, _ figures: inout Figures) throws {
    do {
      guard ScratchDisk.isPossible else { throw Trouble("mounting a disk takes root") }
      try ScratchDisk.ownMounts()
      let place = try Place(programs: options.programs)
      defer { place.remove() }
      try ScratchDisk.memory(place.base, megabytes: 1).unmount()
    } catch {
      say("skipped: \(error)")
      return figures.add("disks_filled", 0, unit: "", goal: "", holds: nil)
    }
    var random = Random(seed: options.seed)
    let findings = Findings()
    var refusals: [Double] = []
    var resumptions: [Double] = []
    let rounds = options.rounds(quick: 3, full: 30)
    for number in 0..<rounds {
      let filler = DiskRound.Filler.allCases[number % DiskRound.Filler.allCases.count]
      let before = findings.total
      let round = try DiskRound(options, findings, megabytes: megabytes, &random)
      do {
        try round.run(filler)
      } catch {
        findings.add("trouble", "\(filler): \(error)\n\(round.logTail)")
      }
      refusals += round.refusals
      resumptions += round.resumptions
      try round.end(keeps: options.keeps && findings.total > before)
      say("\(number + 1) disks filled, \(refusals.count) refusals, \(findings.total) findings")
    }
    figures.add("disks_filled", Double(rounds), unit: "", goal: "", holds: nil)
    figures.add(
      "refusals", Double(refusals.count), unit: "writes", goal: "some", holds: !refusals.isEmpty)
    figures.add(
      "refusal_p50", refusals.sorted()[safe: refusals.count / 2] * 1_000, unit: "ms", goal: "",
      holds: nil)
    // In the short form others use the machine: times are only printed.
    let slowest = (refusals.max() ?? 0) * 1_000
    figures.add(
      "refusal_max", slowest, unit: "ms", goal: "<= 100",
      holds: options.quick ? nil : slowest <= refusalGoal)
    let latest = resumptions.max() ?? .infinity
    figures.add(
      "resumption_max", latest, unit: "s", goal: "<= 2",
      holds: options.quick ? nil : latest <= resumptionGoal)
    for (name, kind) in [
      ("unread", "read"), ("refused_otherwise", "unexpected"), ("never_refused", "never refused"),
      ("refused_deletions", "deletion"), ("not_resumed", "resumption"), ("missing", "missing"),
      ("doubled", "doubled"), ("doctor_complaints", "doctor"), ("unexpected_ends", "exit"),
      ("silences", "silence"), ("rounds_broken_off", "trouble"),
    ] {
      let found = findings.count(kind)
      figures.add(name, Double(found), unit: "", goal: "0", holds: found == 0)
    }
  }
}

extension [Double] {
  /// 0 beyond its end.
  fileprivate subscript(safe index: Int) -> Double { indices.contains(index) ? self[index] : 0 }
}
