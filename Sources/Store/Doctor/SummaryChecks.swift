// Whether the summary of each series is that of its points. What it is compared with is computed
// from the points alone, as a series that is written anew would have it.

import Experiments
import GRDB

struct SummaryChecks {
  let examination: Examination

  /// Sums of the same numbers in another order differ by their rounding.
  private static let relativeError = 1e-9

  func run() throws {
    let total = try examination.read("table metrics") { db in
      try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM metrics")
    }
    try examination.walk("metrics", batch: 1) { db, range in
      if examination.counts.series.isMultiple(of: 100) {
        examination.tell("series", examination.counts.series, of: (total ?? 0) ?? 0)
      }
      guard let stored = try SummaryRows.stored(db, metric: range.lowerBound) else { return }
      examination.counts.series += 1
      let (totals, magnitude) = try SummaryRows.recomputed(db, metric: range.lowerBound)
      examination.counts.points += totals.count
      let differing = Self.differences(stored.totals, totals, magnitude: magnitude)
      guard !differing.isEmpty else { return }
      try examination.found(
        DoctorProblem(
          kind: "summary_wrong", run: stored.run, thing: "metric \(stored.key)",
          message: "its summary is not that of its points: "
            + differing.joined(separator: ", "), remedy: Remedy.repair),
        .summary(metric: range.lowerBound), in: db)
    }
  }

  private static func differences(
    _ stored: SeriesSummary.Totals, _ totals: SeriesSummary.Totals, magnitude: Double
  ) -> [String] {
    var result: [String] = []
    func compare<Value: Equatable>(_ name: String, _ path: KeyPath<SeriesSummary.Totals, Value>) {
      if stored[keyPath: path] != totals[keyPath: path] {
        result.append("\(name) is \(stored[keyPath: path]), not \(totals[keyPath: path])")
      }
    }
    func compare(_ name: String, _ path: KeyPath<SeriesSummary.Totals, Double>, within: Double = 0)
    {
      let (is_, should) = (stored[keyPath: path], totals[keyPath: path])
      if is_ == should || is_.isNaN && should.isNaN || abs(is_ - should) <= within { return }
      result.append("\(name) is \(is_), not \(should)")
    }
    compare("count", \.count)
    guard totals.count > 0 else { return result }
    compare("numbers", \.numbers)
    compare("last", \.last)
    compare("last step", \.lastStep)
    compare("last time", \.lastTime)
    compare("last epoch", \.lastEpoch)
    compare("min", \.min)
    compare("max", \.max)
    compare("sum", \.sum, within: magnitude * relativeError)
    return result
  }
}
