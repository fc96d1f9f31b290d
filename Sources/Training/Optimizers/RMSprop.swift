// RMSprop (T. Hinton 2012) as Keras has it: epsilon under the root, optionally centred by the mean
// gradient (A. Graves 2013), optionally with momentum.

enum RMSprop {
  /// v = ρ v + (1 − ρ) g²; centred: a = ρ a + (1 − ρ) g and d = v − a² + ε, else d = v + ε; then
  /// change = rate · g / √d, and w −= change or, with momentum, m = momentum · m + change, w −= m.
  /// `count` is a multiple of four.
  static func update(
    weights w: UnsafeMutablePointer<Float>, gradients g: UnsafePointer<Float>,
    velocities v: UnsafeMutablePointer<Float>, averages: UnsafeMutablePointer<Float>?,
    momentums: UnsafeMutablePointer<Float>?, count: Int, rate: Float, rho: Double,
    momentum: Float, epsilon: Float
  ) {
    let keep = Float(rho)
    let rest = Float(1 - rho)
    for i in stride(from: 0, to: count, by: Lanes.laneCount) {
      let gradient = Lanes.load(g + i)
      let velocity = Lanes.load(v + i) * keep + gradient * gradient * rest
      velocity.store(to: v + i)
      var variance = velocity
      if let averages {
        let average = Lanes.load(averages + i) * keep + gradient * rest
        average.store(to: averages + i)
        variance -= average * average
        // A variance cannot be negative; its float32 value can, and its root would be NaN.
        variance.replace(with: 0, where: variance .< 0)
      }
      var change = gradient * rate / (variance + epsilon).root
      if let momentums {
        change += Lanes.load(momentums + i) * momentum
        change.store(to: momentums + i)
      }
      (Lanes.load(w + i) - change).store(to: w + i)
    }
  }
}
