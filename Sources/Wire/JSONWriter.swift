// Writes JSON text as it goes over the wire (see `WireCoding`), for answers that are large or asked
// for often: a `JSONEncoder` takes microseconds per value. Keys are written as they are given, in
// snake case already and best in alphabetical order, as the encoder has them.

package import Experiments

package struct JSONWriter: Sendable {
  package private(set) var bytes: [UInt8] = []
  private var needsComma = false

  package init(capacity: Int = 256) { bytes.reserveCapacity(capacity) }

  // MARK: Structure

  package mutating func object(_ body: (inout JSONWriter) -> Void) { nest("{", "}", body) }
  package mutating func array(_ body: (inout JSONWriter) -> Void) { nest("[", "]", body) }

  private mutating func nest(
    _ open: Unicode.Scalar, _ close: Unicode.Scalar, _ body: (inout JSONWriter) -> Void
  ) {
    separate()
    bytes.append(UInt8(ascii: open))
    needsComma = false
    body(&self)
    bytes.append(UInt8(ascii: close))
    needsComma = true
  }

  /// The key of the value that is written next.
  package mutating func key(_ name: StaticString) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    name.withUTF8Buffer { bytes.append(contentsOf: $0) }
    bytes.append(UInt8(ascii: "\""))
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  package mutating func key(_ name: String) {
    value(name)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  // MARK: Values

  package mutating func null() {
    separate()
    bytes.append(contentsOf: "null".utf8)
  }

  package mutating func value(_ flag: Bool) {
    separate()
    bytes.append(contentsOf: (flag ? "true" : "false").utf8)
  }

  package mutating func value(_ number: Int64) {
    separate()
    // The digits of most numbers fit into a text without memory of its own, but not those of times.
    var magnitude = number.magnitude
    if number < 0 { bytes.append(UInt8(ascii: "-")) }
    let start = bytes.count
    repeat {
      let (quotient, digit) = magnitude.quotientAndRemainder(dividingBy: 10)
      bytes.append(UInt8(ascii: "0") + UInt8(digit))
      magnitude = quotient
    } while magnitude > 0
    bytes[start...].reverse()
  }

  /// Numbers that JSON has not are texts.
  package mutating func value(_ number: Double) {
    guard number.isFinite else { return value(MetricValue.text(number)) }
    separate()
    bytes.append(contentsOf: number.description.utf8)
  }

  package mutating func value(_ text: String) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0..<0x20:
        bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "u")])
        bytes.append(contentsOf: [UInt8(ascii: "0"), UInt8(ascii: "0")])
        bytes.append(Self.digits[Int(byte >> 4)])
        bytes.append(Self.digits[Int(byte & 15)])
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private static let digits = Array("0123456789abcdef".utf8)

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = true
  }
}

extension MetricSummary {
  package func write(to json: inout JSONWriter) {
    json.object { json in
      json.key("count")
      json.value(count)
      json.key("last")
      json.value(last)
      if let lastEpoch {
        json.key("last_epoch")
        json.value(lastEpoch)
      }
      json.key("last_step")
      json.value(lastStep)
      json.key("max")
      json.value(max)
      json.key("mean")
      json.value(mean)
      json.key("min")
      json.value(min)
    }
  }
}

extension MetricHistory {
  /// The JSON of a history that is there as columns.
  package static func json(
    run: Int64, summary: MetricSummary, series: PointSeries
  ) -> [UInt8] {
    var json = JSONWriter(capacity: 512 + series.count * 48)
    json.object { json in
      json.key("epochs")
      json.array { json in
        for index in 0..<series.count {
          if let epoch = series.epoch(index) { json.value(epoch) } else { json.null() }
        }
      }
      json.key("key")
      json.value(series.key)
      json.key("run_id")
      json.value(run)
      json.key("steps")
      json.array { json in for step in series.steps { json.value(step) } }
      json.key("summary")
      summary.write(to: &json)
      json.key("times")
      json.array { json in for time in series.times { json.value(time) } }
      json.key("values")
      json.array { json in for value in series.values { json.value(value) } }
    }
    return json.bytes
  }
}
