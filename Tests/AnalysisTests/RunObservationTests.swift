// What is taken from a run for judging.

import Analysis
import Experiments
import Testing

struct RunObservationTests {
  @Test func metricsAreTheLastValuesAndTheCosts() {
    let cost = Cost(
      wallSeconds: 12, cpuUserSeconds: 3, cpuSystemSeconds: 0.5, peakRssBytes: 1_000,
      stepsPerSecond: 50, samplesPerSecond: 1_600)
    var recorded = run(7, params: ["a": "1"], metrics: ["test_loss": 0.5], cost: cost)
    recorded.metrics["loss"] = MetricSummary(
      last: 2, lastStep: 9, lastEpoch: 4, min: 1, max: 5, mean: 3, count: 4)
    let observation = RunObservation(run: recorded, environment: nil, context: nil)
    #expect(observation.runId == 7)
    #expect(observation.params == ["a": "1"])
    #expect(
      observation.metrics == [
        "test_loss": 0.5, "loss": 2, "step_time": 0.02, "samples_per_second": 1_600,
        "peak_rss_bytes": 1_000, "cpu_seconds": 3.5, "wall_seconds": 12,
      ])
    #expect(observation.covariates.isEmpty)
  }

  @Test func costsThatAreNotKnownAreAbsent() {
    let none = RunObservation(run: run(1), environment: nil, context: nil)
    #expect(none.metrics.isEmpty)
    let idle = RunObservation(
      run: run(1, cost: Cost(stepsPerSecond: 0)), environment: nil, context: nil)
    #expect(idle.metrics.isEmpty)
  }

  @Test(arguments: [(0.007, false), (0.999, false), (1, true), (20, true)])
  func timesAreOnlyJudgedOfWorkThatLasted(_ seconds: Double, _ judged: Bool) {
    let cost = Cost(
      wallSeconds: 30, peakRssBytes: 1_000, trainingSeconds: seconds, stepsPerSecond: 50)
    let metrics = RunObservation(run: run(1, cost: cost), environment: nil, context: nil).metrics
    #expect((metrics["step_time"] != nil) == judged)
    #expect((metrics["wall_seconds"] != nil) == judged)
    #expect(metrics["peak_rss_bytes"] == 1_000)
  }

  @Test func aRecordedMetricGoesBeforeACostOfTheSameName() {
    let recorded = run(1, metrics: ["step_time": 5], cost: Cost(stepsPerSecond: 50))
    let observation = RunObservation(run: recorded, environment: nil, context: nil)
    #expect(observation.metrics["step_time"] == 5)
  }

  @Test func covariatesAreDatasetMachineVersionsAndCommit() {
    let dataset = DatasetInfo(
      name: "digits", type: "csv", path: "/d.csv", sha256: "abc", rows: 9, features: 2,
      classes: [], trainRows: 7, validationRows: 1, testRows: 1)
    let environment = Environment(
      host: "h", os: "Debian 12", cpu: "Xeon", cores: 4, memoryBytes: 1,
      versions: ["openblas": "0.3.21", "zstd": "1.5.4"])
    let context = SubmitContext(directory: "/d", user: "u", gitCommit: "f00", gitDirty: true)
    let observation = RunObservation(
      run: run(1, dataset: dataset), environment: environment, context: context)
    #expect(
      observation.covariates == [
        "dataset.name": "digits", "dataset.sha256": "abc", "host_class": "Xeon x4",
        "os": "Debian 12", "versions.openblas": "0.3.21", "versions.zstd": "1.5.4",
        "git.commit": "f00", "git.dirty": "true",
      ])
  }
}
