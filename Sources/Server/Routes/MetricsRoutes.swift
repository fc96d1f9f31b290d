// Metric series of runs.

import Experiments
import HTTPTypes
import Store
import Wire

enum MetricsRoutes {
  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      Endpoint(.get, "/runs/{run}/metrics/{key}") { request in
        let id = try await core.oneRun(try request.text("run"))
        let key = try request.text("key")
        let (summary, points) = try await core.store.history(run: id, key: key)
        return try await Reply.json(
          large: MetricHistory(
            runId: id, key: key, summary: summary, steps: points.map(\.step),
            epochs: points.map(\.epoch), times: points.map(\.time),
            values: points.map(\.value)),
          in: core.workshop)
      },
      // For programs that record a run by themselves, without an attempt.
      Endpoint(.post, "/runs/{run}/metrics", bodyLimit: Limits.requestBytes) { request in
        let points = try await MetricsBody.points(request)
        let id = try await core.oneRun(try request.text("run"))
        try await core.store.appendMetrics(run: id, points)
        return try Reply.acknowledged
      },
    ]
  }
}

/// A batch of points that keeps to the limits.
enum MetricsBody {
  static func points(_ request: APIRequest) async throws -> [MetricPoint] {
    let points = try await request.json(MetricsBatch.self).points
    guard points.count <= Limits.pointsPerRequest else {
      throw ServerError.limitExceeded(
        field: "points", value: points.count, limit: Limits.pointsPerRequest)
    }
    return points
  }
}
