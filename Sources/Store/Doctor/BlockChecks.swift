// Whether the extremes that are kept of stretches of long series are those of their points. They
// only make plots fast, so wrong ones are simply forgotten.

import Experiments
import GRDB

struct BlockChecks {
  let examination: Examination

  func run() throws {
    var done = 0
    try examination.walk("series", batch: 1) { db, range in
      done += 1
      if done.isMultiple(of: 100) { examination.tell("plots", done) }
      guard try !areRight(db, series: range.lowerBound) else { return }
      let owner = try db.row(
        """
        SELECT m.run_id, k.name FROM series s JOIN metrics m ON m.id = s.metric_id
          JOIN metric_keys k ON k.id = m.key_id WHERE s.id = ?
        """, [range.lowerBound])
      try examination.found(
        DoctorProblem(
          kind: "blocks_wrong", run: owner?[0], thing: "metric \(owner?[1] ?? "(unknown)")",
          message: "the extremes kept for its plot are not those of its points",
          remedy: Remedy.repair), .blocks(series: range.lowerBound), in: db)
    }
  }

  private func areRight(_ db: Database, series: Int64) throws -> Bool {
    let blocks: [SeriesBlocks.Block]
    do {
      blocks = try SeriesBlocks.blocks(db, series: series, steps: .min ... .max)
    } catch StoreError.databaseDamaged {
      return false
    }
    for block in blocks {
      var bucket = Bucket()
      var cursor = try SeriesCursor(db, series: series, steps: block.steps)
      defer { cursor.close() }
      while let point = cursor.point {
        bucket.add(point)
        try cursor.advance()
      }
      let points = bucket.points
      guard bucket.count == block.count, points.count == block.points.count,
        zip(points, block.points).allSatisfy({ Self.isSame($0, $1) })
      else { return false }
    }
    return true
  }

  /// NaN being the same as NaN.
  private static func isSame(_ one: StoredPoint, _ other: StoredPoint) -> Bool {
    one.step == other.step && one.time == other.time && one.epoch == other.epoch
      && (one.value == other.value || one.value.isNaN && other.value.isNaN)
  }
}
