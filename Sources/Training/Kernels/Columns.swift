// Products of a layer with one unit. A library call costs more than the few thousand operations of
// such a product at the usual batch sizes, so plain loops do it.

package enum Columns {
  /// y[r] = Σᵢ x[r, i] w[i]; x [rows, inputs], w [inputs], y [rows].
  package static func multiply(
    _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>,
    rows: Int, inputs: Int
  ) {
    for row in 0..<rows { y[row] = Reductions.dot(x + row * inputs, w, count: inputs) }
  }

  /// gw[i] = Σᵣ x[r, i] g[r]; x [rows, inputs], g [rows], gw [inputs].
  package static func multiply(
    transposed x: UnsafePointer<Float>, _ g: UnsafePointer<Float>,
    into gw: UnsafeMutablePointer<Float>, rows: Int, inputs: Int
  ) {
    gw.update(repeating: 0, count: inputs)
    for row in 0..<rows {
      let values = x + row * inputs
      let factor = g[row]
      for i in 0..<inputs { gw[i] += values[i] * factor }
    }
  }

  /// gx[r, i] = g[r] w[i]; g [rows], w [inputs], gx [rows, inputs].
  package static func outer(
    _ g: UnsafePointer<Float>, _ w: UnsafePointer<Float>, into gx: UnsafeMutablePointer<Float>,
    rows: Int, inputs: Int
  ) {
    for row in 0..<rows {
      let values = gx + row * inputs
      let factor = g[row]
      for i in 0..<inputs { values[i] = factor * w[i] }
    }
  }
}
