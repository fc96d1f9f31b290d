// What one epoch of training gave.

package struct EpochReport: Sendable {
  /// Epochs done, this one included.
  package let epoch: Int
  /// Updates done, this epoch's included.
  package let step: Int
  /// `loss` and the spec's metrics of the training part, from the forward passes of the training
  /// itself as in Keras, then the same as `val_…` if there is a validation part.
  package let metrics: [(key: String, value: Double)]
  /// Wall time of the training steps, validation not included.
  package let seconds: Double
  package let samplesPerSecond: Double

  /// The value of `key`; nil if it was not measured.
  package subscript(key: String) -> Double? { metrics.first { $0.key == key }?.value }
}
