// Lines that are JSON objects, read as metrics: `{"step": 10, "epoch": 1, "loss": 0.31}`. Members that
// are no numbers and lines that are no objects are passed over; without a step the next one is meant.

package struct MetricLines {
  private var line: [UInt8] = []
  private var isTooLong = false
  private var lastStep: Int64 = -1
  private static let longest = 64 << 10

  package init() {}

  package mutating func take(_ bytes: UnsafeRawBufferPointer, _ found: (MetricPoint) -> Void) {
    var rest = bytes[...]
    while let end = rest.firstIndex(of: 0x0A) {
      collect(rest[..<end])
      read(found)
      rest = rest[(end + 1)...]
    }
    collect(rest)
  }

  /// The last line may have no end.
  package mutating func finish(_ found: (MetricPoint) -> Void) { read(found) }

  private mutating func collect(_ bytes: Slice<UnsafeRawBufferPointer>) {
    guard !isTooLong, line.count + bytes.count <= Self.longest else {
      isTooLong = true
      return
    }
    line.append(contentsOf: bytes)
  }

  private mutating func read(_ found: (MetricPoint) -> Void) {
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
    let time = WallClock.system.now()
    for (key, value) in values.sorted(by: { $0.0 < $1.0 }) {
      found(MetricPoint(key: key, step: step, epoch: epoch, time: time, value: value))
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
