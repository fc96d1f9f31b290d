// The distances of predictions from a numeric target, and the metrics made of them.

struct RegressionErrors {
  private let rows: Int
  private var absolute = 0.0
  private var squared = 0.0
  /// Sum of squared distances of the target from its mean.
  private var total = 0.0

  /// - Parameter scores: [rows, outputs]; the first output is the prediction.
  init(scores: UnsafeBufferPointer<Float>, outputs: Int, values: [Float]) {
    rows = values.count
    assert(scores.count == rows * outputs)
    guard let first = values.first else { return }
    var sum = 0.0
    var isConstant = true
    for (row, value) in values.enumerated() {
      let distance = Double(value) - Double(scores[row * outputs])
      absolute += abs(distance)
      squared += distance * distance
      sum += Double(value)
      if value != first { isConstant = false }
    }
    // The mean of equal values may differ from them by rounding.
    if isConstant { return }
    let mean = sum / Double(rows)
    for value in values { total += (Double(value) - mean) * (Double(value) - mean) }
  }

  var meanAbsoluteError: Double { rows == 0 ? .nan : absolute / Double(rows) }

  /// The coefficient of determination. Not defined for fewer than two rows; for a constant target
  /// 1 if every prediction is right, else 0.
  var r2: Double {
    guard rows > 1, !squared.isNaN else { return .nan }
    if total == 0 { return squared == 0 ? 1 : 0 }
    return 1 - squared / total
  }
}
