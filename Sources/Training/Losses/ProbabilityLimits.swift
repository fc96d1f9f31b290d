// Keras bounds probabilities before it takes their logarithm, to 1e-7 from 0 and from 1 in float32.
// Losses that are computed from logits, and so need no bound, keep to the same range of values.

import Foundation

enum ProbabilityLimits {
  static let lowest: Float = 1e-7
  static let highest: Float = 1 - lowest

  /// −log of the highest, of the lowest, and of one minus the highest probability; the last two
  /// differ since 1 − 1e-7 is rounded.
  static let leastLoss = -log(highest)
  static let greatestLoss = -log(lowest)
  static let greatestLossOfComplement = -log(1 - highest)

  /// `loss` within the limits. A logit that is not finite gives NaN: it must not be hidden.
  @inline(__always)
  static func limited(_ loss: Float, greatest: Float, logit: Float) -> Float {
    guard logit.isFinite else { return .nan }
    return loss < leastLoss ? leastLoss : loss > greatest ? greatest : loss
  }

  @inline(__always)
  static func clipped(_ probability: Float) -> Float {
    probability < lowest ? lowest : probability > highest ? highest : probability
  }

  /// Whether clipping leaves the probability as it is, so that the gradient passes.
  @inline(__always)
  static func passes(_ probability: Float) -> Bool {
    probability >= lowest && probability <= highest
  }
}
