// Cancels a job whose program does all it can not to be ended: after the grace and a quarter of a
// second none of its processes may be there, and its status must say that it was cancelled.
import BenchSupport
import CAdversary
import Foundation

enum Adversary {
  /// The word by which this program, started as a job's, is the adversary itself.
  static let word = "adversary"
  private static let sleepers = 40
  private static let hoppers = 10
  /// The daemon's own, in seconds.
  private static let grace = 10.0
  private static let slack = 0.25

  static func be() -> Never { adversary_run(Int32(sleepers), Int32(hoppers)) }

  static func run(_ options: Options, _ figures: inout Figures) throws {
    let rounds = options.rounds(quick: 1, full: 10)
    let findings = Findings()
    let place = try Place(programs: options.programs)
    let board = JobBoard(place: place)
    let daemon = try JobStorm.start(place, slots: 2)
    guard try board.knowsCommands() else {
      say("this daemon knows no command jobs: there is no adversary")
      _ = daemon.stop()
      place.remove()
      figures.add("descendants_after_cancel", .nan, unit: "", goal: "0", holds: nil)
      return
    }
    var random = Random(seed: options.seed, stream: 13)
    var slowest = 0.0
    for _ in 0..<rounds {
      let words = [place.program("robustness"), word]
      let spec = JobBoard.command(words, directory: place.base)
      guard let id = try board.submit(JobBoard.uid(&random), spec) else {
        throw Trouble("the daemon is gone: \(place.logTail)")
      }
      let begun = Moment.now
      while adversaries(board, daemon).count < sleepers, Moment.now - begun < 20 { usleep(20_000) }
      let count = adversaries(board, daemon).count
      if count < sleepers { findings.add("weak", "only \(count) adversaries came up") }
      let cancelled = Moment.now
      let reply = try HTTPConnection(place.socket).send(
        Request("POST", "/jobs/\(id)/cancel", json: ""))
      if !reply.isSuccess { findings.add("status", reply.text) }
      Moment.sleep(Double(random.number(0...300)) / 1_000)
      // Until a look, and one after it, finds nobody.
      var gone: Double?
      while Moment.now - cancelled < grace + 20 {
        let look = Moment.now
        if adversaries(board, daemon).isEmpty {
          gone = gone ?? look - cancelled
          if Moment.now - cancelled > (gone ?? 0) + 0.2 { break }
        } else {
          gone = nil
        }
        usleep(10_000)
      }
      slowest = max(slowest, gone ?? .infinity)
      if gone == nil { findings.add("left", "\(adversaries(board, daemon)) are still there") }
      _ = try board.waitForAll(seconds: 10)
      let state = try board.outcomes()[id]?.state ?? "nowhere"
      if state != "cancelled" { findings.add("status", "job \(id) is \(state)") }
    }
    _ = daemon.stop()
    place.remove()
    figures.add("adversaries", Double(rounds), unit: "", goal: "", holds: nil)
    figures.add(
      "adversary_gone_after", slowest, unit: "s", goal: "<= \(grace + slack)",
      holds: options.quick && slowest < grace + 5 ? nil : slowest <= grace + slack)
    for (name, kind) in [
      ("descendants_after_cancel", "left"), ("adversary_not_cancelled", "status"),
      ("adversaries_too_weak", "weak"),
    ] {
      let number = findings.count(kind)
      figures.add(name, Double(number), unit: "", goal: "0", holds: number == 0)
    }
  }

  private static func adversaries(_ board: JobBoard, _ daemon: DaemonProcess) -> [pid_t] {
    board.processes().filter { pid in
      guard pid != daemon.process.pid,
        let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline")
      else { return false }
      return line.firstRange(of: Array(word.utf8)) != nil
    }
  }
}
