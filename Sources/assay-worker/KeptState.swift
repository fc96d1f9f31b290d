// The state of a training at the end of an epoch that is kept, on its way to the daemon.
import Checkpoints
import Experiments

struct KeptState: Sendable {
  /// The whole state, or the weights alone if `whole` is nil.
  private(set) var tensors: [Tensor]
  let metadata: [String: String]
  let epoch: Int
  let step: Int64
  /// Hash and size of the whole state and of the weights, each as a file of its own.
  private(set) var whole: ContentSummary?
  let weights: ContentSummary
  /// What is told with it: the hashes of epochs that were not told yet.
  let hashes: [EpochHash]
  /// Whether it is the best epoch so far by the checkpoint policy.
  let isBest: Bool
  /// Whether the whole state is to stay when newer ones come.
  let keepsWhole: Bool

  /// Computes the hashes, which takes a while.
  init(
    tensors: [Tensor], metadata: [String: String], epoch: Int, step: Int64, whole: ContentSummary,
    hashes: [EpochHash], isBest: Bool, keepsWhole: Bool
  ) throws(CheckpointError) {
    self.tensors = tensors
    self.metadata = metadata
    self.epoch = epoch
    self.step = step
    self.whole = whole
    self.hashes = hashes
    weights = try CheckpointCoder.summary(tensors: Self.weights(of: tensors), metadata: metadata)
    self.isBest = isBest
    self.keepsWhole = keepsWhole
  }

  /// Leaves the weights alone.
  mutating func becomeSnapshot() {
    tensors = Self.weights(of: tensors)
    whole = nil
  }

  func encoded(
    by sequence: inout CheckpointSequence
  ) throws(CheckpointError) -> (manifest: CheckpointManifest, chunks: [EncodedChunk]) {
    try sequence.encode(
      tensors: tensors, metadata: metadata, epoch: epoch, step: step, whole: whole,
      weights: weights, keepsWhole: keepsWhole)
  }

  private static func weights(of tensors: [Tensor]) -> [Tensor] {
    tensors.filter { $0.name.hasPrefix(CheckpointManifest.weightsPrefix) }
  }
}
