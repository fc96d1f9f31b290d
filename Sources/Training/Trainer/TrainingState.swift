// A whole training at the end of an epoch as named tensors and texts: with the same spec, data and
// numerics, a trainer that restores it goes on bit for bit.

package import Experiments

package struct TrainingState: Sendable, Equatable {
  /// `model.I.kernel`, `model.I.bias`, and for each memory of the optimizer
  /// `optimizer.MEMORY.model.I.kernel` and so on.
  package var tensors: [Tensor]
  /// Position, random generator and what the state belongs to; see `TrainingState.Key`.
  package var metadata: [String: String]

  package init(tensors: [Tensor], metadata: [String: String]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  package enum Key {
    package static let format = "format"
    package static let epoch = "epoch"
    package static let step = "step"
    package static let seed = "random.seed"
    package static let generator = "random.generator"
    package static let optimizer = "optimizer"
    package static let loss = "loss"
    package static let batchSize = "batch_size"
    package static let trainRows = "train_rows"
    package static let numerics = "numerics"
  }

  package static let format = "assay-training-state-1"
  package static let generator = "philox4x32-10"

  /// The weights alone.
  package var weights: [Tensor] { tensors.filter { $0.name.hasPrefix("model.") } }

  package var epoch: Int? { metadata[Key.epoch].flatMap { Int($0) } }
  package var step: Int? { metadata[Key.step].flatMap { Int($0) } }
  /// The fingerprint of the numerics the state was computed with; elsewhere a training goes on, but
  /// not bit for bit.
  package var numerics: String? { metadata[Key.numerics] }
}
