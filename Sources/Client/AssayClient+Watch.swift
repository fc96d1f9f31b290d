// Watching a run and the whole machine, and hooks.

package import Experiments
package import Wire

/// What happens while a run is watched.
package enum WatchEvent: Sendable {
  /// New points; each comes once, unless its series begins anew.
  case points(PointsEvent)
  /// The run's state has changed.
  case state(RunState)
  /// The run is over, and all its points have come.
  case end(RunState)
}

extension AssayClient {
  /// Watches a run to its end. While the daemon is away it tries again for `patience` and goes on
  /// where it was; if the first connection fails it throws at once.
  /// - Parameters:
  ///   - metrics: only these; empty: all.
  ///   - points: a metric that begins with more points is thinned out to so many; nil: all come.
  package func watchRun(
    _ name: String, metrics: [String] = [], points: Int? = nil,
    patience: Duration = .seconds(60)
  ) -> AsyncThrowingStream<WatchEvent, any Error> {
    let path = APIPath("runs", name, "follow")
      .query("metrics", metrics.isEmpty ? nil : metrics.joined(separator: ","))
      .query("points", points)
    return follow(path, after: nil, patience: patience) { event in
      switch event.name {
      case "points": (.points(try Self.value(event)), false)
      case "state": (.state(try Self.value(event)), false)
      case "end": (.end(try Self.value(event)), true)
      default: (nil, false)
      }
    }
  }

  /// - Parameter waiting: how many of those that wait are listed.
  package func top(waiting: Int? = nil) async throws -> TopReply {
    try await get(APIPath("top").query("waiting", waiting))
  }

  package func hooks() async throws -> Page<Hook> { try await get(APIPath("hooks")) }

  package func addHook(_ hook: HookRequest) async throws -> Hook {
    try await post(APIPath("hooks"), hook)
  }

  package func deleteHook(_ name: String) async throws -> Acknowledged {
    try await delete(APIPath("hooks", name))
  }

  /// Makes an event that this hook alone gets.
  package func testHook(_ name: String) async throws -> HookDelivery {
    try await post(APIPath("hooks", name, "test"))
  }

  /// Newest first.
  package func deliveries(
    hook name: String, limit: Int? = nil, cursor: String? = nil
  ) async throws -> Page<HookDelivery> {
    try await get(
      APIPath("hooks", name, "deliveries").query("limit", limit).query("cursor", cursor))
  }
}
