// The intermediate values of a pass through a network for up to `capacity` rows, allocated once.

package final class Workspace {
  package let capacity: Int
  /// A batch of features [capacity, features], for callers that gather one.
  let input: UnsafeMutablePointer<Float>
  /// The output of each layer [capacity, width].
  let outputs: [UnsafeMutablePointer<Float>]
  /// The mask of each dropout layer [capacity, width]; for training only.
  let masks: [UnsafeMutablePointer<Float>?]
  /// Two gradients [capacity, greatest width], used in turns; for training only.
  let gradients: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>)?
  private let arena: FloatArena

  package init(layers: [Layer], features: Int, capacity: Int, forTraining: Bool) {
    self.capacity = capacity
    let space = { (width: Int) in FloatArena.padded(capacity * width) }
    let widest = max(features, layers.map(\.width).max() ?? 0)
    var total = space(features)
    for layer in layers {
      total += space(layer.width)
      if case .dropout = layer, forTraining { total += space(layer.width) }
    }
    if forTraining { total += 2 * space(widest) }
    arena = FloatArena(count: total)

    var next = arena.base
    let take = { (width: Int) -> UnsafeMutablePointer<Float> in
      defer { next += space(width) }
      return next
    }
    input = take(features)
    outputs = layers.map { take($0.width) }
    masks = layers.map { layer in
      if case .dropout = layer, forTraining { take(layer.width) } else { nil }
    }
    gradients = forTraining ? (take(widest), take(widest)) : nil
  }
}
