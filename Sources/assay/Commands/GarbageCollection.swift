// `assay gc`: removes for good what was deleted, and gives its space back.

import ArgumentParser
import Client
import Experiments
import Wire

struct GarbageCollectionCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gc",
    abstract: "Remove deleted runs for good and give their space back.",
    discussion: """
      The daemon does this by itself from time to time, for runs that were deleted 30 days ago or \
      more (assayd --undo-days). Runs in a baseline are kept.

      Examples:
        assay gc
        assay gc --now --dry-run
      """)

  @Flag(help: "All deleted runs, without waiting for the days in which rm --undo works.")
  var now = false

  @Flag(help: "Only say what would be removed.")
  var dryRun = false

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      if dryRun {
        let report = try await client.collectGarbage(now: now, dryRun: true)
        return try common.print(report) { Terminal.print(GarbageText.planned(report)) }
      }
      let report = try await GarbageText.collect(client, now: now)
      try common.print(report) { Terminal.print(GarbageText.done(report)) }
    }
  }
}

enum GarbageText {
  /// Asks until all is done.
  static func collect(_ client: AssayClient, now: Bool) async throws -> GarbageReport {
    var report = GarbageReport()
    repeat {
      report.add(try await client.collectGarbage(now: now))
    } while !report.done
    return report
  }

  static func planned(_ report: GarbageReport) -> [String] {
    var lines = ["would remove \(things(report)), about \(Quantities.bytes(report.contentBytes))"]
    if report.fileBytes > 0 {
      lines.append("would give back \(Quantities.bytes(report.fileBytes)) that are free already")
    }
    return lines + kept(report)
  }

  static func done(_ report: GarbageReport) -> [String] {
    let isNothing = report.runs == 0 && report.chunks == 0 && report.points == 0
    let removed = isNothing ? "nothing to remove" : "removed \(things(report))"
    return ["\(removed); the file is \(Quantities.bytes(report.fileBytes)) smaller"] + kept(report)
  }

  private static func things(_ report: GarbageReport) -> String {
    let counts: [(Int64, String)] = [
      (Int64(report.runs), "run"), (report.points, "point"),
      (Int64(report.checkpoints), "checkpoint"), (Int64(report.artifacts), "artifact"),
      (Int64(report.chunks), "chunk"),
    ]
    let parts = counts.filter { $0.0 > 0 }
      .map { "\(Numbers.count($0.0)) \($0.1)\($0.0 == 1 ? "" : "s")" }
    return parts.isEmpty ? "nothing" : parts.joined(separator: ", ")
  }

  private static func kept(_ report: GarbageReport) -> [String] {
    guard !report.keptRunIds.isEmpty else { return [] }
    let verb = report.keptRunIds.count == 1 ? "is" : "are"
    return [
      "deleted, but kept for a baseline, \(verb) \(NumberList.text("run", report.keptRunIds))"
    ]
  }
}
