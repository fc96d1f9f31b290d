// What is wrong, by kind. The first few of each kind are printed in full, the rest only counted.
import Synchronization

final class Findings: Sendable {
  private static let shown = 5
  private let counts = Mutex<[String: Int]>([:])

  func add(_ kind: String, _ text: @autoclosure () -> String) {
    let count = counts.withLock { counts in
      counts[kind, default: 0] += 1
      return counts[kind, default: 0]
    }
    if count <= Self.shown { say("FOUND \(kind): \(text())") }
  }

  func add(_ kind: String, _ texts: [String]) { for text in texts { add(kind, text) } }

  func count(_ kind: String) -> Int { counts.withLock { $0[kind, default: 0] } }
  var total: Int { counts.withLock { $0.values.reduce(0, +) } }
}
