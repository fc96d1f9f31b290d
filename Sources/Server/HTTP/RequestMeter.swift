// Counts requests by route and status, and how long they took until their answer began. One short lock
// per request; reading it out holds it no longer than copying a table takes.

import Synchronization

final class RequestMeter: Sendable {
  /// Upper bounds of the histogram, in seconds.
  static let bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

  struct Route: Hashable {
    let method: String
    /// As in the table of endpoints, `{run}` and all.
    let path: String

    /// What is none of the API's, whatever it was.
    static let unknown = Route(method: "other", path: "other")
  }

  struct Counts {
    var byStatus: [Int: UInt64] = [:]
    /// Those beyond the last bound are in the last one.
    var buckets = [UInt64](repeating: 0, count: RequestMeter.bounds.count + 1)
    var seconds = 0.0
  }

  private let routes = Mutex<[Route: Counts]>([:])

  func add(_ route: Route, status: Int, took: Duration) {
    let (whole, attoseconds) = took.components
    let seconds = Double(whole) + Double(attoseconds) / 1e18
    let bucket = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
    routes.withLock { routes in
      routes[route, default: Counts()].byStatus[status, default: 0] += 1
      routes[route, default: Counts()].buckets[bucket] += 1
      routes[route, default: Counts()].seconds += seconds
    }
  }

  /// In the order of their paths.
  var all: [(route: Route, counts: Counts)] {
    routes.withLock { $0 }.sorted { ($0.key.path, $0.key.method) < ($1.key.path, $1.key.method) }
      .map { ($0.key, $0.value) }
  }
}
