// Runs that the caller does by itself: it opens them, says what happens, and ends them. `run` is a run
// as people name it. All of it may be sent again.

package import Experiments
import NIOCore
import NIOHTTP1
package import Wire

extension AssayClient {
  /// A run with the same `uid` that is there already is the answer.
  package func openRun(_ run: OpenRun) async throws -> Run {
    try await post(APIPath("runs"), run)
  }

  /// Throws `param_conflict` for a param that has another value.
  package func addParams(run: String, _ params: [String: JSONValue]) async throws {
    let _: Acknowledged = try await post(
      APIPath("runs", run, "params"), ParamsRequest(params: params))
  }

  /// Writes points into a run without an attempt. Returns once they are on disk.
  package func appendMetrics(run: String, _ body: PointsBody) async throws {
    try await send(body, to: APIPath("runs", run, "metrics"))
  }

  /// Says that a run which lives by a lease goes on.
  @discardableResult
  package func renewRun(_ run: String) async throws -> Lease {
    try await post(APIPath("runs", run, "renew"))
  }

  @discardableResult
  package func endRun(_ run: String, _ end: EndRun) async throws -> Run {
    try await post(APIPath("runs", run, "end"), end)
  }

  /// A series as it counts, by the form that takes the least time.
  /// - Parameter points: thinned out to so many points at most; nil: all.
  package func series(run: String, key: String, points: Int? = nil) async throws -> PointSeries {
    let path = APIPath("runs", run, "metrics", key).query("points", points)
    let answer = try await bytes(.GET, path, accept: PointsBody.contentType)
    do {
      let body = try answer.withUnsafeReadableBytes {
        try PointsBody(decoding: $0, atMost: .max)
      }
      guard let series = body.series.first else {
        throw ClientError.badAnswer("\(path.text): it has no series")
      }
      return series
    } catch let error as PointsBodyError {
      throw ClientError.badAnswer("\(path.text): \(error.message)")
    }
  }

  func send(_ body: PointsBody, to path: APIPath) async throws {
    let encoded: [UInt8]
    do {
      encoded = try body.encoded()
    } catch {
      // As the daemon would answer.
      throw ClientError.api(error.body, status: 400)
    }
    let _: PointsAdded = try decoded(
      path,
      await bytes(
        .POST, path, body: ByteBuffer(bytes: encoded), contentType: PointsBody.contentType))
  }
}
