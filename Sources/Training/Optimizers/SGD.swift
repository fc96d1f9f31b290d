// Gradient descent as Keras' `SGD`: the learning rate is inside the velocity.

enum SGD {
  /// w −= rate · g
  static func update(
    weights w: UnsafeMutablePointer<Float>, gradients g: UnsafePointer<Float>, count: Int,
    rate: Float
  ) {
    for i in 0..<count { w[i] -= g[i] * rate }
  }

  /// m = momentum · m − rate · g; then w += m or, with Nesterov's look ahead,
  /// w += momentum · m − rate · g.
  static func update(
    weights w: UnsafeMutablePointer<Float>, gradients g: UnsafePointer<Float>,
    momentums m: UnsafeMutablePointer<Float>, count: Int, rate: Float, momentum: Float,
    nesterov: Bool
  ) {
    if nesterov {
      for i in 0..<count {
        let change = g[i] * rate
        let next = m[i] * momentum - change
        m[i] = next
        w[i] += next * momentum - change
      }
    } else {
      for i in 0..<count {
        let next = m[i] * momentum - g[i] * rate
        m[i] = next
        w[i] += next
      }
    }
  }
}
