// Checkpoints: what was encoded comes back, the manifest's hash is that of the safetensors file, and
// no damaged or hostile manifest is believed.

import Checkpoints
import Experiments
import Testing

struct CheckpointCoderTests {
  private static let chunk = 1 << 20

  /// The raw bytes of encoded chunks by name, as a store gives them.
  private func store(_ chunks: [EncodedChunk]) -> (String) throws -> [UInt8] {
    { name in
      let chunk = try #require(chunks.first { $0.sha256 == name })
      return try ChunkCoder.decode(chunk)
    }
  }

  private func encoded() throws -> (manifest: CheckpointManifest, chunks: [EncodedChunk]) {
    try CheckpointCoder.encode(
      tensors: SafetensorsFixture.tensors, metadata: SafetensorsFixture.metadata, epoch: 3,
      step: 96)
  }

  @Test func tensorsOfAllTypesComeBack() throws {
    let (manifest, chunks) = try encoded()
    #expect(manifest.epoch == 3)
    #expect(manifest.step == 96)
    #expect(manifest.metadata == SafetensorsFixture.metadata)
    let tensors = try CheckpointCoder.decode(manifest: manifest, chunk: store(chunks))
    #expect(tensors == SafetensorsFixture.tensors)
    try CheckpointCoder.verify(manifest: manifest, chunk: store(chunks))
  }

  @Test(arguments: [
    0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk - 1, 2 * chunk, 2 * chunk + 1, 3 * chunk + 5,
  ])
  func sizesAroundTheBordersOfChunksComeBack(size: Int) throws {
    var generator = SeededGenerator(seed: UInt64(size))
    let block = generator.bytes(997)
    let bytes = (0..<size).map { block[$0 % 997] &+ UInt8(truncatingIfNeeded: $0 >> 12) }
    let tensor = Tensor(name: "a", type: .u8, shape: [size], bytes: bytes)
    let (manifest, chunks) = try CheckpointCoder.encode(
      tensors: [tensor], metadata: [:], epoch: 0, step: 0)
    #expect(manifest.tensors[0].chunks.count == (size + Self.chunk - 1) / Self.chunk)
    #expect(try CheckpointCoder.decode(manifest: manifest, chunk: store(chunks)) == [tensor])
  }

  @Test func theHashIsThatOfTheSafetensorsFile() throws {
    let (manifest, chunks) = try encoded()
    let file = try SafetensorsFile(
      tensors: SafetensorsFixture.tensors, metadata: SafetensorsFixture.metadata
    ).serialized()
    #expect(manifest.sha256 == ContentHash.sha256Hex(file))
    #expect(manifest.rawBytes == Int64(file.count))
    var exported: [UInt8] = []
    try CheckpointCoder.export(manifest: manifest, chunk: store(chunks)) { exported += $0 }
    #expect(exported == file)
  }

  @Test func theSameStateGivesTheSameManifestAndChunks() throws {
    let first = try encoded()
    let second = try encoded()
    #expect(first.manifest == second.manifest)
    #expect(first.chunks == second.chunks)
  }

