// Jobs that end badly: one that prints a gigabyte, one that fills its file system, one whose program
// does not exist, one whose folder is gone. Each must say for itself what was wrong, and the daemon
// must not feel it.
import BenchSupport
import Foundation

enum HardEnds {
  private static let megabytes = 1_000
  private static let diskMegabytes = 16
  /// What the store may grow by for what a gigabyte of output leaves.
  private static let keptMegabytes = 200.0

  static func run(_ options: Options, _ figures: inout Figures) throws {
    let findings = Findings()
    // The mounts must be this process's own before it has other threads; without root there are none.
    let hasDisk = ScratchDisk.isPossible
    if hasDisk { try ScratchDisk.ownMounts() }
    let place = try Place(programs: options.programs)
    let disk = hasDisk ? try ScratchDisk.memory(place.base, megabytes: diskMegabytes) : nil
    defer {
      place.endWorkers()
      do { try disk?.unmount() } catch { say("\(error)") }
      place.remove()
    }
    let board = JobBoard(place: place)
    let daemon = try JobStorm.start(place, slots: 2)
    guard try board.knowsCommands() else {
      say("this daemon knows no command jobs: nothing ends badly")
      _ = daemon.stop()
      figures.add("unclear_ends", .nan, unit: "", goal: "0", holds: nil)
      return
    }
    let honest = HonestClients.usual(place, findings: findings)
    var random = Random(seed: options.seed, stream: 14)
    var cases = try submit(board, disk, options, &random)
    if !hasDisk {
      say("without root no file system is filled")
      cases.removeAll { $0.name == "disk" }
    }
    if try !board.waitForAll(seconds: 300) { findings.add("ends", "not all jobs have ended") }
    let times = honest.end()
    let outcomes = try board.outcomes()
    for one in cases {
      guard let outcome = outcomes[one.id] else {
        findings.add("ends", "\(one.name): it is nowhere")
        continue
      }
      let message = outcome.failureMessage ?? ""
      say("\(one.name): \(outcome.state) \(outcome.failureCode ?? "") \(message)")
      if outcome.state != one.state || !one.words.allSatisfy(message.contains) {
        findings.add(
          "ends",
          "\(one.name) is \(outcome.state): \(message); it must be \(one.state) and name "
            + one.words.joined(separator: ", "))
      }
    }
    let told = Set(cases.compactMap { outcomes[$0.id]?.failureMessage })
    if told.count != cases.count(where: { $0.state == "failed" }) {
      findings.add("ends", "messages are missing or alike: \(told.sorted())")
    }
    let size = Double(Files.size(place.database) + Files.size(place.database + "-wal")) / 1_048_576
    if daemon.hasEnded { findings.add("exit", place.logTail) }
    let exit = daemon.stop()
    if exit != .code(0) { findings.add("exit", "after SIGTERM: \(String(describing: exit))") }
    findings.add("doctor", try StoreCheck.doctor(place))

    figures.add("bad_ends", Double(cases.count), unit: "", goal: "", holds: nil)
    figures.add(
      "store_after_gigabyte", size, unit: "MiB", goal: "<= \(Int(keptMegabytes))",
      holds: size <= keptMegabytes)
    figures.add(
      "honest_p99_beside_bad_ends", HonestClients.percentile(0.99, of: times) * 1_000, unit: "ms",
      goal: "", holds: nil)
    for (name, kind) in [
      ("unclear_ends", "ends"), ("honest_failures_beside_bad_ends", "honest"),
      ("bad_ends_unexpected_ends", "exit"), ("bad_ends_doctor_complaints", "doctor"),
    ] {
      let number = findings.count(kind)
      figures.add(name, Double(number), unit: "", goal: "0", holds: number == 0)
    }
  }

  private struct Case {
    let name: String
    let id: Int64
    let state: String
    /// What the message must name.
    let words: [String]
  }

  private static func submit(
    _ board: JobBoard, _ disk: ScratchDisk?, _ options: Options, _ random: inout Random
  ) throws -> [Case] {
    let base = board.place.base
    let gone = base + "/gone"
    mkdir(gone, 0o700)
    let bytes = (options.quick ? 100 : megabytes) * 1_000_000
    var cases: [Case] = []
    func add(
      _ name: String, _ words: [String], _ folder: String, _ state: String, _ named: [String]
    )
      throws
    {
      guard
        let id = try board.submit(
          JobBoard.uid(&random), JobBoard.command(words, directory: folder))
      else { throw Trouble("the daemon is gone: \(board.place.logTail)") }
      cases.append(Case(name: name, id: id, state: state, words: named))
    }
    // These two keep the slots, so that the folder is gone before its job's turn comes.
    try add(
      "gigabyte", ["/bin/sh", "-c", "sleep 1; head -c \(bytes) /dev/zero | tr '\\0' x"], base,
      "finished", [])
    try add(
      "disk",
      ["/bin/sh", "-c", "sleep 1; dd if=/dev/zero of=filler bs=1M count=\(2 * diskMegabytes)"],
      disk?.mountPoint ?? base, disk == nil ? "finished" : "failed", [])
    try add("program", ["/nowhere/no-such-program"], base, "failed", ["/nowhere/no-such-program"])
    try add("folder", ["true"], gone, "failed", [gone])
    rmdir(gone)
    return cases
  }
}
