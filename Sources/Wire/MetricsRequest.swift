// The JSON forms of `POST …/metrics`: single points, or columns of many.
//
//   {"points": [{"key": "loss", "step": 1, "epoch": 1, "time": 1760000000000000, "value": 0.5}]}
//   {"series": [{"key": "loss", "steps": [1, 2], "times": [1, 2], "values": [0.5, "NaN"]}]}
//
// `epoch` and `time` may be missing; a time that is missing is that of the request's arrival, so such
// a request is not the same when it is sent again.

package import Experiments

package struct MetricsRequest: Codable, Sendable {
  package struct Point: Codable, Sendable {
    package var key: String
    package var step: Int64
    package var epoch: Int64?
    package var time: Timestamp?
    package var value: Double
  }

  package struct Columns: Codable, Sendable {
    package var key: String
    package var steps: [Int64]
    package var times: [Int64]?
    package var values: [Double]
    package var epochs: [Int64?]?
  }

  package var points: [Point]?
  package var series: [Columns]?

  /// What it says.
  /// - Parameter now: the time of points that have none.
  /// - Throws: `PointsBodyError.columns` for columns of different lengths.
  package func series(now: Timestamp) throws(PointsBodyError) -> [PointSeries] {
    var result = PointSeries.grouping(
      (points ?? []).map {
        MetricPoint(
          key: $0.key, step: $0.step, epoch: $0.epoch, time: $0.time ?? now, value: $0.value)
      })
    for columns in series ?? [] {
      let one = PointSeries(
        key: columns.key, steps: columns.steps,
        times: columns.times
          ?? [Int64](repeating: now.microseconds, count: columns.steps.count),
        values: columns.values,
        epochs: columns.epochs.map { $0.map { $0 ?? PointSeries.noEpoch } })
      guard one.isRectangular else { throw .columns(key: columns.key) }
      result.append(one)
    }
    return result
  }
}
