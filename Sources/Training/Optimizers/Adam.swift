// Adam (D. P. Kingma, J. Ba 2015) as Keras has it: the bias correction is in the step size, and
// epsilon is added to the uncorrected root ("epsilon hat" in the paper; PyTorch's differs).

import Foundation

enum Adam {
  /// m += (g − m)(1 − β₁), v += (g² − v)(1 − β₂), w −= α m / (√v + ε) with
  /// α = rate · √(1 − β₂ᵗ) / (1 − β₁ᵗ) and t = `step`, counted from 1. As in Keras, β₁ᵗ and β₂ᵗ are
  /// float32 powers. `count` is a multiple of four.
  static func update(
    weights w: UnsafeMutablePointer<Float>, gradients g: UnsafePointer<Float>,
    momentums m: UnsafeMutablePointer<Float>, velocities v: UnsafeMutablePointer<Float>,
    count: Int, step: Int, rate: Float, beta1: Double, beta2: Double, epsilon: Float
  ) {
    let power1 = pow(Float(beta1), Float(step))
    let power2 = pow(Float(beta2), Float(step))
    let alpha = rate * (1 - power2).squareRoot() / (1 - power1)
    let rest1 = Float(1 - beta1)
    let rest2 = Float(1 - beta2)
    for i in stride(from: 0, to: count, by: Lanes.laneCount) {
      let gradient = Lanes.load(g + i)
      var momentum = Lanes.load(m + i)
      var velocity = Lanes.load(v + i)
      momentum += (gradient - momentum) * rest1
      velocity += (gradient * gradient - velocity) * rest2
      momentum.store(to: m + i)
      velocity.store(to: v + i)
      (Lanes.load(w + i) - momentum * alpha / (velocity.root + epsilon)).store(to: w + i)
    }
  }
}
