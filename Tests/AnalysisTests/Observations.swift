// Runs made up for these tests.

import Analysis
import Experiments

/// One run for each value of the metric.
func observations(
  _ metric: String, _ values: [Double], hostClass: String? = nil, firstId: Int64 = 1
) -> [RunObservation] {
  values.enumerated().map { index, value in
    RunObservation(
      runId: firstId + Int64(index), metrics: [metric: value],
      covariates: hostClass.map { ["host_class": $0] } ?? [:])
  }
}

func summary(_ last: Double) -> MetricSummary {
  MetricSummary(last: last, lastStep: 1, lastEpoch: nil, min: last, max: last, mean: last, count: 1)
}

func run(
  _ id: Int64, params: [String: String] = [:], metrics: [String: Double] = [:], cost: Cost? = nil,
  dataset: DatasetInfo? = nil
) -> Run {
  Run(
    id: id, uid: Identifier(at: Timestamp(microseconds: id)), name: "a", experiment: "e",
    jobId: nil, parentId: nil, status: .finished, seed: nil,
    createdAt: Timestamp(microseconds: id), params: params,
    metrics: metrics.mapValues(summary), cost: cost, dataset: dataset)
}

/// The comparison of one metric.
func judged(
  _ metric: String, _ reference: [Double], _ candidate: [Double], rule: MetricRule? = nil,
  hosts: (String?, String?) = ("cpu x2", "cpu x2")
) throws -> MetricComparison {
  let comparison = ComparisonJudge.compare(
    reference: observations(metric, reference, hostClass: hosts.0),
    candidate: observations(metric, candidate, hostClass: hosts.1, firstId: 100),
    policy: MetricPolicy(rules: rule.map { [metric: $0] } ?? [:]), metrics: [metric])
  guard let first = comparison.metrics.first else { throw NoComparison() }
  return first
}

struct NoComparison: Error {}
