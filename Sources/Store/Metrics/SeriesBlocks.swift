// Extremes of stretches of a series (`series_blocks`), so that a plot of a million points need not
// read them all. A block stands for all points of its steps; what no block stands for is read as it
// is, so blocks may be missing anywhere and are only ever an acceleration. They are made behind the
// writer, a few thousand points at a time, and one into whose steps a late point comes is dropped.

import Experiments
import GRDB

enum SeriesBlocks {
  /// Points of a block, more if the last step has more of them.
  static let size = 512
  /// Every so many points of a metric its series is looked at.
  private static let interval: Int64 = 2_048
  /// Points that are read at most to make blocks; a series with more than this many points of one
  /// step gets none.
  private static let reach = 128 << 10

  struct Block {
    var steps: ClosedRange<Int64>
    var count: Int
    /// First, last, least, greatest and first NaN, each once, in order.
    var points: [StoredPoint]
  }

  /// Whether it is time to make blocks when a metric has grown so far.
  static func isDue(from before: Int64, to after: Int64) -> Bool {
    after / interval > before / interval
  }

  /// Makes blocks of the points after the last one. The greatest step is left alone: it may not be
  /// complete.
  static func extend(_ db: Database, series: Int64) throws {
    let covered = try db.int64(
      "SELECT last_step FROM series_blocks WHERE series_id = ? ORDER BY first_step DESC LIMIT 1",
      [series])
    if covered == .max { return }
    var cursor = try SeriesCursor(
      db, series: series, steps: (covered.map { $0 + 1 } ?? .min) ... .max)
    defer { cursor.close() }
    var first = covered.map { $0 + 1 } ?? cursor.point?.step ?? 0
    var last = first
    var bucket = Bucket()
    var read = 0
    while let point = cursor.point, read < reach {
      guard point.step >= last else {
        throw StoreError.databaseDamaged("the points of series \(series) are out of order")
      }
      if bucket.count >= size, point.step > last {
        try insert(
          db, series: series,
          Block(steps: first...last, count: bucket.count, points: bucket.points))
        // A block begins where the one before ends, so that nothing is to be read between them.
        first = last + 1
        bucket = Bucket()
      }
      bucket.add(point)
      last = point.step
      read += 1
      try cursor.advance()
    }
  }

  private static func insert(_ db: Database, series: Int64, _ block: Block) throws {
    let statement = try DirectStatement(
      db,
      """
      INSERT INTO series_blocks (series_id, first_step, last_step, count, points)
      VALUES (?, ?, ?, ?, ?)
      """)
    statement.bind(1, series)
    statement.bind(2, block.steps.lowerBound)
    statement.bind(3, block.steps.upperBound)
    statement.bind(4, Int64(block.count))
    statement.bind(5, BlockPoints.bytes(block.points))
    try statement.execute()
  }

  /// Forgets the blocks that stand for any of these steps.
  static func drop(_ db: Database, series: Int64, steps: ClosedRange<Int64>) throws {
    let statement = try DirectStatement(
      db, "DELETE FROM series_blocks WHERE series_id = ? AND first_step <= ? AND last_step >= ?")
    statement.bind(1, series)
    statement.bind(2, steps.upperBound)
    statement.bind(3, steps.lowerBound)
    try statement.execute()
  }

  /// Those that lie wholly in these steps, in order.
  static func blocks(
    _ db: Database, series: Int64, steps: ClosedRange<Int64>
  ) throws -> [Block] {
    let statement = try DirectStatement(
      db,
      """
      SELECT first_step, last_step, count, points FROM series_blocks
      WHERE series_id = ? AND first_step >= ? AND last_step <= ? ORDER BY first_step
      """)
    statement.bind(1, series)
    statement.bind(2, steps.lowerBound)
    statement.bind(3, steps.upperBound)
    defer { statement.reset() }
    var blocks: [Block] = []
    while try statement.step() {
      let (first, last) = (statement.int64(0), statement.int64(1))
      guard first <= last else {
        throw StoreError.databaseDamaged("a block of series \(series) ends before it begins")
      }
      guard (1...1 << 40).contains(statement.int64(2)) else {
        throw StoreError.databaseDamaged(
          "a block of series \(series) stands for \(statement.int64(2)) points")
      }
      blocks.append(
        Block(
          steps: first...last, count: Int(clamping: statement.int64(2)),
          points: try statement.withBytes(3) { try BlockPoints.points($0) }))
    }
    return blocks
  }
}

/// A block's points as bytes.
private enum BlockPoints {
  static func bytes(_ points: [StoredPoint]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(points.count * 32)
    for point in points {
      let words = [
        UInt64(bitPattern: point.step), UInt64(bitPattern: point.time), point.value.bitPattern,
        UInt64(bitPattern: point.epoch ?? PointSeries.noEpoch),
      ]
      for word in words { withUnsafeBytes(of: word.littleEndian) { bytes += $0 } }
    }
    return bytes
  }

  /// - Throws: `database_damaged`
  static func points(_ bytes: UnsafeRawBufferPointer) throws -> [StoredPoint] {
    guard bytes.count % 32 == 0, !bytes.isEmpty else {
      throw StoreError.databaseDamaged("a block of points has \(bytes.count) bytes")
    }
    return stride(from: 0, to: bytes.count, by: 32).map { start in
      func word(_ index: Int) -> UInt64 {
        UInt64(
          littleEndian: bytes.loadUnaligned(fromByteOffset: start + index * 8, as: UInt64.self))
      }
      let epoch = Int64(bitPattern: word(3))
      return StoredPoint(
        step: Int64(bitPattern: word(0)), time: Int64(bitPattern: word(1)),
        value: Double(bitPattern: word(2)), epoch: epoch == PointSeries.noEpoch ? nil : epoch)
    }
  }
}
