// States of one training after another: all come back, chains end, unchanged tensors are stored
// once, and only what stays is a base.

import Checkpoints
import Experiments
import Testing

struct CheckpointSequenceTests {
  private struct Kept {
    var manifest: CheckpointManifest
    var tensors: [Tensor]
    var chunks: [EncodedChunk]
  }

  /// Trains: each epoch moves the weights and the memory a little.
  private func states(_ count: Int, seed: UInt64) -> [[Tensor]] {
    var generator = SeededGenerator(seed: seed)
    var weights = generator.weights(5_000)
    var memory = generator.weights(5_000)
    let fixed = generator.weights(3_000)
    return (0..<count).map { _ in
      weights = weights.map { $0 * (1 + Float(UInt8.random(in: 0...9, using: &generator)) / 9_000) }
      memory = memory.map { $0 * (1 + Float(UInt8.random(in: 0...9, using: &generator)) / 9_000) }
      return [
        Tensor(name: "model.0.kernel", shape: [50, 100], floats: weights),
        Tensor(name: "model.1.kernel", shape: [3_000], floats: fixed),
        Tensor(name: "optimizer.m.model.0.kernel", shape: [50, 100], floats: memory),
      ]
    }
  }

  private func encoded(
    _ states: [[Tensor]], keepLast: Int? = nil, wholeEvery: Int? = nil
  ) throws -> [Kept] {
    var sequence = CheckpointSequence(keepLast: keepLast)
    return try states.enumerated().map { index, tensors in
      let weights = tensors.filter { $0.name.hasPrefix("model.") }
      let (manifest, chunks) = try sequence.encode(
        tensors: tensors, metadata: ["epoch": "\(index + 1)"], epoch: index + 1, step: Int64(index),
        whole: try CheckpointCoder.summary(
          tensors: tensors, metadata: ["epoch": "\(index + 1)"]),
        weights: try CheckpointCoder.summary(
          tensors: weights, metadata: ["epoch": "\(index + 1)"]),
        keepsWhole: wholeEvery.map { (index + 1).isMultiple(of: $0) } ?? false)
      return Kept(manifest: manifest, tensors: tensors, chunks: chunks)
    }
  }

  private func depth(_ name: String, _ stored: [String: EncodedChunk]) -> Int {
    var depth = 0
    var name = name
    while let base = stored[name]?.base {
      depth += 1
      name = base
    }
    return depth
  }

  @Test(arguments: [nil, 1, 2, 3, 5, 20], [nil, 1, 3])
  func allStatesComeBack(keepLast: Int?, wholeEvery: Int?) throws {
    let kept = try encoded(states(12, seed: 1), keepLast: keepLast, wholeEvery: wholeEvery)
    var stored: [String: EncodedChunk] = [:]
    for state in kept { for chunk in state.chunks { stored[chunk.sha256] = chunk } }
    for state in kept {
      #expect(
        try CheckpointCoder.decode(manifest: state.manifest) {
          try ChunkChain.raw($0, part: "p", verifying: false) { stored[$0] } ?? []
        } == state.tensors)
      let snapshot = try #require(state.manifest.snapshot)
      try CheckpointCoder.check(snapshot)
      #expect(
        try CheckpointCoder.decode(manifest: snapshot) {
          try ChunkChain.raw($0, part: "p", verifying: false) { stored[$0] } ?? []
        } == state.tensors.filter { $0.name.hasPrefix("model.") })
    }
    let deepest = stored.keys.map { depth($0, stored) }.max() ?? 0
    #expect(deepest == min(3, keepLast.map { max(0, ($0 - 1) / 2) } ?? 3))
    // Tensors that never change are stored once.
    let fixed = Set(kept.map { $0.manifest.tensors[1].chunks })
    #expect(fixed.count == 1)
  }

  @Test func memoryIsADifferenceOnlyToWhatStays() throws {
    let kept = try encoded(states(9, seed: 2), wholeEvery: 3)
    var stays: Set<String> = []
    for state in kept {
      let memory = try #require(state.manifest.tensors[2].chunks.first)
      let chunk = try #require(state.chunks.first { $0.sha256 == memory })
      #expect(chunk.base.map { stays.contains($0) } ?? stays.isEmpty)
      if state.manifest.epoch.isMultiple(of: 3) { stays = [memory] }
    }
    let without = try encoded(states(4, seed: 2))
    for state in without {
      let memory = Set(state.manifest.tensors[2].chunks)
      #expect(state.chunks.filter { memory.contains($0.sha256) }.allSatisfy { $0.base == nil })
    }
  }

  @Test func aWholeThatIsNotWhatItsHashSaysNamesTheChunk() throws {
    let kept = try encoded(states(3, seed: 3))
    var stored: [String: EncodedChunk] = [:]
    for state in kept { for chunk in state.chunks { stored[chunk.sha256] = chunk } }
    let name = kept[2].manifest.tensors[0].chunks[0]
    let error = #expect(throws: CheckpointError.self) {
      try CheckpointCoder.verify(manifest: kept[2].manifest) { wanted in
        var raw = try ChunkChain.raw(wanted, part: "p", verifying: false) { stored[$0] } ?? []
        if wanted == name { raw[17] ^= 1 }
        return raw
      }
    }
    #expect(error?.code == "chunk_damaged")
    #expect(error?.message.contains(name) == true)
  }
}
