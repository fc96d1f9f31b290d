// Compares runs: takes what the store knows of them and leaves the judgement to Analysis, on a
// thread where it holds up nobody.

import Analysis
import Experiments
import Store

struct Judge: Sendable {
  let store: Store
  let workshop: Workshop

  /// `metrics` nil: those that Analysis takes by itself.
  func compare(
    reference: [Int64], candidate: [Int64], metrics: [String]?
  ) async throws -> Comparison {
    let left = try await observations(reference)
    let right = try await observations(candidate)
    return try await workshop.run {
      ComparisonJudge.compare(
        reference: left, candidate: right, metrics: metrics)
    }
  }

  private func observations(_ ids: [Int64]) async throws -> [RunObservation] {
    var observations: [RunObservation] = []
    for run in try await store.runs(ids) {
      observations.append(
        RunObservation(
          run: run, environment: try await store.environment(run: run.id),
          context: try await store.context(run: run.id)))
    }
    return observations
  }
}
