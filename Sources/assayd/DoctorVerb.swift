// `assayd doctor`: examines the database, by the daemon that serves it, or by this program if there
// is none, and then repairs it if asked to. Exit codes: 0 nothing is wrong, 1 something is, 2 it
// could not be examined.

import ArgumentParser
import Experiments
import Foundation
import Server
import Store
import Wire

struct DoctorVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Examines all that is recorded, and repairs what can be.",
    discussion: """
      Looks at the database's structure, at every hash of every checkpoint and artifact, at \
      references, summaries, logs and states. --repair makes right what can be derived from what \
      is undamaged (summaries, counts, indexes), after a copy has been made; it needs the daemon \
      to be stopped.

      Exit code: 0 nothing is wrong, 1 something is (left), 2 it could not be examined.

      Example:
        assayd doctor --repair
      """)

  @OptionGroup var place: Place

  @Flag(help: "Make right what can be derived, after a copy has been made.")
  var repair = false

  @Flag(help: "Print the report as JSON.")
  var json = false

  func run() async throws {
    await Care.ending(json: json) {
      let folder = try place.dataFolder
      try Care.requireData(folder)
      let meter = ProgressMeter("doctor")
      let report: DoctorReport
      if let lock = try OfflineLock.acquire(dataFolder: folder, verb: "doctor") {
        report = try withExtendedLifetime(lock) {
          try repair
            ? Doctor.repair(folder: folder, clock: .system, progress: meter.show)
            : Doctor.examine(folder: folder, progress: meter.show)
        }
      } else {
        if repair { _ = try OfflineLock.require(dataFolder: folder, verb: "doctor") }
        report = try Care.daemon(folder).post("/doctor", progress: meter.show)
      }
      meter.clear()
      if json {
        try Care.print(json: report)
      } else {
        DoctorText.lines(report).forEach { print($0) }
      }
      if !report.isClean { throw ExitCode(1) }
    }
  }
}

/// A report for people.
enum DoctorText {
  static func lines(_ report: DoctorReport) -> [String] {
    report.problems.map { problem in
      problem.repaired
        ? "\(problem.line) (repaired)" : "\(problem.line) -> \(problem.remedy)"
    } + (report.backup.map { ["the database before the repair is kept: \($0)"] } ?? [])
      + [summary(report)]
  }

  static func summary(_ report: DoctorReport) -> String {
    let counts = report.checked
    let open = report.open.count
    let repaired = report.problems.count - open
    let found =
      report.problems.isEmpty
      ? "nothing is wrong"
      : "\(open) \(open == 1 ? "problem" : "problems")"
        + (repaired > 0 ? ", \(repaired) repaired" : "")
    return "\(found): \(counts.runs) runs, \(counts.series) series with \(counts.points) points, "
      + "\(counts.checkpoints) checkpoints, \(counts.artifacts) artifacts, \(counts.chunks) chunks "
      + "examined in \(Care.seconds(report.seconds))"
  }
}
