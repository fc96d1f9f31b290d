// Initial kernels as Keras' variance scaling: Glorot's (X. Glorot, Y. Bengio 2010) has variance
// 2 / (inputs + units), He's (K. He et al. 2015) 2 / inputs; uniform, or normal cut at two standard
// deviations and widened so that the variance stays. Biases start at zero.

package import Experiments
import Foundation

package enum Initializer {
  /// Fills `kernel` [inputs, units].
  package static func fill(
    _ kernel: UnsafeMutablePointer<Float>, inputs: Int, units: Int, by initializer: InitializerName,
    random: inout RandomStream
  ) {
    let variance =
      switch initializer {
      case .glorotUniform, .glorotNormal: 1 / max(1, Double(inputs + units) / 2)
      case .heUniform, .heNormal: 2 / max(1, Double(inputs))
      }
    let count = inputs * units
    switch initializer {
    case .glorotUniform, .heUniform:
      let limit = (3 * variance).squareRoot()
      for i in 0..<count { kernel[i] = Float((random.nextUniform() * 2 - 1) * limit) }
    case .glorotNormal, .heNormal:
      // The standard deviation of a standard normal variable cut at ±2.
      let deviation = variance.squareRoot() / 0.879_625_661_034_239_78
      for i in 0..<count { kernel[i] = Float(truncatedNormal(&random) * deviation) }
    }
  }

  /// Standard normal within ±2, by rejection. The transformation is Box and Muller's (1958).
  static func truncatedNormal(_ random: inout RandomStream) -> Double {
    while true {
      let radius = (-2 * log(1 - random.nextUniform())).squareRoot()
      let value = radius * cos(2 * Double.pi * random.nextUniform())
      if abs(value) < 2 { return value }
    }
  }
}
