// The verdict on one metric: by direction and tolerance, widened by chance, and never a number made
// of NaN.

import Analysis
import Experiments
import Foundation
import Testing

struct MetricVerdictTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let metric: String
    let reference: [Double]
    let candidate: [Double]
    let verdict: Verdict
    var testDescription: String { "\(metric) \(reference) -> \(candidate): \(verdict)" }
  }

  private static let cases: [Case] = [
    // one against one: the tolerance alone
    Case(metric: "test_f1", reference: [0.871], candidate: [0.84], verdict: .worse),
    Case(metric: "test_f1", reference: [0.84], candidate: [0.871], verdict: .better),
    Case(metric: "test_f1", reference: [0.871], candidate: [0.871], verdict: .equivalent),
    Case(metric: "test_f1", reference: [0.87], candidate: [0.86], verdict: .equivalent),
    Case(metric: "test_f1", reference: [0.86], candidate: [0.87], verdict: .equivalent),
    Case(metric: "test_f1", reference: [0.87], candidate: [0.8599], verdict: .worse),
    Case(metric: "test_loss", reference: [0.3], candidate: [0.315], verdict: .equivalent),
    Case(metric: "test_loss", reference: [0.3], candidate: [0.3151], verdict: .worse),
    Case(metric: "test_loss", reference: [0.3], candidate: [0.28], verdict: .better),
    Case(metric: "test_loss", reference: [0], candidate: [5e-7], verdict: .equivalent),
    Case(metric: "test_loss", reference: [0], candidate: [0.1], verdict: .worse),
    Case(metric: "test_r2", reference: [-0.5], candidate: [-0.4], verdict: .better),
    Case(metric: "step_time", reference: [1e-5], candidate: [1.09e-5], verdict: .equivalent),
    Case(metric: "step_time", reference: [1e-5], candidate: [1.2e-5], verdict: .worse),
    Case(metric: "samples_per_second", reference: [100], candidate: [120], verdict: .better),
    // no direction
    Case(metric: "test_share", reference: [1], candidate: [1.2], verdict: .different),
    Case(metric: "test_share", reference: [1], candidate: [0.8], verdict: .different),
    Case(metric: "test_share", reference: [1], candidate: [1.01], verdict: .equivalent),
    // several runs: chance widens the tolerance
    Case(
      metric: "test_f1", reference: [0.80, 0.84, 0.88, 0.92, 0.86], candidate: [0.84],
      verdict: .equivalent),
    Case(
      metric: "test_f1", reference: [0.870, 0.871, 0.872, 0.870, 0.872], candidate: [0.84],
      verdict: .worse),
    Case(
      metric: "test_f1", reference: [0.85], candidate: [0.80, 0.84, 0.88, 0.76, 0.86],
      verdict: .equivalent),
    Case(
      metric: "test_f1", reference: [0.87, 0.87, 0.87], candidate: [0.9, 0.9, 0.9],
      verdict: .better),
    // two against one say nothing usable of chance
    Case(metric: "test_f1", reference: [0.80, 0.90], candidate: [0.80], verdict: .worse),
    // what is no number
    Case(metric: "test_f1", reference: [], candidate: [0.8], verdict: .notEnoughData),
    Case(metric: "test_f1", reference: [0.8], candidate: [], verdict: .notEnoughData),
    Case(metric: "test_f1", reference: [], candidate: [.nan], verdict: .notEnoughData),
    Case(metric: "test_f1", reference: [.nan], candidate: [0.8], verdict: .notEnoughData),
    Case(metric: "test_f1", reference: [.nan], candidate: [.nan], verdict: .notEnoughData),
    Case(
      metric: "test_loss", reference: [0.1, .infinity], candidate: [1], verdict: .notEnoughData),
    Case(metric: "test_loss", reference: [0.1], candidate: [.nan], verdict: .worse),
    Case(metric: "test_loss", reference: [0.1], candidate: [0.1, .nan], verdict: .worse),
    Case(metric: "test_loss", reference: [0.1], candidate: [.infinity], verdict: .worse),
    Case(metric: "test_loss", reference: [0.1], candidate: [-.infinity], verdict: .worse),
    Case(
      metric: "test_loss", reference: [-1.7e308], candidate: [1.7e308], verdict: .notEnoughData),
  ]

  @Test(arguments: cases)
  func theVerdictIs(_ expected: Case) throws {
    let found = try judged(expected.metric, expected.reference, expected.candidate)
    #expect(found.verdict == expected.verdict, "\(found.reason)")
    #expect(found.reference.count == expected.reference.count)
    #expect(found.candidate.count == expected.candidate.count)
  }

  @Test func theNumbersAreThoseOfTheTwoSides() throws {
    let found = try judged("test_loss", [1, 2, 3, 4], [5, 7])
    #expect(found.direction == .lower)
    #expect(found.reference.mean == 2.5)
    #expect(abs((found.reference.standardDeviation ?? 0) - 1.2909944487358056) < 1e-12)
    #expect(found.candidate.mean == 6)
    #expect(abs((found.candidate.standardDeviation ?? 0) - 1.4142135623730951) < 1e-12)
    #expect(found.change == 3.5)
    #expect(found.relativeChange == 1.4)
    // pooled: sqrt((5 + 2) / 4) = 1.3228757; sqrt(1/4 + 1/2) = 0.8660254; t(.975, 4) = 2.7764
    #expect(abs(found.tolerance - 3.1808) < 1e-4)
  }

  @Test func aSideOfOneRunHasNoStandardDeviation() throws {
    let found = try judged("test_loss", [0], [5])
    #expect(found.reference.standardDeviation == nil)
    #expect(found.relativeChange == nil)
  }

  @Test func missingValuesAreNotNumbers() throws {
    let found = try judged("test_loss", [1], [])
    #expect(found.candidate.count == 0)
    #expect(found.candidate.mean.isNaN)
    #expect(found.change.isNaN)
  }

  @Test func costsAreComparedOnOneClassOfMachineOnly() throws {
    let differing = try judged("step_time", [1], [9], hosts: ("a x2", "b x2"))
    #expect(differing.verdict == .notEnoughData)
    #expect(differing.reason.contains("class of machine"))
    #expect(try judged("step_time", [1], [9], hosts: (nil, nil)).verdict == .notEnoughData)
    #expect(try judged("step_time", [1], [9]).verdict == .worse)
    #expect(try judged("test_loss", [1], [9], hosts: ("a x2", "b x2")).verdict == .worse)
  }

  @Test func aPolicyGoesBeforeTheName() throws {
    let rule = MetricRule(direction: .lower, tolerance: Tolerance(absolute: 0.5))
    #expect(try judged("test_f1", [1], [1.4], rule: rule).verdict == .equivalent)
    #expect(try judged("test_f1", [1], [1.6], rule: rule).verdict == .worse)
    let exact = MetricRule(direction: .higher, tolerance: Tolerance())
    #expect(try judged("test_f1", [0.5], [0.5], rule: exact).verdict == .equivalent)
    #expect(try judged("test_f1", [0.5], [0.4999], rule: exact).verdict == .worse)
  }

  @Test(
    arguments: [
      (
        "test_f1", [0.871], [0.840],
        "0.031 lower than the reference's 0.871, more than the 0.010 that matters; too few runs to "
          + "rule out chance"
      ),
      (
        "test_f1", [0.871, 0.871, 0.871], [0.840],
        "0.031 lower than the reference's 0.871, more than the 0.010 that matters"
      ),
      ("test_f1", [0.871], [0.871], "unchanged at 0.871, within the 0.010 that matters"),
      (
        "test_loss", [0.301], [0.31],
        "3.0 % higher than the reference's 0.301, within the 5.0 % that matters"
      ),
      (
        "step_time", [29e-6], [58e-6],
        "100.0 % higher than the reference's 29.0 µs, more than the 10.0 % that matters; too few "
          + "runs to rule out chance"
      ),
      (
        "test_f1", [0.80, 0.84, 0.88, 0.92, 0.86], [0.84],
        "0.020 lower than the reference's 0.860, within the 0.136 that chance moves 5 and 1 runs by"
      ),
      ("test_loss", [], [1], "no run of the reference has it"),
      ("test_loss", [1], [], "no run of the candidate has it"),
      ("test_loss", [.infinity], [1], "a run of the reference has the value Infinity"),
      (
        "test_loss", [1], [.nan],
        "a run of the candidate has the value NaN, the reference is finite"
      ),
    ] as [(String, [Double], [Double], String)])
  func theReasonSaysSoInWords(
    metric: String, reference: [Double], candidate: [Double], reason: String
  ) throws {
    #expect(try judged(metric, reference, candidate).reason == reason)
  }

  /// Runs of one distribution are called worse in at most 2.5 of 100 comparisons; that is the
  /// documented rate of a single metric.
  @Test(arguments: [(3, 1), (5, 1), (5, 5), (20, 1)])
  func runsThatDoNotDifferAreRarelyCalledWorse(reference: Int, candidate: Int) throws {
    var generator = SeededNormal(seed: UInt64(100 * reference + candidate))
    let rule = MetricRule(direction: .higher, tolerance: Tolerance(absolute: 1e-9))
    let rounds = 4_000
    var worse = 0
    for _ in 0..<rounds {
      let found = try judged(
        "test_f1", (0..<reference).map { _ in generator.next() },
        (0..<candidate).map { _ in generator.next() }, rule: rule)
      if found.verdict == .worse { worse += 1 }
    }
    // 100 expected, with a standard deviation of 9.9
    #expect((65...135).contains(worse))
  }
}

/// Normal numbers, the same in every run (SplitMix64, Box and Muller).
struct SeededNormal {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> Double {
    let radius = (-2 * log(uniform())).squareRoot()
    return radius * cos(2 * .pi * uniform())
  }

  private mutating func uniform() -> Double {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    mixed ^= mixed >> 31
    return (Double(mixed >> 11) + 0.5) * 0x1p-53
  }
}
