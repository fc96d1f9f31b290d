// Thins a series out for a plot: M4 (Jugel, Jerzak, Hackenbroich, Markl: "M4: A Visualization-Oriented
// Time Series Data Aggregation", VLDB 2014). The points are taken in groups of equal size, and of each
// group the first, the last, the least and the greatest are kept: a line drawn through them covers
// what a line through all would. The first NaN of a group is kept too, so that none hides.

import Experiments
import GRDB

/// What is kept of some points that follow each other.
struct Bucket {
  private(set) var count = 0
  private var first: StoredPoint?
  private var last: StoredPoint?
  private var least: StoredPoint?
  private var greatest: StoredPoint?
  private var firstNaN: StoredPoint?

  /// Takes in a point, all those before it having been taken in before.
  @inline(__always)
  mutating func add(_ point: StoredPoint) {
    take(point)
    count += 1
  }

  /// Takes in `count` points, of which these are kept.
  mutating func add(_ points: [StoredPoint], count: Int) {
    for point in points { take(point) }
    self.count += count
  }

  @inline(__always)
  private mutating func take(_ point: StoredPoint) {
    if first == nil { first = point }
    last = point
    if point.value.isNaN {
      if firstNaN == nil { firstNaN = point }
      return
    }
    if let known = least, known.value <= point.value {} else { least = point }
    if let known = greatest, known.value >= point.value {} else { greatest = point }
  }

  /// Each once, in order.
  var points: [StoredPoint] {
    let kept = [first, least, greatest, firstNaN, last].compactMap { $0 }
      .sorted { $1.isAfter($0) }
    return kept.reduce(into: []) { points, point in
      if let known = points.last, !point.isAfter(known) { return }
      points.append(point)
    }
  }
}

struct Thinning {
  /// The least number of points that can be asked for.
  static let fewest = 10

  private let bucketSize: Int
  private var bucket = Bucket()
  private(set) var points: [StoredPoint] = []

  /// - Parameters:
  ///   - count: how many points come.
  ///   - hasNaN: whether there are NaNs among them.
  ///   - most: how many are kept at most.
  init(count: Int64, hasNaN: Bool, most: Int) {
    let buckets = max(1, most / (hasNaN ? 5 : 4))
    bucketSize = max(1, (Int(clamping: min(count, 1 << 60)) + buckets - 1) / buckets)
    points.reserveCapacity(most)
  }

  /// Whether blocks are fine enough to be taken instead of their points.
  var takesBlocks: Bool { bucketSize >= SeriesBlocks.size }

  mutating func add(_ point: StoredPoint) {
    bucket.add(point)
    if bucket.count >= bucketSize { flush() }
  }

  mutating func add(_ block: SeriesBlocks.Block) {
    bucket.add(block.points, count: block.count)
    if bucket.count >= bucketSize { flush() }
  }

  /// To be called after the last point.
  mutating func flush() {
    points += bucket.points
    bucket = Bucket()
  }

  /// Thins out the points that count.
  static func thin(
    _ db: Database, metric: Int64, count: Int64, hasNaN: Bool, most: Int
  ) throws -> [StoredPoint] {
    let counted = try CountedPoints(db, metric: metric)
    var thinning = Thinning(count: count, hasNaN: hasNaN, most: most)
    guard thinning.takesBlocks else {
      try counted.forEach { thinning.add($0) }
      thinning.flush()
      return thinning.points
    }
    for stretch in counted.stretches {
      guard stretch.series.count == 1 else {
        try counted.forEach(stretch) { thinning.add($0) }
        continue
      }
      var next: Int64? = stretch.steps.lowerBound
      let blocks = try SeriesBlocks.blocks(
        db, series: stretch.series[0], steps: stretch.steps)
      for block in blocks {
        if let from = next, from < block.steps.lowerBound {
          let gap = CountedPoints.Stretch(
            steps: from...(block.steps.lowerBound - 1), series: stretch.series)
          try counted.forEach(gap) { thinning.add($0) }
        }
        thinning.add(block)
        next = block.steps.upperBound == .max ? nil : block.steps.upperBound + 1
      }
      if let from = next, from <= stretch.steps.upperBound {
        let rest = CountedPoints.Stretch(
          steps: from...stretch.steps.upperBound, series: stretch.series)
        try counted.forEach(rest) { thinning.add($0) }
      }
    }
    thinning.flush()
    return thinning.points
  }
}
