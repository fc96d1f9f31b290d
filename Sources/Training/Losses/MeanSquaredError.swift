// The mean over the outputs of (o − y)², as Keras' `mean_squared_error`. Classes count as 0 and 1
// with one output, as one-hot rows with more. Returns the sum over the rows.

enum MeanSquaredError {
  /// output and gradient [rows, outputs].
  static func fromOutputs(
    _ output: UnsafePointer<Float>, targets: Targets, rows: Int, outputs: Int,
    gradient: UnsafeMutablePointer<Float>?, scale: Float
  ) -> Double {
    let slope = 2 * scale / Float(outputs)
    var sum = 0.0
    for row in 0..<rows {
      for i in 0..<outputs {
        let place = row * outputs + i
        let difference = output[place] - targets.wanted(row: row, output: i, outputs: outputs)
        sum += Double(difference * difference)
        gradient?[place] = difference * slope
      }
    }
    return sum / Double(outputs)
  }
}
