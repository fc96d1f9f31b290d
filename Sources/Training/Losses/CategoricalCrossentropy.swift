// −log of the probability of the row's class, as Keras' `categorical_crossentropy` of one-hot
// targets and `sparse_categorical_crossentropy`, which are the same number. All functions return
// the sum over the rows.

import Foundation

enum CategoricalCrossentropy {
  /// From any outputs [rows, outputs]: divided by their sum and clipped as in Keras, which also
  /// stops the gradient.
  static func fromProbabilities(
    _ output: UnsafePointer<Float>, targets: Targets, rows: Int, outputs: Int,
    gradient: UnsafeMutablePointer<Float>?, scale: Float
  ) -> Double {
    var sum = 0.0
    for row in 0..<rows {
      let values = output + row * outputs
      let target = targets.classIndex(row: row)
      var total: Float = 0
      for i in 0..<outputs { total += values[i] }
      let share = values[target] / total
      let probability = ProbabilityLimits.clipped(share)
      sum += Double(-log(probability))
      if let gradient {
        // With q = o / Σo and L = −log q_t: dL/dq_t = −1/q_t, so dL/do_j = (1 − δ_jt / q_t) / Σo.
        let passes = ProbabilityLimits.passes(share)
        let slopes = gradient + row * outputs
        for i in 0..<outputs { slopes[i] = passes ? scale / total : 0 }
        if passes { slopes[target] = (1 - 1 / probability) / total * scale }
      }
    }
    return sum
  }

  /// Softmax and loss in one: output [rows, outputs] holds logits and becomes probabilities;
  /// gradient, if wanted, is that of the logits, (p − one-hot) · scale, exact where Keras'
  /// clipping would stop it.
  static func fromLogits(
    _ output: UnsafeMutablePointer<Float>, targets: Targets, rows: Int, outputs: Int,
    gradient: UnsafeMutablePointer<Float>?, scale: Float
  ) -> Double {
    var sum = 0.0
    for row in 0..<rows {
      let values = output + row * outputs
      let target = targets.classIndex(row: row)
      var greatest = -Float.infinity
      for i in 0..<outputs where values[i] > greatest { greatest = values[i] }
      let logit = values[target]
      var total: Float = 0
      for i in 0..<outputs {
        values[i] = exp(values[i] - greatest)
        total += values[i]
      }
      let loss = log(total) - (logit - greatest)
      sum += Double(
        ProbabilityLimits.limited(
          loss, greatest: ProbabilityLimits.greatestLoss, logit: logit))
      let factor = 1 / total
      for i in 0..<outputs { values[i] *= factor }
      if let gradient {
        let slopes = gradient + row * outputs
        for i in 0..<outputs { slopes[i] = values[i] * scale }
        slopes[target] = (values[target] - 1) * scale
      }
    }
    return sum
  }
}
