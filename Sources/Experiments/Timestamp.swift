// A moment: integer microseconds since 1970-01-01 UTC.

package struct Timestamp: Sendable, Hashable, Comparable, Codable {
  package var microseconds: Int64

  package init(microseconds: Int64) { self.microseconds = microseconds }

  package static func < (a: Self, b: Self) -> Bool { a.microseconds < b.microseconds }

  /// Seconds from `other` to this moment.
  package func seconds(since other: Timestamp) -> Double {
    Double(microseconds - other.microseconds) / 1e6
  }

  package func adding(seconds: Double) -> Timestamp {
    Timestamp(microseconds: microseconds + Int64(seconds * 1e6))
  }

  package init(from decoder: any Decoder) throws {
    microseconds = try decoder.singleValueContainer().decode(Int64.self)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(microseconds)
  }
}
