// Comparisons, baselines and checks; and the daemon itself.

package import Experiments
package import Wire

extension AssayClient {
  package func compare(_ request: CompareRequest) async throws -> Comparison {
    try await post(APIPath("compare"), request)
  }

  package func baselines() async throws -> Page<Baseline> {
    try await get(APIPath("baselines"))
  }

  package func baseline(_ name: String) async throws -> Baseline {
    try await get(APIPath("baselines", name))
  }

  /// Makes the baseline, or gives it other runs.
  package func setBaseline(_ name: String, _ request: BaselineRequest) async throws -> Baseline {
    try await put(APIPath("baselines", name), request)
  }

  package func deleteBaseline(_ name: String) async throws -> Acknowledged {
    try await delete(APIPath("baselines", name))
  }

  /// Newest first.
  package func checks(limit: Int? = nil, cursor: String? = nil) async throws -> Page<Check> {
    try await get(APIPath("checks").query("limit", limit).query("cursor", cursor))
  }

  package func check(_ id: Int64) async throws -> Check {
    try await get(APIPath("checks", String(id)))
  }

  /// Compares runs with a baseline and keeps the verdict.
  package func check(_ request: CheckRequest) async throws -> Check {
    try await post(APIPath("checks"), request)
  }

  /// What happened, oldest first, beginning after an event's id.
  package func events(after: Int64 = 0, limit: Int? = nil) async throws -> Page<Event> {
    try await get(APIPath("events").query("after", after).query("limit", limit))
  }

  package func status() async throws -> DaemonStatus {
    try await get(APIPath("status"))
  }

  package func health() async throws -> Health {
    try await get(APIPath("health"))
  }

  /// A JSON Schema (or `openapi`) by its name without ending.
  package func schema(_ name: String) async throws -> JSONValue {
    try await get(APIPath("schemas", name))
  }
}
