// Whole comparisons: which metrics are looked at, the verdict of all of them together, and what
// else differs.

import Analysis
import Experiments
import Testing

struct ComparisonJudgeTests {
  private func compare(
    _ reference: [String: Double], _ candidate: [String: Double], metrics: [String]? = nil
  ) -> Comparison {
    let host = ["host_class": "cpu x2"]
    return ComparisonJudge.compare(
      reference: [RunObservation(runId: 1, metrics: reference, covariates: host)],
      candidate: [RunObservation(runId: 2, metrics: candidate, covariates: host)],
      metrics: metrics)
  }

  @Test func testMetricsAndCostsAreJudgedByDefault() {
    let values = [
      "loss": 1.0, "val_loss": 1, "test_loss": 1, "test_accuracy": 1, "step_time": 1,
      "peak_rss_bytes": 1, "wall_seconds": 1, "cpu_seconds": 1, "samples_per_second": 1,
    ]
    #expect(
      compare(values, values).metrics.map(\.metric)
        == ["test_accuracy", "test_loss", "step_time", "peak_rss_bytes"])
  }

  @Test func validationMetricsAreJudgedWhereThereIsNoTest() {
    let values = ["loss": 1.0, "val_loss": 1, "val_f1": 1, "accuracy": 1]
    #expect(compare(values, values).metrics.map(\.metric) == ["val_f1", "val_loss"])
    let oneSide = compare(values, ["test_loss": 1])
    #expect(oneSide.metrics.map(\.metric) == ["test_loss"])
    #expect(oneSide.verdict == .notEnoughData)
  }

  @Test func costsThatOneSideLacksAreLeftOut() {
    let comparison = compare(["test_loss": 1, "step_time": 1], ["test_loss": 1])
    #expect(comparison.metrics.map(\.metric) == ["test_loss"])
    #expect(comparison.verdict == .equivalent)
  }

  @Test func namedMetricsKeepTheirOrder() {
    let comparison = compare(
      ["b": 1, "a": 1], ["b": 1, "a": 1], metrics: ["b", "a", "b", "absent"])
    #expect(comparison.metrics.map(\.metric) == ["b", "a", "absent"])
    #expect(comparison.metrics[2].verdict == .notEnoughData)
  }

  @Test(
    arguments: [
      (["test_f1": 0.9, "test_loss": 0.1], .equivalent),
      (["test_f1": 0.95, "test_loss": 0.1], .better),
      (["test_f1": 0.95, "test_loss": 0.2], .worse),
      (["test_f1": 0.95], .notEnoughData),
      (["test_loss": 0.2], .worse),
      (["test_f1": 0.9, "test_loss": .nan], .worse),
      ([:], .notEnoughData),
    ] as [([String: Double], Verdict)])
  func theWorstMetricDecides(candidate: [String: Double], verdict: Verdict) {
    #expect(compare(["test_f1": 0.9, "test_loss": 0.1], candidate).verdict == verdict)
  }

  @Test func aMetricWithoutDirectionMakesTheWholeDifferent() {
    let reference = ["test_f1": 0.9, "test_share": 1]
    #expect(compare(reference, ["test_f1": 0.9, "test_share": 2]).verdict == .different)
    #expect(compare(reference, ["test_f1": 0.95, "test_share": 2]).verdict == .better)
  }

  @Test func aCostThatCannotBeComparedDoesNotMatter() {
    let values = ["test_loss": 1.0, "step_time": 1]
    func sides(_ metrics: [String]?) -> Comparison {
      ComparisonJudge.compare(
        reference: [
          RunObservation(runId: 1, metrics: values, covariates: ["host_class": "a x2"])
        ],
        candidate: [
          RunObservation(runId: 2, metrics: values, covariates: ["host_class": "b x2"])
        ], metrics: metrics)
    }
    #expect(sides(nil).metrics.map(\.verdict) == [.equivalent, .notEnoughData])
    #expect(sides(nil).verdict == .equivalent)
    #expect(sides(["step_time"]).verdict == .notEnoughData)
  }

  @Test(
    arguments: [
      (true, false, true), (false, true, true), (true, true, false), (false, false, false),
      (nil, true, false), (true, nil, false),
    ] as [(Bool?, Bool?, Bool)])
  func costsOfRunsBesideOthersAreNotComparedWithRunsAlone(
    _ reference: Bool?, _ candidate: Bool?, isRefused: Bool
  ) {
    func side(_ id: Int64, _ beside: Bool?) -> [RunObservation] {
      [
        RunObservation(
          runId: id, metrics: ["test_loss": 1, "step_time": 1],
          covariates: ["host_class": "a x2"], ranBeside: beside)
      ]
    }
    let comparison = ComparisonJudge.compare(
      reference: side(1, reference), candidate: side(2, candidate))
    #expect(comparison.verdict == .equivalent)
    let cost = comparison.metrics.first { $0.metric == "step_time" }
    #expect(cost?.verdict == (isRefused ? .notEnoughData : .equivalent))
    #expect(cost?.reason.contains("ran beside other jobs") == isRefused)
  }

  @Test func emptySidesAreNotEnoughData() {
    let some = observations("test_loss", [1])
    for (reference, candidate) in [([], some), (some, []), ([], [])] {
      let comparison = ComparisonJudge.compare(reference: reference, candidate: candidate)
      #expect(comparison.verdict == .notEnoughData)
      #expect(comparison.differences.isEmpty)
    }
  }

  @Test func differencesAreParamsAndCovariatesButNotTheSeed() {
    func runs(_ rate: String, _ seeds: [String], _ covariates: [String: String])
      -> [RunObservation]
    {
      seeds.map {
        RunObservation(
          runId: 1, params: ["seed": $0, "rate": rate, "same": "1", "dataset.seed": rate],
          covariates: covariates)
      }
    }
    let comparison = ComparisonJudge.compare(
      reference: runs("0.1", ["1", "2"], ["host_class": "a", "git.commit": "x"]),
      candidate: runs("0.2", ["3"], ["host_class": "a", "git.commit": "y", "os": "debian"]))
    #expect(
      comparison.differences == [
        CovariateChange(name: "params.dataset.seed", reference: ["0.1"], candidate: ["0.2"]),
        CovariateChange(name: "params.rate", reference: ["0.1"], candidate: ["0.2"]),
        CovariateChange(name: "git.commit", reference: ["x"], candidate: ["y"]),
        CovariateChange(name: "os", reference: [], candidate: ["debian"]),
      ])
  }

  @Test func valuesOfASideAreASortedSet() {
    let reference = ["b", "a", "b"].map {
      RunObservation(runId: 1, covariates: ["git.commit": $0])
    }
    let candidate = [RunObservation(runId: 2, covariates: ["git.commit": "c"])]
    #expect(
      ComparisonJudge.compare(reference: reference, candidate: candidate).differences
        == [CovariateChange(name: "git.commit", reference: ["a", "b"], candidate: ["c"])])
    let sameSet = ["a", "b"].map { RunObservation(runId: 3, covariates: ["git.commit": $0]) }
    #expect(
      ComparisonJudge.compare(reference: reference, candidate: sameSet).differences.isEmpty)
  }

  @Test func theSameRunsGiveTheSameComparison() {
    let names = (0..<40).map { "test_\($0)_loss" }
    func side(_ value: Double) -> [RunObservation] {
      (0..<3).map { run in
        RunObservation(
          runId: run, params: Dictionary(uniqueKeysWithValues: names.map { ($0, "\(value)") }),
          metrics: Dictionary(uniqueKeysWithValues: names.map { ($0, value + Double(run)) }))
      }
    }
    let first = ComparisonJudge.compare(reference: side(1), candidate: side(2))
    for _ in 0..<5 {
      #expect(ComparisonJudge.compare(reference: side(1), candidate: side(2)) == first)
    }
    #expect(first.metrics.map(\.metric) == names.sorted())
    #expect(first.differences.map(\.name) == names.sorted().map { "params.\($0)" })
  }

  @Test(arguments: [(85, Verdict.equivalent), (6_000, .worse), (nil, .worse)] as [(Int?, Verdict)])
  func fewerThanThreeRowsOfTheTestPartAreNoChange(_ rows: Int?, _ verdict: Verdict) {
    let comparison = ComparisonJudge.compare(
      reference: [RunObservation(runId: 1, metrics: ["test_recall": 0.9688], testRows: rows)],
      candidate: [RunObservation(runId: 2, metrics: ["test_recall": 0.9375], testRows: rows)])
    #expect(comparison.verdict == verdict)
  }
}
