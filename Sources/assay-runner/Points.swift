// Metric points on their way to the daemon: in memory, and in the spool while it is away.

import Experiments
import Glibc

struct Points {
  private(set) var waiting: [MetricPoint] = []
  /// Points that could be kept nowhere.
  private(set) var lost = 0
  private static let most = 500_000
  /// In one request.
  static let together = 4_000

  mutating func add(_ point: MetricPoint) {
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

  private static func json(_ points: ArraySlice<MetricPoint>) -> String {
    var text = "["
    for point in points {
      if text.utf8.count > 1 { text += "," }
      text += "{\"key\":" + JSONValue.string(point.key).canonicalText + ",\"step\":\(point.step)"
      if let epoch = point.epoch { text += ",\"epoch\":\(epoch)" }
      text += ",\"time\":\(point.time.microseconds),\"value\":"
      text += JSONValue.number(point.value).canonicalText + "}"
    }
    return text + "]"
  }
}
