// What an optimizer remembers of each parameter, and its update of all of them. Parameters,
// gradients and memories lie in arenas of the same layout, so an update is one loop.

package import Experiments

package final class Optimizer {
  package let spec: OptimizerSpec
  /// Keras' names of the memories.
  package let slotNames: [String]
  let slots: [FloatArena]
  private let count: Int

  /// For arenas of `count` floats, which must be whole cache lines (`FloatArena.padded`).
  package init(_ spec: OptimizerSpec, count: Int) {
    self.spec = spec
    self.count = count
    switch spec {
    case .sgd(_, let momentum, _): slotNames = momentum == 0 ? [] : ["momentum"]
    case .adam: slotNames = ["momentum", "velocity"]
    case .rmsprop(_, _, let momentum, _, let centered):
      slotNames =
        ["velocity"] + (momentum > 0 ? ["momentum"] : []) + (centered ? ["average_gradient"] : [])
    }
    slots = slotNames.map { _ in FloatArena(count: count) }
  }

  /// The `step`-th update, counted from 1.
  package func update(
    weights: UnsafeMutablePointer<Float>, gradients: UnsafePointer<Float>, step: Int
  ) {
    switch spec {
    case .sgd(let rate, let momentum, let nesterov):
      if momentum == 0 {
        SGD.update(weights: weights, gradients: gradients, count: count, rate: Float(rate))
      } else {
        SGD.update(
          weights: weights, gradients: gradients, momentums: slots[0].base, count: count,
          rate: Float(rate), momentum: Float(momentum), nesterov: nesterov)
      }
    case .adam(let rate, let beta1, let beta2, let epsilon):
      Adam.update(
        weights: weights, gradients: gradients, momentums: slots[0].base,
        velocities: slots[1].base, count: count, step: step, rate: Float(rate), beta1: beta1,
        beta2: beta2, epsilon: Float(epsilon))
    case .rmsprop(let rate, let rho, let momentum, let epsilon, let centered):
      RMSprop.update(
        weights: weights, gradients: gradients, velocities: slots[0].base,
        averages: centered ? slots[slots.count - 1].base : nil,
        momentums: momentum > 0 ? slots[1].base : nil, count: count, rate: Float(rate), rho: rho,
        momentum: Float(momentum), epsilon: Float(epsilon))
    }
  }
}
