// Activations fused with the bias before them (forward) and with the bias' gradient after them
// (backward), each in one pass. Definitions as in Keras. NaN always passes through.

package import Experiments
import Foundation

package enum Activations {
  /// output = activation(output + bias), row by row; output [rows, units], bias [units].
  package static func forward(
    _ activation: ActivationName, bias: UnsafePointer<Float>,
    output: UnsafeMutablePointer<Float>, rows: Int, units: Int
  ) {
    switch activation {
    case .linear: map(output, bias, rows, units) { $0 }
    case .relu: map(output, bias, rows, units) { $0 < 0 ? 0 : $0 }
    case .sigmoid: map(output, bias, rows, units) { sigmoid($0) }
    case .tanh: map(output, bias, rows, units) { tanh($0) }
    case .softmax:
      map(output, bias, rows, units) { $0 }
      for row in 0..<rows { softmax(output + row * units, count: units) }
    }
  }

  /// Turns gradient = dL/d(activation's output) into dL/d(activation's input) in place and sums it
  /// over the rows into biasGradient. output and gradient [rows, units], biasGradient [units].
  package static func backward(
    _ activation: ActivationName, output: UnsafePointer<Float>,
    gradient: UnsafeMutablePointer<Float>, biasGradient: UnsafeMutablePointer<Float>, rows: Int,
    units: Int
  ) {
    biasGradient.update(repeating: 0, count: units)
    switch activation {
    case .linear: chain(output, gradient, biasGradient, rows, units) { _, g in g }
    case .relu: chain(output, gradient, biasGradient, rows, units) { y, g in y > 0 ? g : 0 }
    case .sigmoid:
      chain(output, gradient, biasGradient, rows, units) { y, g in g * y * (1 - y) }
    case .tanh: chain(output, gradient, biasGradient, rows, units) { y, g in g * (1 - y * y) }
    case .softmax:
      for row in 0..<rows {
        softmaxBackward(output + row * units, gradient + row * units, count: units)
      }
      chain(output, gradient, biasGradient, rows, units) { _, g in g }
    }
  }

  /// 1 / (1 + e⁻ˣ), without overflow for either sign.
  @inline(__always)
  package static func sigmoid(_ x: Float) -> Float {
    let small = exp(-abs(x))
    return (x < 0 ? small : 1) / (1 + small)
  }

  /// values = e^values / Σ e^values, shifted by the greatest value so that nothing overflows.
  static func softmax(_ values: UnsafeMutablePointer<Float>, count: Int) {
    var greatest = -Float.infinity
    for i in 0..<count where values[i] > greatest { greatest = values[i] }
    var sum: Float = 0
    for i in 0..<count {
      values[i] = exp(values[i] - greatest)
      sum += values[i]
    }
    let factor = 1 / sum
    for i in 0..<count { values[i] *= factor }
  }

  /// The full Jacobian of one row: dL/dzᵢ = yᵢ · (gᵢ − Σⱼ gⱼ yⱼ).
  private static func softmaxBackward(
    _ output: UnsafePointer<Float>, _ gradient: UnsafeMutablePointer<Float>, count: Int
  ) {
    let mean = Reductions.dot(output, gradient, count: count)
    for i in 0..<count { gradient[i] = output[i] * (gradient[i] - mean) }
  }

  @inline(__always)
  private static func map(
    _ output: UnsafeMutablePointer<Float>, _ bias: UnsafePointer<Float>, _ rows: Int,
    _ units: Int, _ function: (Float) -> Float
  ) {
    for row in 0..<rows {
      let values = output + row * units
      for i in 0..<units { values[i] = function(values[i] + bias[i]) }
    }
  }

  @inline(__always)
  private static func chain(
    _ output: UnsafePointer<Float>, _ gradient: UnsafeMutablePointer<Float>,
    _ biasGradient: UnsafeMutablePointer<Float>, _ rows: Int, _ units: Int,
    _ derivative: (_ output: Float, _ gradient: Float) -> Float
  ) {
    for row in 0..<rows {
      let y = output + row * units
      let g = gradient + row * units
      for i in 0..<units {
        let value = derivative(y[i], g[i])
        g[i] = value
        biasGradient[i] += value
      }
    }
  }
}
