// The metrics are those of scikit-learn, in the edge cases too.

import Experiments
import Foundation
import Testing
import Training

@Suite struct EvaluationMetricsTests {
  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let outputs: Int
    let labels: [Int32]?
    let values: [Float]?
    let scores: [Float]
    let expected: [String: JSONValue]
    var testDescription: String { name }
  }

  static func cases() throws -> [Case] {
    struct File: Decodable { let cases: [Case] }
    return try JSONDecoder().decode(
      File.self, from: Data(Fixture.bytes("sklearn_metrics.json"))
    ).cases
  }

  private func compute(
    _ names: [MetricName], _ scores: [Float], outputs: Int = 1, classIndexes: [Int32] = [],
    values: [Float] = []
  ) -> [Double] {
    scores.withUnsafeBufferPointer { scores in
      let results = EvaluationMetrics.compute(
        names, scores: scores, outputs: outputs, classIndexes: classIndexes, values: values)
      #expect(results.map(\.name) == names)
      return results.map(\.value)
    }
  }

  @Test(arguments: try cases()) func agreesWithScikitLearn(_ given: Case) throws {
    let names = try given.expected.keys.sorted().map { try #require(MetricName(rawValue: $0)) }
    let values = compute(
      names, given.scores, outputs: given.outputs, classIndexes: given.labels ?? [],
      values: given.values ?? [])
    #expect(!names.isEmpty)
    for (name, value) in zip(names, values) {
      let expected = try #require(given.expected[name.rawValue])
      if expected == .string("NaN") {
        #expect(value.isNaN, "\(name)")
      } else {
        let number = try #require(expected.doubleValue)
        #expect(abs(value - number) <= 1e-12 * max(1, abs(number)), "\(name)")
      }
    }
  }

  @Test func valuesComeInTheOrderOfTheNames() {
    let names: [MetricName] = [.rocAUC, .f1, .accuracy, .f1]
    let values = compute(names, [0.9, 0.8, 0.1], classIndexes: [1, 0, 0])
    #expect(values[0] == 1)
    #expect(abs(values[1] - 2.0 / 3) < 1e-15)
    #expect(values[1] == values[3])
  }

  @Test func nanScoresAreAnswered() {
    let names: [MetricName] = [.accuracy, .precision, .recall, .f1, .rocAUC]
    let binary = compute(names, [.nan, .nan, 0.9], classIndexes: [0, 1, 1])
    #expect(abs(binary[0] - 2.0 / 3) < 1e-15)
    #expect(binary[4].isNaN)
    let many = compute([.accuracy], [.nan, .nan, .nan], outputs: 3, classIndexes: [1])
    #expect(many == [0])
    let regression = compute([.meanAbsoluteError, .r2], [.nan, 1], values: [0, 1])
    #expect(regression.allSatisfy { $0.isNaN })
  }

  @Test func infiniteScoresAreOrdered() {
    #expect(
      compute([.rocAUC], [-.infinity, .infinity, -1, 2], classIndexes: [0, 1, 0, 1]) == [1])
  }

  @Test func withoutRowsNothingIsKnown() {
    #expect(compute(MetricName.allCases, []).allSatisfy { $0.isNaN })
  }

  /// Against the definition, pair by pair, with many ties and negative scores.
  @Test(arguments: 1...20) func theAreaIsTheShareOfOrderedPairs(_ seed: UInt64) {
    var state = seed
    func next(_ bound: UInt64) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % bound)
    }
    let count = 40 + next(300)
    let scores = (0..<count).map { _ in Float(next(60) - 30) * 0.37e-3 }
    let labels = (0..<count).map { $0 < 2 ? Int32($0) : Int32(next(2)) }
    var ordered = 0.0
    var pairs = 0.0
    for i in 0..<count where labels[i] == 1 {
      for j in 0..<count where labels[j] == 0 {
        pairs += 1
        ordered += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0
      }
    }
    #expect(abs(compute([.rocAUC], scores, classIndexes: labels)[0] - ordered / pairs) < 1e-14)
  }
}
