// What an import has done, for people and as JSON.

import Experiments
import Imports

struct ImportReport: Encodable, Sendable {
  /// Skipped things that are told one by one; the rest is counted.
  private static let mostSkipped = 1_000

  var dryRun = false
  /// Runs by what became of them.
  var imported = 0
  var updated = 0
  var unchanged = 0
  /// Numbers of the imported and updated runs, in their order; none of a dry run.
  var runs: [Int64] = []
  var points: Int64 = 0
  var artifacts = 0
  var artifactBytes: Int64 = 0
  private(set) var skipped: [Skipped] = []
  private(set) var skippedInAll = 0

  mutating func skip(_ skipped: Skipped) {
    skippedInAll += 1
    if self.skipped.count < Self.mostSkipped { self.skipped.append(skipped) }
  }

  mutating func skip(_ what: String, why: String) { skip(Skipped(what, why: why)) }

  var progress: String {
    "\(Numbers.count(imported + updated + unchanged)) runs, \(Numbers.count(points)) points"
  }

  var lines: [String] {
    let isAnything = imported + updated > 0
    var lines = ["\(dryRun ? "would import" : "imported") \(isAnything ? content : "nothing new")"]
    if updated > 0 {
      lines.append("\(Self.runs(updated)) of these had been there and went on")
    }
    if unchanged > 0 { lines.append("\(Self.runs(unchanged)) had been there and did not change") }
    guard skippedInAll > 0 else { return lines }
    lines.append("skipped \(skippedInAll == 1 ? "1 thing" : "\(skippedInAll) things"):")
    let shown = skipped.prefix(Terminal.isInteractive ? 20 : skipped.count)
    for skipped in shown {
      lines.append("  \(ShownText.line(skipped.what)): \(ShownText.line(skipped.why))")
    }
    if shown.count < skippedInAll {
      lines.append("  and \(skippedInAll - shown.count) more; see them with --json")
    }
    return lines
  }

  private var content: String {
    var text = "\(Self.runs(imported + updated)), \(Numbers.count(points)) points"
    if artifacts > 0 {
      text += ", \(artifacts == 1 ? "1 artifact" : "\(Numbers.count(artifacts)) artifacts")"
      text += " (\(Quantities.bytes(artifactBytes)))"
    }
    if let first = runs.first {
      text += ": " + (runs.count > 1 ? "runs \(first) to \(runs.last ?? first)" : "run \(first)")
    }
    return text
  }

  private static func runs(_ count: Int) -> String {
    count == 1 ? "1 run" : "\(Numbers.count(count)) runs"
  }
}
