// The points of a metric that count: of each step what the newest attempt wrote, since a resumed
// attempt repeats steps. Where only one attempt wrote, its series is read as it lies; where several
// did, their series are merged.

import Experiments
import GRDB

struct CountedPoints {
  /// Steps in which the same attempts wrote.
  struct Stretch: Equatable {
    var steps: ClosedRange<Int64>
    /// Ids of their series, newest attempt first; never empty.
    var series: [Int64]
  }

  /// In order of steps.
  let stretches: [Stretch]
  private let db: Database

  init(_ db: Database, metric: Int64) throws {
    self.db = db
    let all = try Self.series(db, metric: metric)
    // The one that there is almost always need not be asked for its ends.
    if all.count == 1 {
      stretches = [Stretch(steps: .min ... .max, series: all)]
      return
    }
    var spans: [(series: Int64, steps: ClosedRange<Int64>)] = []
    for series in all {
      if let steps = try Self.span(db, series: series) { spans.append((series, steps)) }
    }
    stretches = Self.stretches(spans)
  }

  /// Newest attempt first.
  private static func series(_ db: Database, metric: Int64) throws -> [Int64] {
    let statement = try DirectStatement(
      db, "SELECT id FROM series WHERE metric_id = ? ORDER BY attempt DESC")
    statement.bind(1, metric)
    defer { statement.reset() }
    var all: [Int64] = []
    while try statement.step() { all.append(statement.int64(0)) }
    return all
  }

  /// The steps of a series' first and last points; nil if it has none.
  private static func span(_ db: Database, series: Int64) throws -> ClosedRange<Int64>? {
    let ends = try ["", "DESC"].compactMap { order in
      try db.int64(
        "SELECT step FROM metric_points WHERE series_id = ? ORDER BY step \(order) LIMIT 1",
        [series])
    }
    guard ends.count == 2 else { return nil }
    guard ends[0] <= ends[1] else {
      throw StoreError.databaseDamaged("the points of series \(series) are out of order")
    }
    return ends[0]...ends[1]
  }

  /// Cut where one begins and after one ends.
  private static func stretches(
    _ spans: [(series: Int64, steps: ClosedRange<Int64>)]
  ) -> [Stretch] {
    var cuts = Set(spans.map(\.steps.lowerBound))
    for span in spans where span.steps.upperBound < .max {
      cuts.insert(span.steps.upperBound + 1)
    }
    let sorted = cuts.sorted()
    return sorted.indices.compactMap { index in
      let first = sorted[index]
      let last = index + 1 < sorted.count ? sorted[index + 1] - 1 : Int64.max
      let active = spans.filter { $0.steps.contains(first) }.map(\.series)
      return active.isEmpty ? nil : Stretch(steps: first...last, series: active)
    }
  }

  /// Hands over all of them in order of (step, time, value).
  func forEach(_ body: (StoredPoint) throws -> Void) throws {
    for stretch in stretches { try forEach(stretch, body) }
  }

  /// Adds all of them to columns.
  /// - Parameters:
  ///   - origin: the run's creation.
  ///   - count: how many there probably are.
  func append(to columns: inout PointSeries, origin: Int64, count: Int) throws {
    columns.reserveCapacity(count)
    for stretch in stretches {
      guard stretch.series.count == 1 else {
        try forEach(stretch) {
          columns.append(
            step: $0.step, time: origin &+ $0.time, value: $0.value, epoch: $0.epoch)
        }
        continue
      }
      try SeriesCursor.append(
        db, series: stretch.series[0], steps: stretch.steps, origin: origin, to: &columns)
    }
  }

  func forEach(_ stretch: Stretch, _ body: (StoredPoint) throws -> Void) throws {
    guard stretch.series.count > 1 else {
      var cursor = try SeriesCursor(db, series: stretch.series[0], steps: stretch.steps)
      defer { cursor.close() }
      while let point = cursor.point {
        try body(point)
        try cursor.advance()
      }
      return
    }
    var cursors = try cursors(stretch, falling: false)
    defer { for index in cursors.indices { cursors[index].close() } }
    while let step = cursors.compactMap(\.point?.step).min() {
      var isTaken = false
      for index in cursors.indices where cursors[index].point?.step == step {
        while let point = cursors[index].point, point.step == step {
          if !isTaken { try body(point) }
          try cursors[index].advance()
        }
        isTaken = true
      }
    }
  }

  /// Hands over the last point of each step that is not after `step`, in falling order of steps,
  /// until `body` returns false.
  func forEachStepBackwards(
    from step: Int64 = .max, _ body: (StoredPoint) throws -> Bool
  ) throws {
    for stretch in stretches.reversed() where stretch.steps.lowerBound <= step {
      var bounded = stretch
      bounded.steps = stretch.steps.lowerBound...min(stretch.steps.upperBound, step)
      guard try backwards(bounded, body) else { return }
    }
  }

  /// - Returns: whether to go on.
  private func backwards(
    _ stretch: Stretch, _ body: (StoredPoint) throws -> Bool
  ) throws -> Bool {
    var cursors = try cursors(stretch, falling: true)
    defer { for index in cursors.indices { cursors[index].close() } }
    while let step = cursors.compactMap(\.point?.step).max() {
      var isTaken = false
      for index in cursors.indices where cursors[index].point?.step == step {
        if !isTaken, let point = cursors[index].point {
          guard try body(point) else { return false }
        }
        isTaken = true
        while cursors[index].point?.step == step { try cursors[index].advance() }
      }
    }
    return true
  }

  private func cursors(_ stretch: Stretch, falling: Bool) throws -> [SeriesCursor] {
    let isShared = stretch.series.count == 1
    return try stretch.series.map {
      try SeriesCursor(
        db, series: $0, steps: stretch.steps, falling: falling, isShared: isShared)
    }
  }
}
