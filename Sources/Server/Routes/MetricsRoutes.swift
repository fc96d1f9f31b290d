// Metric series of runs, as JSON or as bytes, whole or thinned out.

import Experiments
import HTTPTypes
import Hummingbird
import Store
import Wire

enum MetricsRoutes {
  static func endpoints(_ core: Core) -> [Endpoint] {
    [
      Endpoint(.get, "/runs/{run}/metrics/{key}", query: ["points"]) { request in
        let most = try request.integer("points", in: 10...Limits.plotPoints)
        let id = try await core.givenRun(try request.text("run"))
        let key = try request.text("key")
        let (summary, series) = try await core.store.series(run: id, key: key, most: most)
        return try await answer(
          run: id, summary, series, asBytes: MetricsBody.isAccepted(request), core)
      },
      // For programs that record a run by themselves, without an attempt.
      Endpoint(.post, "/runs/{run}/metrics", bodyLimit: Limits.requestBytes) { request in
        let series = try await MetricsBody.series(request, core)
        let id = try await core.givenRun(try request.text("run"))
        // A job's program writes as the attempt that it is part of: of two attempts of a run that
        // write the same step, the newer one counts.
        if let scope = request.scope, scope.run == id {
          return MetricsBody.reply(
            try await core.store.appendMetrics(attempt: scope.attempt, series))
        }
        return MetricsBody.reply(try await core.store.appendMetrics(run: id, series))
      },
    ]
  }

  /// Beyond so many points an answer is made where that holds up nobody.
  private static let small = 4_096

  private static func answer(
    run: Int64, _ summary: MetricSummary, _ series: PointSeries, asBytes: Bool, _ core: Core
  ) async throws -> Response {
    @Sendable func make() throws -> [UInt8] {
      asBytes
        ? try PointsBody([series]).encoded()
        : MetricHistory.json(run: run, summary: summary, series: series)
    }
    let bytes = series.count > small ? try await core.workshop.run(make) : try make()
    return asBytes
      ? Reply.bytes(bytes, contentType: PointsBody.contentType) : Reply.json(bytes: bytes)
  }
}

/// A batch of points in one of its three forms.
enum MetricsBody {
  /// - Throws: `bad_json`, `bad_points`, `limit_exceeded`.
  static func series(_ request: APIRequest, _ core: Core) async throws -> [PointSeries] {
    let body = try await request.bytes()
    let now = core.clock.now()
    let isBinary = request.header(.contentType).map(isPoints) ?? false
    // Taking bytes over is fast; reading numbers out of a large text is not.
    if isBinary || body.count <= 32 << 10 {
      return try decode(body, isBinary: isBinary, now: now)
    }
    return try await core.workshop.run { try decode(body, isBinary: isBinary, now: now) }
  }

  /// - Throws: `bad_json`, `bad_points`, `limit_exceeded`.
  static func decode(_ body: [UInt8], isBinary: Bool, now: Timestamp) throws -> [PointSeries] {
    if isBinary { return try PointsBody(decoding: body).series }
    let series =
      try MetricsScanner.series(body, now: now)
      ?? APIRequest.decode(MetricsRequest.self, from: body).series(now: now)
    let count = series.reduce(0) { $0 + $1.count }
    guard count <= Limits.pointsPerRequest else {
      throw ServerError.limitExceeded(
        field: "points", value: count, limit: Limits.pointsPerRequest)
    }
    return series
  }

  static func isAccepted(_ request: APIRequest) -> Bool {
    request.header(.accept).map(isPoints) ?? false
  }

  private static func isPoints(_ header: String) -> Bool {
    header.contains(PointsBody.contentType)
  }

  static func reply(_ points: Int) -> Response { Reply.json(bytes: answer(points)) }

  /// The JSON of `PointsAdded`.
  static func answer(_ points: Int) -> [UInt8] {
    var json = JSONWriter(capacity: 32)
    json.object { json in
      json.key("points")
      json.value(Int64(points))
    }
    return json.bytes
  }
}
