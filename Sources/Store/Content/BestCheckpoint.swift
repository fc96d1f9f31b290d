// Which of a run's checkpoints is the best: by the run's metric at their epochs, of equal ones the
// earliest. Without such values, or where the metric has no direction, the newest.

import Experiments
import GRDB

struct BestCheckpoint {
  private let db: Database
  /// Nil: there is nothing to compare.
  private let rule: (points: CountedPoints, direction: MetricDirection)?

  init(_ db: Database, run: Int64) throws {
    self.db = db
    let row = try db.row(
      """
      SELECT k.name, m.id FROM runs r JOIN metric_keys k ON k.name = r.best_metric
        JOIN metrics m ON m.key_id = k.id AND m.run_id = r.id
      WHERE r.id = ?
      """, [run])
    let direction = row.map { MetricDirection(metric: $0[0]) } ?? .none
    if let row, direction != .none {
      rule = (try CountedPoints(db, metric: row[1]), direction)
    } else {
      rule = nil
    }
  }

  typealias Place = (epoch: Int, step: Int64)

  /// - Parameter places: of all checkpoints, in order of their epochs.
  /// - Returns: the index of the best; nil if there are none.
  func index(of places: [Place]) throws -> Int? {
    var best: (index: Int, value: Double)?
    for (index, place) in places.enumerated() {
      guard let value = try value(at: place) else { continue }
      if let known = best?.value, !isBetter(value, than: known) { continue }
      best = (index, value)
    }
    return best?.index ?? places.indices.last
  }

  /// Whether a checkpoint that is newer than all others is better than the one that was the best of
  /// them.
  func isBetter(newest: Place, than best: Place) throws -> Bool {
    guard let old = try value(at: best) else { return true }
    guard let new = try value(at: newest) else { return false }
    return isBetter(new, than: old)
  }

  private func isBetter(_ value: Double, than known: Double) -> Bool {
    rule?.direction == .higher ? value > known : value < known
  }

  /// What the metric had at the checkpoint's epoch, unless it is not a number. Looks at the
  /// checkpoint's own step first, since a series may hold millions of points.
  private func value(at place: Place) throws -> Double? {
    guard let points = rule?.points else { return nil }
    let epoch = Int64(place.epoch)
    var found: Double?
    try points.forEachStepBackwards(from: place.step) { point in
      guard let own = point.epoch else { return true }
      if own == epoch { found = point.value }
      return own > epoch
    }
    if found == nil {
      try points.forEachStepBackwards { point in
        if point.epoch == epoch { found = point.value }
        return found == nil && point.step > place.step
      }
    }
    return found.flatMap { $0.isNaN ? nil : $0 }
  }
}
