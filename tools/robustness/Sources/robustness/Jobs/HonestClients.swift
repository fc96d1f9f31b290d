// Clients that behave, and measure how long they wait for each answer while others do not behave.
import Foundation
import Synchronization

final class HonestClients: Sendable {
  private struct State {
    var isOver = false
    var running = 0
    var seconds: [Double] = []
    var failures = 0
  }

  private let state = Mutex(State())
  private let findings: Findings

  /// - Parameter kinds: of requests, each sent by a client of its own, a hundred times a second.
  init(_ place: Place, findings: Findings, _ kinds: [@Sendable () -> Request]) {
    self.findings = findings
    for make in kinds {
      state.withLock { $0.running += 1 }
      Thread.detachNewThread { [self] in
        ask(HTTPConnection(place.socket), make)
        state.withLock { $0.running -= 1 }
      }
    }
  }

  /// Health, the queue, and a new run: something of memory alone, something read, something written.
  static func usual(_ place: Place, findings: Findings) -> HonestClients {
    HonestClients(
      place, findings: findings,
      [
        { Request("GET", "/health") },
        { Request("GET", "/jobs?limit=20") },
        {
          Request("POST", "/runs", json: #"{"experiment": "honest", "name": "honest"}"#)
        },
      ])
  }

  private func ask(_ connection: HTTPConnection, _ make: () -> Request) {
    while !state.withLock({ $0.isOver }) {
      let start = Moment.now
      do {
        let reply = try connection.send(make())
        guard reply.isSuccess else { throw Trouble("\(reply.status): \(reply.text)") }
        let seconds = Moment.now - start
        state.withLock { $0.seconds.append(seconds) }
      } catch {
        state.withLock { $0.failures += 1 }
        findings.add("honest", "an honest request failed: \(error)")
      }
      Moment.sleep(0.01)
    }
  }

  /// Ends them.
  /// - Returns: the seconds of all requests in rising order.
  func end() -> [Double] {
    state.withLock { $0.isOver = true }
    while state.withLock({ $0.running }) > 0 { usleep(1_000) }
    return state.withLock { $0.seconds.sorted() }
  }

  static func percentile(_ share: Double, of sorted: [Double]) -> Double {
    sorted.isEmpty ? .nan : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
  }
}
