// New points of a run since somebody looked last, for live views and alerts.

import Experiments
import GRDB

extension Store {
  /// The points of a run that came after `cursor`, of each metric in order of step and time.
  /// - Parameters:
  ///   - keys: only these metrics; nil: all, the first `Limits.watchedMetrics` at most.
  ///   - most: a metric that begins with more points than that is thinned out to so many first.
  ///   - limit: about how many points at once.
  /// - Throws: `run_not_found`.
  package func watch(
    run id: Int64, after cursor: WatchCursor, keys: [String]? = nil, most: Int? = nil, limit: Int
  ) async throws -> WatchPage {
    try await read { db in
      guard let origin = try db.int64("SELECT created_at FROM runs WHERE id = ?", [id]) else {
        throw StoreError.runNotFound(name: "\(id)")
      }
      var watch = Watch(
        db: db, origin: origin, most: most, left: limit,
        page: WatchPage(
          run: try Self.run(db, id), points: [], cursor: cursor, hasMore: false))
      for metric in try Self.watched(db, run: id, keys: keys) {
        guard watch.left > 0 else {
          watch.page.hasMore = true
          break
        }
        try watch.read(metric)
      }
      return watch.page
    }
  }

  /// Params, tags and summaries may be many, and nobody asks for them many times a second.
  private static func run(_ db: Database, _ id: Int64) throws -> Run {
    guard let run = try RunRows.many(db, [id], select: RunSelection([])).first else {
      throw StoreError.runNotFound(name: "\(id)")
    }
    return run
  }

  private static func watched(
    _ db: Database, run: Int64, keys: [String]?
  ) throws -> [Watch.Metric] {
    let list = JSONValue.array((keys ?? []).map { .string($0) }).canonicalText
    return try db.rows(
      """
      SELECT m.id, k.name, m.last_step, m.last_time, m.numbers, m.count
      FROM metrics m JOIN metric_keys k ON k.id = m.key_id
      WHERE m.run_id = ? AND (? OR k.name IN (SELECT value FROM json_each(?)))
      ORDER BY m.id LIMIT ?
      """, [run, keys == nil, list, Limits.watchedMetrics]
    ).map {
      Watch.Metric(
        id: $0[0], key: $0[1],
        place: WatchCursor.Place(step: $0[2], time: $0[3], count: $0[5]),
        hasNaN: ($0[4] as Int64) < ($0[5] as Int64))
    }
  }
}

private struct Watch {
  struct Metric {
    let id: Int64
    let key: String
    /// Where its points end.
    let place: WatchCursor.Place
    let hasNaN: Bool
  }

  let db: Database
  let origin: Int64
  let most: Int?
  /// How many points may still be taken.
  var left: Int
  var page: WatchPage

  /// Beyond so many points a series is not sent again for a few that came late.
  private static let longest = 100_000

  mutating func read(_ metric: Metric) throws {
    guard let place = page.cursor.places[metric.id] else { return try begin(metric) }
    guard place != metric.place else { return }
    let (series, end, isAll) = try points(metric, after: place)
    guard isAll, end.count != metric.place.count else {
      return take(series, of: metric, restarts: false, end: end, isAll: isAll)
    }
    // Some came late, or a resumed attempt wrote steps again.
    if metric.place.count <= Self.longest { return try begin(metric) }
    var settled = end
    settled.count = metric.place.count
    take(series, of: metric, restarts: false, end: settled, isAll: true)
  }

  private mutating func begin(_ metric: Metric) throws {
    if let most, metric.place.count > most {
      var series = PointSeries(key: metric.key)
      let thin = try Thinning.thin(
        db, metric: metric.id, count: metric.place.count, hasNaN: metric.hasNaN, most: most)
      for point in thin { append(point, to: &series) }
      return take(series, of: metric, restarts: true, end: metric.place, isAll: true)
    }
    let (series, end, isAll) = try points(metric, after: nil)
    take(series, of: metric, restarts: true, end: end, isAll: isAll)
  }

  private mutating func take(
    _ series: PointSeries, of metric: Metric, restarts: Bool, end: WatchCursor.Place, isAll: Bool
  ) {
    page.cursor.places[metric.id] = end
    if !isAll { page.hasMore = true }
    guard series.count > 0 else { return }
    left -= series.count
    page.points.append(WatchedPoints(restarts: restarts, series: series))
  }

  private struct Enough: Error {}

  /// - Returns: the points after a place, where they end, and whether there are no more.
  private func points(
    _ metric: Metric, after place: WatchCursor.Place?
  ) throws -> (PointSeries, WatchCursor.Place, isAll: Bool) {
    var series = PointSeries(key: metric.key)
    var end = place ?? WatchCursor.Place(step: .min, time: .min, count: 0)
    do {
      try CountedPoints(db, metric: metric.id).forEach(from: end.step) { point in
        if let place, point.step == place.step, point.time <= place.time { return }
        // Points of one step and time are never parted: the cursor could not tell them apart.
        if series.count >= left, point.step != end.step || point.time != end.time {
          throw Enough()
        }
        append(point, to: &series)
        end = WatchCursor.Place(step: point.step, time: point.time, count: end.count + 1)
      }
    } catch is Enough {
      return (series, end, false)
    }
    return (series, end, true)
  }

  private func append(_ point: StoredPoint, to series: inout PointSeries) {
    series.append(
      step: point.step, time: origin &+ point.time, value: point.value, epoch: point.epoch)
  }
}

extension CountedPoints {
  /// Hands over those from a step on, in order of (step, time, value).
  fileprivate func forEach(from step: Int64, _ body: (StoredPoint) throws -> Void) throws {
    for stretch in stretches where stretch.steps.upperBound >= step {
      var rest = stretch
      rest.steps = max(stretch.steps.lowerBound, step)...stretch.steps.upperBound
      try forEach(rest, body)
    }
  }
}
