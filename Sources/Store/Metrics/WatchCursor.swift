// How far somebody who watches a run has come: of each metric the last point that was sent, and how
// many there were up to it. If there are more up to there later, points have come late, and the metric
// is sent again from its beginning.

package import Experiments

package struct WatchCursor: Sendable, Equatable {
  struct Place: Sendable, Equatable {
    var step: Int64
    /// In microseconds since the run's creation.
    var time: Int64
    var count: Int64
  }

  /// By the metric's own id.
  var places: [Int64: Place] = [:]

  package init() {}

  /// What `text` wrote; nil for anything else.
  package init?(_ text: String) {
    for part in text.split(separator: "_") {
      let numbers = part.split(separator: ".", omittingEmptySubsequences: false)
        .compactMap { Int64($0, radix: Self.radix) }
      guard numbers.count == 4 else { return nil }
      places[numbers[0]] = Place(step: numbers[1], time: numbers[2], count: numbers[3])
    }
  }

  /// Short, and of characters that need no escape in a header or a query.
  package var text: String {
    places.sorted { $0.key < $1.key }.map { metric, place in
      [metric, place.step, place.time, place.count]
        .map { String($0, radix: Self.radix) }.joined(separator: ".")
    }.joined(separator: "_")
  }

  private static let radix = 36
}

/// New points of one metric.
package struct WatchedPoints: Sendable {
  /// Whether they are the metric's first: what was known of it before no longer counts.
  package var restarts: Bool
  package var series: PointSeries
}

package struct WatchPage: Sendable {
  /// At the same moment; without params, tags and metrics.
  package var run: Run
  package var points: [WatchedPoints]
  package var cursor: WatchCursor
  /// Whether there are more at once.
  package var hasMore: Bool
}
