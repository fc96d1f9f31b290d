// The figures of one program: each is printed as a RESULT line for machines, and the program exits 0
// only if none of them misses its goal.
import Foundation

package struct Figures {
  /// How many goals do not hold.
  package private(set) var failures = 0

  package init() {}

  /// Prints a figure.
  /// - Parameter holds: nil where it cannot be told, since a peer is not there.
  package mutating func add(
    _ name: String, _ value: Double, unit: String, goal: String, holds: Bool?
  ) {
    let verdict = holds.map { "\($0)" } ?? "null"
    print(
      "RESULT {\"name\": \"\(name)\", \"value\": \(Self.rounded(value)), \"unit\": \"\(unit)\", "
        + "\"goal\": \"\(goal)\", \"holds\": \(verdict)}")
    fflush(nil)
    if holds == false { failures += 1 }
  }

  package static func rounded(_ value: Double) -> String {
    guard value.isFinite else { return "null" }
    return abs(value) >= 1_000 ? String(format: "%.0f", value) : String(format: "%.3f", value)
  }
}
