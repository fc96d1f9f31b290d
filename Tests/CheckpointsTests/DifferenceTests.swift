// Differences: every content comes back, the fast coding gives what the simple one says, and damage
// of a chunk or its base is found and named.

import CZstd
import Checkpoints
import Experiments
import Testing

struct DifferenceTests {
  private static let sizes = [
    0, 1, 3, 4, 5, 7, 8, 9, 31, 63, 64, 65, 127, 1_000, 16_384, 65_539, (1 << 20) - 3, 1 << 20,
  ]

  @Test(arguments: sizes, TensorType.allCases)
  func bytesComeBack(size: Int, type: TensorType) throws {
    var generator = SeededGenerator(seed: UInt64(size) &* 7 &+ 1)
    let random = generator.bytes(size)
    let constant = [UInt8](repeating: 0x3F, count: size)
    let weights = Array(
      SafetensorsFixture.bytes(of: generator.weights(size / 4 + 1)).prefix(size))
    var moved = weights
    for index in stride(from: 0, to: size, by: 4) { moved[index] &+= 3 }
    let notNumbers = (0..<size).map { [UInt8](arrayLiteral: 0x01, 0x00, 0xC0, 0x7F)[$0 % 4] }
    let contents = [random, constant, weights, moved, notNumbers]
    for base in contents {
      for raw in contents {
        let chunk = try ChunkCoder.encode(raw, type: type, base: base)
        #expect(chunk.codec.needsBase == (chunk.base != nil))
        #expect(chunk.stored.count <= size)
        #expect(try ChunkCoder.decode(chunk, base: chunk.base == nil ? nil : base) == raw)
      }
    }
  }

  @Test func smallChangesOfWeightsAreSmall() throws {
    var generator = SeededGenerator(seed: 3)
    let old = generator.weights(100_000)
    let new = old.map {
      $0 + 0.001 * (Float(UInt8.random(in: 0...255, using: &generator)) - 128) / 128
    }
    let base = SafetensorsFixture.bytes(of: old)
    let raw = SafetensorsFixture.bytes(of: new)
    let difference = try ChunkCoder.encode(raw, type: .f32, base: base)
    let whole = try ChunkCoder.encode(raw, type: .f32)
    #expect(difference.codec == .delta4Zstd)
    #expect(difference.stored.count < whole.stored.count)
    #expect(try ChunkCoder.decode(difference, base: base) == raw)
    let same = try ChunkCoder.encode(base, type: .f32, base: base)
    #expect(same.stored.count < 1_000)
    let counts = (0..<5_000).map { Int64($0 * $0 * 1_000_003) }
    let later = counts.map { $0 + Int64.random(in: -3...3, using: &generator) }
    let longs = try ChunkCoder.encode(
      SafetensorsFixture.bytes(of: later), type: .i64, base: SafetensorsFixture.bytes(of: counts))
    #expect(longs.codec == .delta8Zstd)
  }

  @Test func aBaseOfAnotherSizeIsNotUsed() throws {
    var generator = SeededGenerator(seed: 4)
    let weights = SafetensorsFixture.bytes(of: generator.weights(1_000))
    let chunk = try ChunkCoder.encode(weights, type: .f32, base: Array(weights.dropLast(4)))
    #expect(chunk.base == nil)
  }

  /// The words that a stored difference stands for, decoded bit by bit as the format's description
  /// says.
  private func simplyDecoded(_ chunk: EncodedChunk, base: [UInt8]) throws -> [UInt8] {
    func word(_ bytes: [UInt8], _ index: Int) -> UInt32 {
      (0..<4).reduce(0) { $0 | UInt32(bytes[4 * index + $1]) << UInt32(8 * $1) }
    }
    let words = chunk.rawBytes / 4
    let exponents = (0..<words).map { Int(word(base, $0) >> 23 & 255) }
    let greatest = exponents.max() ?? 0
    #expect(word(chunk.stored, 0) == UInt32(greatest))
    let groups = exponents.map { min(greatest - $0, 7) }
    var position = 68
    var symbols: [[UInt8]] = []
    for group in 0..<8 {
      let size = Int(word(chunk.stored, 2 + 2 * group))
      let count = groups.count { $0 == group }
      #expect(word(chunk.stored, 1 + 2 * group) == UInt32(count))
      let frame = Array(chunk.stored[position..<(position + size)])
      symbols.append(try ZstdFrame.bytes(frame, count: count))
      position += size
    }
    let tail = chunk.stored[position..<(position + chunk.rawBytes % 4)]
    position += tail.count
    var bit = 8 * position
    var next = [Int](repeating: 0, count: 8)
    var result: [UInt8] = []
    for index in 0..<words {
      let group = groups[index]
      let symbol = symbols[group][next[group]]
      next[group] += 1
      var rest: UInt64 = 0
      for place in 0..<(symbol / 8) {
        let value = chunk.stored[bit / 8] >> UInt8(bit % 8) & 1
        rest |= UInt64(value) << UInt64(place)
        bit += 1
      }
      let number = UInt64(8 + symbol % 8) << UInt64(symbol / 8) + rest
      let folded = UInt32(number - 8)
      let difference =
        Int64(folded / 2) * (folded.isMultiple(of: 2) ? 1 : -1)
        - (folded.isMultiple(of: 2) ? 0 : 1)
      let value = word(base, index) &+ UInt32(truncatingIfNeeded: difference)
      for place in 0..<4 { result.append(UInt8(truncatingIfNeeded: value >> UInt32(8 * place))) }
    }
    #expect(chunk.stored.suffix(8).allSatisfy { $0 == 0 })
    return result + tail
  }

