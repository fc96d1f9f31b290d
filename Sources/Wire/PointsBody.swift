// Metric points as bytes, for requests and answers of the content type
// `application/vnd.assay.points`. All numbers are little-endian:
//
//   "APT1"                     magic
//   u32                        number of series
//   of each series:
//     u16, bytes               length of its key in bytes, the key as UTF-8
//     u32                      n, its number of points
//     u8                       flags; bit 0: it has epochs, all others 0
//     n × i64                  steps
//     n × i64                  times, microseconds since 1970 UTC
//     n × f64                  values, IEEE 754, NaN and the infinities as they are
//     n × i64                  epochs, if flagged; the least i64 where a point has none
//
// Nothing follows the last series. What is decoded was checked against the limits before memory was
// taken for it.

package import Experiments
import Foundation

package struct PointsBody: Sendable {
  package static let contentType = "application/vnd.assay.points"
  private static let magic: [UInt8] = Array("APT1".utf8)
  private static let hasEpochs: UInt8 = 1

  package var series: [PointSeries]

  package init(_ series: [PointSeries]) { self.series = series }

  /// The points grouped by key.
  package init(points: [MetricPoint]) { series = PointSeries.grouping(points) }

  /// How many points there are in all.
  package var count: Int { series.reduce(0) { $0 + $1.count } }

  /// - Throws: `PointsBodyError.key` for a key that is too long for the form; `.columns` for columns
  ///   of different lengths.
  package func encoded() throws(PointsBodyError) -> [UInt8] {
    var bytes = Self.magic
    bytes.reserveCapacity(8 + series.reduce(0) { $0 + 7 + $1.key.utf8.count + $1.count * 32 })
    Self.append(UInt32(truncatingIfNeeded: series.count), to: &bytes)
    for one in series {
      let key = Array(one.key.utf8)
      guard let length = UInt16(exactly: key.count) else { throw .key(bytes: key.count) }
      guard one.isRectangular, let count = UInt32(exactly: one.count) else {
        throw .columns(key: one.key)
      }
      Self.append(length, to: &bytes)
      bytes += key
      Self.append(count, to: &bytes)
      bytes.append(one.epochs == nil ? 0 : Self.hasEpochs)
      Self.append(one.steps, to: &bytes)
      Self.append(one.times, to: &bytes)
      Self.append(one.values, to: &bytes)
      if let epochs = one.epochs { Self.append(epochs, to: &bytes) }
    }
    return bytes
  }

  private static func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// Every machine that Assay runs on is little-endian, so a column is its memory.
  private static func append<Number: BitwiseCopyable>(_ column: [Number], to bytes: inout [UInt8]) {
    column.withUnsafeBytes { bytes.append(contentsOf: $0) }
  }

  package init(
    decoding bytes: [UInt8], atMost limit: Int = Limits.pointsPerRequest
  ) throws(PointsBodyError) {
    let result = bytes.withUnsafeBytes { bytes in
      Result { () throws(PointsBodyError) in try PointsBody(decoding: bytes, atMost: limit) }
    }
    self = try result.get()
  }

  /// - Parameter limit: how many points there may be.
  /// - Throws: `PointsBodyError`.
  package init(
    decoding bytes: UnsafeRawBufferPointer, atMost limit: Int = Limits.pointsPerRequest
  ) throws(PointsBodyError) {
    var reader = PointsReader(bytes: bytes)
    guard bytes.count >= 8, bytes.prefix(4).elementsEqual(Self.magic) else { throw .magic }
    reader.position = 4
    let seriesCount = Int(try reader.number(UInt32.self))
    // Each takes seven bytes at least, so the body's own limit bounds their number.
    series = []
    series.reserveCapacity(min(seriesCount, bytes.count / 7))
    var points = 0
    for _ in 0..<seriesCount {
      let keyBytes = Int(try reader.number(UInt16.self))
      let key = try reader.key(keyBytes)
      let count = Int(try reader.number(UInt32.self))
      let flags = try reader.number(UInt8.self)
      guard flags & ~Self.hasEpochs == 0 else { throw .flags(flags) }
      points += count
      guard points <= limit else { throw .points(points, limit: limit) }
      series.append(
        PointSeries(
          key: key, steps: try reader.column(count), times: try reader.column(count),
          values: try reader.column(count),
          epochs: flags & Self.hasEpochs == 0 ? nil : try reader.column(count)))
    }
    guard reader.position == bytes.count else {
      throw .trailing(bytes: bytes.count - reader.position)
    }
  }
}

/// Takes the body apart, never beyond its end.
private struct PointsReader {
  let bytes: UnsafeRawBufferPointer
  var position = 0

  private mutating func take(_ count: Int) throws(PointsBodyError) -> Slice<UnsafeRawBufferPointer>
  {
    guard count <= bytes.count - position else { throw .truncated(at: position) }
    defer { position += count }
    return bytes[position..<(position + count)]
  }

  mutating func number<Number: FixedWidthInteger & BitwiseCopyable>(
    _ type: Number.Type
  ) throws(PointsBodyError) -> Number {
    let piece = try take(MemoryLayout<Number>.size)
    return Number(littleEndian: UnsafeRawBufferPointer(rebasing: piece).loadUnaligned(as: type))
  }

  mutating func key(_ count: Int) throws(PointsBodyError) -> String {
    let start = position
    guard let key = String(validating: try take(count), as: UTF8.self) else {
      throw .keyText(at: start)
    }
    return key
  }

  mutating func column<Number: BitwiseCopyable>(
    _ count: Int
  ) throws(PointsBodyError) -> [Number] {
    let piece = UnsafeRawBufferPointer(rebasing: try take(count * MemoryLayout<Number>.size))
    return [Number](unsafeUninitializedCapacity: count) { target, initialized in
      UnsafeMutableRawBufferPointer(target).copyMemory(from: piece)
      initialized = count
    }
  }
}

/// Why bytes are no points.
package enum PointsBodyError: Error, Sendable, Equatable {
  case magic
  case truncated(at: Int)
  case trailing(bytes: Int)
  case flags(UInt8)
  case keyText(at: Int)
  case key(bytes: Int)
  case columns(key: String)
  case points(Int, limit: Int)

  package var code: String {
    if case .points = self { "limit_exceeded" } else { "bad_points" }
  }

  package var message: String {
    switch self {
    case .magic: "the body is no points: it does not begin with APT1"
    case .truncated(let position): "the body of points ends early, at byte \(position)"
    case .trailing(let bytes): "\(bytes) bytes follow the last series of the body of points"
    case .flags(let flags): "the body of points has flags that are unknown: \(flags)"
    case .keyText(let position): "the key at byte \(position) of the body of points is not UTF-8"
    case .key(let bytes): "a key has \(bytes) bytes, and 65535 are the most"
    case .columns(let key): "the columns of \"\(key)\" have different lengths"
    case .points(let count, let limit): "points is \(count); the limit is \(limit)"
    }
  }

  package var hint: String? {
    switch self {
    case .points: "send less at once"
    case .key: nil
    default: "docs/http-api.md describes the form"
    }
  }

  package var body: ErrorBody {
    ErrorBody(code: code, message: message, hint: hint, field: "points")
  }
}
