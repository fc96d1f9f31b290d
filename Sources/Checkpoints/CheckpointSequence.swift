// Encodes the kept states of one training one after another, as differences where that is smaller.
//
// A difference keeps its base alive, so it is made only against what is kept anyway: weights against
// the weights kept before, of which a snapshot stays; the optimizer's memory against the last state
// that is kept whole for good. If only the newest few epochs are kept, chains are shorter than what
// is kept, so that few chunks outlive their epoch as nothing but a base.

package import Experiments

package struct CheckpointSequence: Sendable {
  /// Differences that lead from a chunk to a whole one at most: fewer than there may be, since each
  /// of them is one more to decode when the chunk is read. (With 3, weights take 2 % more than with 8
  /// and are read in half of the time.)
  package static let longestChain = 3
  private let chain: Int
  private var weights: [String: TensorBase] = [:]
  private var memory: [String: TensorBase] = [:]

  /// - Parameter keepLast: how many of the newest epochs are kept; nil for all.
  package init(keepLast: Int?) {
    chain = keepLast.map { min(Self.longestChain, max(0, ($0 - 1) / 2)) } ?? Self.longestChain
  }

  /// Forgets all bases, so that the next state is stored whole.
  package mutating func reset() {
    weights = [:]
    memory = [:]
  }

  /// - Parameters:
  ///   - whole: hash and size of the whole state; nil if `tensors` are the weights alone.
  ///   - weights: those of the weights.
  ///   - keepsWhole: whether the whole state stays when newer ones come.
  ///   - encoder: what several calls may share.
  /// - Throws: an error where a name, shape or number of bytes is not valid.
  package mutating func encode(
    tensors: [Tensor], metadata: [String: String], epoch: Int, step: Int64,
    whole: ContentSummary?, weights summary: ContentSummary, keepsWhole: Bool,
    with encoder: ChunkEncoder? = nil
  ) throws(CheckpointError) -> (manifest: CheckpointManifest, chunks: [EncodedChunk]) {
    let own = if let encoder { encoder } else { try ChunkEncoder() }
    var chunks = ChunkList()
    var infos: [TensorInfo] = []
    for tensor in tensors {
      let isWeight = tensor.name.hasPrefix(CheckpointManifest.weightsPrefix)
      let stored = try chunks.append(
        tensor.bytes, type: tensor.type,
        base: isWeight ? weights[tensor.name] : memory[tensor.name], chain: chain, with: own)
      if isWeight {
        weights[tensor.name] = stored
      } else if keepsWhole {
        memory[tensor.name] = stored
      }
      infos.append(
        TensorInfo(
          name: tensor.name, dtype: tensor.type.rawValue, shape: tensor.shape,
          chunks: stored.chunks))
    }
    let content = whole ?? summary
    let manifest = CheckpointManifest(
      kind: whole == nil ? .snapshot : .checkpoint, epoch: epoch, step: step, tensors: infos,
      metadata: metadata, sha256: content.sha256, rawBytes: content.rawBytes,
      weights: whole == nil ? nil : summary)
    return (manifest, chunks.chunks)
  }
}
