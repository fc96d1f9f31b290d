// The value that a metric had at one step, as SQL: of what the newest attempt wrote there, the last
// point. It stands apart because it alone of the query language reads points.

enum PointAtStep {
  /// Over a row `m` of `metrics`, with one question mark for the step; NULL where there is no such
  /// point and, as a number, for a NaN.
  static func value(isNumber: Bool) -> String {
    let value = isNumber ? "CASE typeof(v.value) WHEN 'real' THEN v.value END" : "v.value"
    return """
      (SELECT \(value) FROM series s JOIN metric_points v ON v.series_id = s.id AND v.step = ?
      WHERE s.metric_id = m.id ORDER BY s.attempt DESC, v.time DESC, v.value DESC LIMIT 1)
      """
  }
}
