// Metric points on their way to the daemon: in memory, and in the spool while it is away.

import Experiments
import Glibc

struct Point {
  let key: String
  let step: Int64
  let epoch: Int64?
  let time: Int64
  let value: Double
}

struct Points {
  private(set) var waiting: [Point] = []
  /// Points that could be kept nowhere.
  private(set) var lost = 0
  private static let most = 500_000
  /// In one request.
  static let together = 4_000

  mutating func add(_ point: Point) {
    guard waiting.count < Self.most else {
      lost += 1
      return
    }
    waiting.append(point)
  }

  mutating func removeFirst(_ count: Int) { waiting.removeFirst(min(count, waiting.count)) }

  /// The first points as the body of a request.
  func request() -> (body: [UInt8], count: Int) {
    let first = waiting.prefix(Self.together)
    return (Array(("{\"points\":" + Self.json(first) + "}").utf8), first.count)
  }

  private static let parcelStart = "{\"chunks\":[],\"metrics\":"

  /// The first points as a parcel of the spool.
  func parcel() -> (bytes: [UInt8], count: Int) {
    let first = waiting.prefix(Self.together)
    return (Array((Self.parcelStart + Self.json(first) + "}\n").utf8), first.count)
  }

  /// The body of the request that sends a parcel; nil if it is another's.
  static func request(parcel: [UInt8]) -> [UInt8]? {
    guard parcel.starts(with: parcelStart.utf8), parcel.last == 0x0A else { return nil }
    return Array("{\"points\":".utf8) + parcel.dropFirst(parcelStart.utf8.count).dropLast()
  }

  private static func json(_ points: ArraySlice<Point>) -> String {
    var text = "["
    for point in points {
      if text.utf8.count > 1 { text += "," }
      text += "{\"key\":" + JSONValue.string(point.key).canonicalText + ",\"step\":\(point.step)"
      if let epoch = point.epoch { text += ",\"epoch\":\(epoch)" }
      text += ",\"time\":\(point.time),\"value\":"
      text += JSONValue.number(point.value).canonicalText + "}"
    }
    return text + "]"
  }
}

/// Lines of the program's standard output that are JSON objects, read as metrics.
struct MetricLines {
  private var line: [UInt8] = []
  private var isTooLong = false
  private var lastStep: Int64 = -1
  private static let longest = 64 << 10

  mutating func take(_ bytes: UnsafeRawBufferPointer, _ found: (Point) -> Void) {
    var rest = bytes[...]
    while let end = rest.firstIndex(of: 0x0A) {
      collect(rest[..<end])
      read(found)
      rest = rest[(end + 1)...]
    }
    collect(rest)
  }

  /// The last line may have no end.
  mutating func finish(_ found: (Point) -> Void) { read(found) }

  private mutating func collect(_ bytes: Slice<UnsafeRawBufferPointer>) {
    guard !isTooLong, line.count + bytes.count <= Self.longest else {
      isTooLong = true
      return
    }
    line.append(contentsOf: bytes)
  }

  private mutating func read(_ found: (Point) -> Void) {
    defer {
      line.removeAll(keepingCapacity: true)
      isTooLong = false
    }
    guard !isTooLong, line.first(where: { $0 != 0x20 && $0 != 0x09 }) == UInt8(ascii: "{"),
      case .object(let members)? = JSONValue(parsing: line, allowingNaN: true)
    else { return }
    let values = members.compactMap { key, value -> (String, Double)? in
      guard key != "step", key != "epoch", (1...Limits.keyCharacters).contains(key.count) else {
        return nil
      }
      return Self.number(value).map { (key, $0) }
    }
    guard !values.isEmpty else { return }
    let step = members["step"]?.intValue.map { Int64($0) } ?? lastStep + 1
    lastStep = step
    let epoch = members["epoch"]?.intValue.map { Int64($0) }
    let time = WallClock.system.now().microseconds
    for (key, value) in values.sorted(by: { $0.0 < $1.0 }) {
      found(Point(key: key, step: step, epoch: epoch, time: time, value: value))
    }
  }

  private static func number(_ value: JSONValue) -> Double? {
    switch value {
    case .int, .number: value.doubleValue
    case .string(let text):
      switch text {
      case MetricValue.nan, MetricValue.positiveInfinity, MetricValue.negativeInfinity:
        MetricValue.parse(text)
      default: nil
      }
    case .null, .bool, .array, .object: nil
    }
  }
}
