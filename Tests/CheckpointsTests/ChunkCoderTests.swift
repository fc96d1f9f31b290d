// Chunks: every coding gives the bytes back, damage is never taken for content, and shuffled
// weights are smaller.

import Checkpoints
import Experiments
import Testing

struct ChunkCoderTests {
  private static let sizes = [0, 1, 2, 3, 4, 7, 8, 9, 63, 64, 65, 127, 1_000, 65_536, 1 << 20]

  @Test(arguments: sizes, TensorType.allCases)
  func bytesComeBack(size: Int, type: TensorType) throws {
    var generator = SeededGenerator(seed: UInt64(size))
    let contents = [
      generator.bytes(size), [UInt8](repeating: 5, count: size),
      (0..<size).map { UInt8(truncatingIfNeeded: $0 / 64) },
    ]
    for raw in contents {
      let chunk = try ChunkCoder.encode(raw, type: type)
      #expect(chunk.rawBytes == size)
      #expect(chunk.stored.count <= size)
      #expect(try ChunkCoder.decode(chunk) == raw)
    }
  }

  @Test func theChunkIsNamedByItsContent() throws {
    let chunk = try ChunkCoder.encode(Array("abc".utf8))
    #expect(chunk.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(chunk.codec == .raw)
  }

  @Test func theSmallestCodingIsTaken() throws {
    var generator = SeededGenerator(seed: 1)
    #expect(try ChunkCoder.encode(generator.bytes(5_000), type: .f32).codec == .raw)
    #expect(
      try ChunkCoder.encode([UInt8](repeating: 1, count: 5_000), type: .u8).codec == .zstd)
    let weights = SafetensorsFixture.bytes(of: generator.weights(5_000))
    #expect(try ChunkCoder.encode(weights, type: .f32).codec == .shuffle4Zstd)
    let counts = SafetensorsFixture.bytes(of: (0..<5_000).map { Int64($0 * $0) })
    #expect(try ChunkCoder.encode(counts, type: .i64).codec == .shuffle8Zstd)
  }

  @Test func shuffledWeightsAreSmallerThanPlainZstd() throws {
    var generator = SeededGenerator(seed: 2)
    let weights = SafetensorsFixture.bytes(of: generator.weights(100_000))
    let shuffled = try ChunkCoder.encode(weights, type: .f32).stored.count
    let plain = try ChunkCoder.encode(weights, type: .u8).stored.count
    #expect(shuffled < plain)
    #expect(Double(shuffled) < 0.9 * Double(weights.count))
  }

  @Test func aChunkOverTheLimitIsRefused() throws {
    let tooLong = [UInt8](repeating: 0, count: (1 << 20) + 1)
    #expect(try errorCode { _ = try ChunkCoder.encode(tooLong) } == "chunk_too_large")
    for rawBytes in [(1 << 20) + 1, .max, -1] {
      let code = try errorCode {
        _ = try ChunkCoder.decode([1], codec: .zstd, rawBytes: rawBytes, sha256: "")
      }
      #expect(code == "chunk_too_large")
    }
  }

  /// zstd has bits that mean nothing (a reserved bit of its header, padding); a flip of one gives
  /// the true bytes. What must never happen is that other bytes come out.
  @Test func aFlippedBitNeverGivesOtherBytes() throws {
    var generator = SeededGenerator(seed: 4)
    let weights = SafetensorsFixture.bytes(of: generator.weights(2_000))
    let counts = SafetensorsFixture.bytes(of: (0..<1_000).map { Int64($0 * 3) })
    let originals: [(raw: [UInt8], type: TensorType, codec: ChunkCodec)] = [
      (generator.bytes(3_000), .u8, .raw), (counts, .u8, .zstd),
      (weights, .f32, .shuffle4Zstd), (counts, .i64, .shuffle8Zstd),
    ]
    for original in originals {
      let chunk = try ChunkCoder.encode(original.raw, type: original.type)
      #expect(chunk.codec == original.codec)
      var detected = 0
      for _ in 0..<2_000 {
        var stored = chunk.stored
        stored[Int.random(in: 0..<stored.count, using: &generator)] ^=
          1 << UInt8.random(in: 0..<8, using: &generator)
        let damaged = EncodedChunk(
          sha256: chunk.sha256, rawBytes: chunk.rawBytes, codec: chunk.codec, stored: stored)
        var decoded: [UInt8]?
        let code = try errorCode { decoded = try ChunkCoder.decode(damaged) }
        #expect(code == (decoded == nil ? "chunk_damaged" : nil))
        #expect(decoded == nil || decoded == original.raw)
        if decoded == nil { detected += 1 }
      }
      #expect(original.codec == .raw ? detected == 2_000 : detected > 1_900)
    }
  }

  @Test func wrongLengthsCodecsAndHashesAreDamage() throws {
    let raw = SafetensorsFixture.bytes(of: (0..<1_000).map { Int64($0) })
    let chunk = try ChunkCoder.encode(raw, type: .i64)
    func code(
      _ stored: [UInt8]? = nil, codec: ChunkCodec? = nil, rawBytes: Int? = nil,
      sha256: String? = nil
    ) throws -> String? {
      try errorCode {
        _ = try ChunkCoder.decode(
          stored ?? chunk.stored, codec: codec ?? chunk.codec,
          rawBytes: rawBytes ?? chunk.rawBytes, sha256: sha256 ?? chunk.sha256)
      }
    }
    #expect(try code() == nil)
    for codec in ChunkCodec.allCases where codec != chunk.codec {
      #expect(try code(codec: codec) == "chunk_damaged")
    }
    #expect(try code(rawBytes: chunk.rawBytes - 1) == "chunk_damaged")
    #expect(try code(rawBytes: chunk.rawBytes + 1) == "chunk_damaged")
    #expect(try code(sha256: String(chunk.sha256.reversed())) == "chunk_damaged")
    #expect(try code([]) == "chunk_damaged")
    #expect(try code(chunk.stored + [0]) == "chunk_damaged")
    #expect(try code(Array(chunk.stored.dropLast())) == "chunk_damaged")
    #expect(try code(chunk.stored + chunk.stored) == "chunk_damaged")
  }

  @Test func contentThatUnpacksToMoreThanItSaysIsDamage() throws {
    let bomb = try ChunkCoder.encode([UInt8](repeating: 0, count: 1 << 20))
    #expect(bomb.stored.count < 1_000)
    let code = try errorCode {
      _ = try ChunkCoder.decode(
        bomb.stored, codec: .zstd, rawBytes: 2_000, sha256: bomb.sha256)
    }
    #expect(code == "chunk_damaged")
  }

  @Test func theErrorNamesWhatIsDamaged() throws {
    let sha256 = ContentHash.sha256Hex("something else")
    let error = #expect(throws: CheckpointError.self) {
      try ChunkCoder.decode(
        [1, 2], codec: .raw, rawBytes: 2, sha256: sha256, part: "tensor \"dense/kernel\"")
    }
    #expect(error?.message.contains(sha256) == true)
    #expect(error?.message.contains("tensor \"dense/kernel\"") == true)
    #expect(error?.hint != nil)
  }
}
