// The random streams: known answers, independence of names, ranges, and what is made of them.

import Experiments
import Testing
import Training

@Suite struct RandomTests {
  /// From the authors' `kat_vectors` of philox4x32 with 10 rounds.
  @Test func philoxGivesTheAuthorsAnswers() {
    let all = UInt32.max
    #expect(
      Philox.block(SIMD4(0, 0, 0, 0), key: SIMD2(0, 0))
        == SIMD4(0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8))
    #expect(
      Philox.block(SIMD4(all, all, all, all), key: SIMD2(all, all))
        == SIMD4(0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD))
    #expect(
      Philox.block(
        SIMD4(0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344),
        key: SIMD2(0xA409_3822, 0x299F_31D0))
        == SIMD4(0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1))
  }

  @Test func streamsOfDifferentNamesDiffer() {
    var seen: Set<[UInt32]> = []
    var count = 0
    for seed in [0, 1, -1, 1 << 40] {
      for purpose in [RandomStream.Purpose.weights, .shuffle, .dropout] {
        for (layer, index) in [(0, 0), (1, 0), (0, 1), (0, 1 << 33)] {
          var stream = RandomStream(seed: seed, purpose: purpose, layer: layer, index: index)
          seen.insert((0..<4).map { _ in stream.nextWord() })
          count += 1
        }
      }
    }
    #expect(seen.count == count)
  }

  @Test func indexesAreUniform() {
    var stream = RandomStream(seed: 1, purpose: .shuffle)
    var counts = [Int](repeating: 0, count: 7)
    for _ in 0..<70_000 { counts[Int(stream.nextIndex(below: 7))] += 1 }
    // Six standard deviations of a binomial count.
    #expect(counts.allSatisfy { abs($0 - 10_000) < 560 })
  }

  @Test func shufflesArePermutationsAndMixWell() {
    var counts: [[Int32]: Int] = [:]
    for index in 0..<6_000 {
      var values: [Int32] = [0, 1, 2]
      var stream = RandomStream(seed: 3, purpose: .shuffle, index: index)
      stream.shuffle(&values)
      counts[values, default: 0] += 1
    }
    #expect(counts.count == 6)
    #expect(counts.values.allSatisfy { abs($0 - 1_000) < 180 })
  }

  @Test(arguments: InitializerName.allCases)
  func initialKernelsHaveKerasVarianceAndRange(_ name: InitializerName) throws {
    let (inputs, units) = (200, 100)
    var kernel = [Float](repeating: 0, count: inputs * units)
    var stream = RandomStream(seed: 11, purpose: .weights)
    Initializer.fill(&kernel, inputs: inputs, units: units, by: name, random: &stream)
    let variance =
      switch name {
      case .glorotUniform, .glorotNormal: 2.0 / Double(inputs + units)
      case .heUniform, .heNormal: 2.0 / Double(inputs)
      }
    let limit =
      switch name {
      case .glorotUniform, .heUniform: (3 * variance).squareRoot()
      case .glorotNormal, .heNormal: 2 * variance.squareRoot() / 0.879_625_661_034_239_78
      }
    let values = kernel.map { Double($0) }
    let mean = values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
    #expect(abs(mean) < 5 * (variance / Double(values.count)).squareRoot())
    #expect(abs(squares / variance - 1) < 0.05)
    let greatest = try #require(values.map { abs($0) }.max())
    #expect(greatest <= limit * 1.000_001)
    #expect(greatest > limit * 0.99)
  }

  @Test func biasesStartAtZeroAndSeedsDiffer() throws {
    let first = try Trainer(spec: SmallProblem.spec(seed: 1), data: SmallProblem.data)
    let same = try Trainer(spec: SmallProblem.spec(seed: 1), data: SmallProblem.data)
    let other = try Trainer(spec: SmallProblem.spec(seed: 2), data: SmallProblem.data)
    #expect(first.network.weights == same.network.weights)
    #expect(first.network.weights != other.network.weights)
    for bias in first.network.weights where bias.name.hasSuffix("bias") {
      #expect(bias.floats?.allSatisfy { $0 == 0 } == true)
    }
  }
}
