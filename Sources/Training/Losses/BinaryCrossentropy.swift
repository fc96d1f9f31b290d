// −y log p − (1 − y) log(1 − p) for a class y of 0 or 1 and one output per row, as Keras'
// `binary_crossentropy`. All functions return the sum over the rows.

import Foundation

enum BinaryCrossentropy {
  /// From probabilities [rows], clipped as in Keras, which also stops the gradient.
  static func fromProbabilities(
    _ output: UnsafePointer<Float>, targets: Targets, rows: Int,
    gradient: UnsafeMutablePointer<Float>?, scale: Float
  ) -> Double {
    var sum = 0.0
    for row in 0..<rows {
      let isPositive = targets.classIndex(row: row) == 1
      let probability = ProbabilityLimits.clipped(output[row])
      sum += Double(isPositive ? -log(probability) : -log(1 - probability))
      if let gradient {
        let slope = isPositive ? -1 / probability : 1 / (1 - probability)
        gradient[row] = ProbabilityLimits.passes(output[row]) ? slope * scale : 0
      }
    }
    return sum
  }

  /// Sigmoid and loss in one: output [rows] holds logits and becomes probabilities; gradient, if
  /// wanted, is that of the logits, (p − y) · scale, exact where Keras' clipping would stop it.
  static func fromLogits(
    _ output: UnsafeMutablePointer<Float>, targets: Targets, rows: Int,
    gradient: UnsafeMutablePointer<Float>?, scale: Float
  ) -> Double {
    var sum = 0.0
    for row in 0..<rows {
      let isPositive = targets.classIndex(row: row) == 1
      let logit = output[row]
      let small = exp(-abs(logit))
      let probability = (logit < 0 ? small : 1) / (1 + small)
      // log(1 + eˣ) = max(x, 0) + log(1 + e⁻ˡˣˡ)
      let loss = max(isPositive ? -logit : logit, 0) + log1p(small)
      sum += Double(
        ProbabilityLimits.limited(
          loss,
          greatest: isPositive
            ? ProbabilityLimits.greatestLoss : ProbabilityLimits.greatestLossOfComplement,
          logit: logit))
      output[row] = probability
      gradient?[row] = (probability - (isPositive ? 1 : 0)) * scale
    }
    return sum
  }
}