  @Test func chunksOfTheSameContentOccurOnce() throws {
    let zeros = [UInt8](repeating: 0, count: 3 * Self.chunk)
    let (manifest, chunks) = try CheckpointCoder.encode(
      tensors: [
        Tensor(name: "m", type: .f32, shape: [zeros.count / 4], bytes: zeros),
        Tensor(name: "v", type: .f32, shape: [zeros.count / 4], bytes: zeros),
      ], metadata: [:], epoch: 0, step: 0)
    #expect(chunks.count == 1)
    #expect(manifest.tensors.flatMap(\.chunks).count == 6)
    #expect(
      try CheckpointCoder.decode(manifest: manifest, chunk: store(chunks)).map(\.bytes)
        == [zeros, zeros])
  }

  @Test func aDamagedChunkIsNamedWithItsTensor() throws {
    let (manifest, chunks) = try encoded()
    let damagedName = try #require(manifest.tensors.first { $0.name == "int64" }?.chunks.first)
    let error = #expect(throws: CheckpointError.self) {
      try CheckpointCoder.verify(manifest: manifest) { name in
        var bytes = try store(chunks)(name)
        if name == damagedName { bytes[3] ^= 1 }
        return bytes
      }
    }
    #expect(error?.code == "chunk_damaged")
    #expect(error?.message.contains("\"int64\"") == true)
  }

  @Test func chunksOfAWrongLengthAreDamage() throws {
    let (manifest, chunks) = try encoded()
    for change in [[UInt8](), [0, 0, 0, 0]] {
      let code = try errorCode {
        _ = try CheckpointCoder.decode(manifest: manifest) {
          change.isEmpty ? [] : try store(chunks)($0) + change
        }
      }
      #expect(code == "chunk_damaged")
    }
  }

  @Test func whatTheStoreThrowsComesThrough() throws {
    struct Missing: Error {}
    let manifest = try encoded().manifest
    #expect(throws: Missing.self) {
      try CheckpointCoder.decode(manifest: manifest) { _ in throw Missing() }
    }
  }

  @Test(arguments: [
    ("epoch", "manifest_invalid"), ("step", "manifest_invalid"), ("sha256", "manifest_invalid"),
    ("raw bytes", "manifest_invalid"), ("too few chunks", "manifest_invalid"),
    ("too many chunks", "manifest_invalid"), ("chunk name", "manifest_invalid"),
    ("type", "tensor_type_unsupported"), ("shape", "tensor_shape_invalid"),
    ("huge shape", "tensor_shape_invalid"), ("name twice", "tensor_duplicate"),
    ("reserved name", "tensor_name_invalid"),
  ])
  func aWrongManifestIsRefused(change: String, code: String) throws {
    var manifest = try encoded().manifest
    switch change {
    case "epoch": manifest.epoch = -1
    case "step": manifest.step = -1
    case "sha256": manifest.sha256 = "ABC"
    case "raw bytes": manifest.rawBytes += 1
    case "too few chunks": manifest.tensors[0].chunks = []
    case "too many chunks": manifest.tensors[0].chunks += manifest.tensors[0].chunks
    case "chunk name": manifest.tensors[0].chunks[0] = "../../etc/passwd"
    case "type": manifest.tensors[0].dtype = "F16"
    case "shape": manifest.tensors[0].shape[0] = -3
    case "huge shape": manifest.tensors[0].shape = [.max, 8]
    case "name twice": manifest.tensors[1].name = manifest.tensors[0].name
    default: manifest.tensors[0].name = "__metadata__"
    }
    #expect(try errorCode { try CheckpointCoder.check(manifest) } == code)
    let read = try errorCode {
      _ = try CheckpointCoder.decode(manifest: manifest) { _ in
        Issue.record("a chunk was asked for")
        return []
      }
    }
    #expect(read == code)
  }

  @Test func aManifestThatSaysOtherThanItsContentIsFound() throws {
    let (manifest, chunks) = try encoded()
    var changed = manifest
    changed.metadata["classes"] = #"["malignant","benign"]"#
    #expect(
      try errorCode { try CheckpointCoder.verify(manifest: changed, chunk: store(chunks)) }
        == "content_damaged")
    changed = manifest
    changed.sha256 = ContentHash.sha256Hex("")
    #expect(
      try errorCode { try CheckpointCoder.verify(manifest: changed, chunk: store(chunks)) }
        == "content_damaged")
  }

  @Test func tensorsThatAreNotWhatTheySayAreRefused() throws {
    let wrong = Tensor(name: "a", type: .f32, shape: [2], bytes: [1, 2, 3])
    let code = try errorCode {
      _ = try CheckpointCoder.encode(tensors: [wrong], metadata: [:], epoch: 0, step: 0)
    }
    #expect(code == "tensor_size_mismatch")
  }

  @Test func aStateThatIsTooLargeIsRefusedEverywhere() throws {
    let tensor = Tensor(name: "huge", type: .f32, shape: [1 << 30], bytes: [])
    let bytes = 4 << 30
    let encoding = try errorCode {
      _ = try CheckpointCoder.encode(tensors: [tensor], metadata: [:], epoch: 1, step: 1)
    }
    let summing = try errorCode {
      _ = try CheckpointCoder.summary(tensors: [tensor], metadata: [:])
    }
    let writing = try errorCode { _ = try SafetensorsFile(tensors: [tensor]).serialized() }
    #expect([encoding, summing, writing].allSatisfy { $0 == "checkpoint_too_large" })
    let manifest = CheckpointManifest(
      epoch: 1, step: 1,
      tensors: [TensorInfo(name: "huge", dtype: "F32", shape: [1 << 30], chunks: [])],
      metadata: [:], sha256: String(repeating: "a", count: 64), rawBytes: Int64(bytes))
    #expect(try errorCode { try CheckpointCoder.check(manifest) } == "checkpoint_too_large")
    #expect(
      try errorCode { try CheckpointCoder.verify(manifest: manifest) { _ in [] } }
        == "checkpoint_too_large")
  }
}