  @Test(arguments: 1...6) func theFastCodingIsTheDescribedOne(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let count = 2_000 + Int(seed)
    let old = generator.weights(count)
    let new = old.map { $0 * (1 + Float(UInt8.random(in: 0...9, using: &generator)) / 2_000) }
    let tail = generator.bytes(Int(seed) % 4)
    let base = SafetensorsFixture.bytes(of: old) + tail
    let raw = SafetensorsFixture.bytes(of: new) + tail.reversed()
    let chunk = try ChunkCoder.encode(raw, type: .f32, base: base)
    try #require(chunk.codec == .delta4Zstd)
    #expect(try simplyDecoded(chunk, base: base) == raw)
  }

  @Test func aFlippedBitNeverGivesOtherBytes() throws {
    var generator = SeededGenerator(seed: 5)
    let old = generator.weights(3_000)
    let base = SafetensorsFixture.bytes(of: old)
    let raw = SafetensorsFixture.bytes(of: old.map { $0 * 1.001 })
    let counts = (0..<2_000).map { Int64($0 * 1_000_003) }
    let longBase = SafetensorsFixture.bytes(of: counts)
    let long = SafetensorsFixture.bytes(of: counts.map { $0 + $0 % 7 })
    for (raw, base, type) in [(raw, base, TensorType.f32), (long, longBase, .i64)] {
      let chunk = try ChunkCoder.encode(raw, type: type, base: base)
      try #require(chunk.base != nil)
      var detected = 0
      for round in 0..<3_000 {
        var stored = chunk.stored
        var other = base
        if round.isMultiple(of: 3) {
          other[Int.random(in: 0..<other.count, using: &generator)] ^= 1
        } else {
          stored[Int.random(in: 0..<stored.count, using: &generator)] ^=
            1 << UInt8.random(in: 0..<8, using: &generator)
        }
        var decoded: [UInt8]?
        let code = try errorCode {
          decoded = try ChunkCoder.decode(
            stored, codec: chunk.codec, rawBytes: chunk.rawBytes, sha256: chunk.sha256, base: other)
        }
        #expect(code == (decoded == nil ? "chunk_damaged" : nil))
        #expect(decoded == nil || decoded == raw)
        if decoded == nil { detected += 1 }
        // Not verified, it may give anything, but nothing beyond its bounds.
        _ = try errorCode {
          let bytes = try ChunkCoder.decode(
            stored, codec: chunk.codec, rawBytes: chunk.rawBytes, sha256: chunk.sha256,
            base: other, verifying: false)
          #expect(bytes.count == raw.count)
        }
      }
      #expect(detected > 2_800)
    }
  }

  @Test func aMissingOrWrongBaseIsNamed() throws {
    var generator = SeededGenerator(seed: 6)
    var states = [generator.weights(2_000)]
    for _ in 0..<10 { states.append(states[states.count - 1].map { $0 * 1.0003 }) }
    let raws = states.map { SafetensorsFixture.bytes(of: $0) }
    var stored: [String: EncodedChunk] = [:]
    var names: [String] = []
    for (index, raw) in raws.enumerated() {
      let chunk = try ChunkCoder.encode(raw, type: .f32, base: index == 0 ? nil : raws[index - 1])
      stored[chunk.sha256] = chunk
      names.append(chunk.sha256)
    }
    for index in 0...Limits.chunkChain {
      #expect(try ChunkChain.raw(names[index], part: "p") { stored[$0] } == raws[index])
      #expect(
        try ChunkChain.raw(names[index], part: "p", verifying: false) { stored[$0] } == raws[index])
    }
    func message(_ name: String, _ chunks: [String: EncodedChunk]) -> String {
      do {
        _ = try ChunkChain.raw(name, part: "epoch 5") { chunks[$0] }
        return "no error"
      } catch { return "\(error)" }
    }
    let tooLong = message(names[Limits.chunkChain + 1], stored)
    #expect(tooLong.contains("more than \(Limits.chunkChain) differences"))
    var without = stored
    without[names[2]] = nil
    #expect(message(names[5], without).contains("its base \(names[2]) is missing"))
    #expect(message(names[5], without).contains(names[3]))
    #expect(try ChunkChain.raw("none", part: "p") { stored[$0] } == nil)
    var damaged = stored
    let victim = try #require(stored[names[1]])
    var bytes = victim.stored
    bytes[bytes.count / 2] ^= 0x10
    damaged[names[1]] = EncodedChunk(
      sha256: victim.sha256, rawBytes: victim.rawBytes, codec: victim.codec, base: victim.base,
      stored: bytes)
    let named = message(names[5], damaged)
    #expect(named.contains(names[1]) && named.contains("epoch 5"), "\(named)")
  }
}

/// One frame of zstd, read by the library itself.
private enum ZstdFrame {
  static func bytes(_ frame: [UInt8], count: Int) throws -> [UInt8] {
    var result = [UInt8](repeating: 0, count: count)
    if count == 0 { return result }
    let written = ZSTD_decompress(&result, count, frame, frame.count)
    try #require(written == count)
    return result
  }
}
