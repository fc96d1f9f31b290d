// One run as it is judged: a value for each metric, and what else was so when it ran. The run is
// the unit of all statistics here; the steps within it are not independent.

package import Experiments

package struct RunObservation: Sendable, Equatable {
  package var runId: Int64
  package var params: [String: String]
  /// The last value of every recorded metric, and the costs of `CostMetric`.
  package var metrics: [String: Double]
  /// What may differ between runs without being asked for: `dataset.sha256`, `host_class`,
  /// `versions.openblas`, `git.commit`, …
  package var covariates: [String: String]
  /// Rows of the test part; nil if that is not known.
  package var testRows: Int?
  /// Whether other jobs ran at the same time; nil if that is not known.
  package var ranBeside: Bool?

  package init(
    runId: Int64, params: [String: String] = [:], metrics: [String: Double] = [:],
    covariates: [String: String] = [:], testRows: Int? = nil, ranBeside: Bool? = nil
  ) {
    self.runId = runId
    self.params = params
    self.metrics = metrics
    self.covariates = covariates
    self.testRows = testRows
    self.ranBeside = ranBeside
  }

  /// - Parameters:
  ///   - environment: of the run's newest attempt.
  ///   - context: where its job was submitted from.
  package init(run: Run, environment: Environment?, context: SubmitContext?) {
    self.init(runId: run.id, params: run.params, ranBeside: run.beside)
    metrics = run.metrics.mapValues(\.last)
    // A metric that the program records under the same name is its own measurement and wins.
    metrics.merge(CostMetric.judged(of: run.cost)) { recorded, _ in recorded }
    if let dataset = run.dataset {
      covariates["dataset.name"] = dataset.name
      covariates["dataset.sha256"] = dataset.sha256
      testRows = dataset.testRows
    }
    if let environment {
      covariates[Self.hostClass] = environment.hostClass
      covariates["os"] = environment.os
      for (name, version) in environment.versions { covariates["versions.\(name)"] = version }
    }
    if let commit = context?.gitCommit { covariates["git.commit"] = commit }
    if let dirty = context?.gitDirty { covariates["git.dirty"] = String(dirty) }
  }

  /// The covariate that cost metrics depend on.
  package static let hostClass = "host_class"
}

/// What a run used, as metrics.
package enum CostMetric {
  /// Seconds per optimizer update.
  package static let stepTime = "step_time"
  package static let samplesPerSecond = "samples_per_second"
  package static let peakRssBytes = "peak_rss_bytes"
  package static let cpuSeconds = "cpu_seconds"
  package static let wallSeconds = "wall_seconds"

  package static let all = [
    stepTime, samplesPerSecond, peakRssBytes, cpuSeconds, wallSeconds,
  ]

  /// The costs that are known; a speed of 0 is none.
  package static func values(of cost: Cost?) -> [String: Double] {
    guard let cost else { return [:] }
    var values = [
      cpuSeconds: cost.cpuUserSeconds + cost.cpuSystemSeconds, wallSeconds: cost.wallSeconds,
    ]
    if cost.peakRssBytes > 0 { values[peakRssBytes] = Double(cost.peakRssBytes) }
    if let steps = cost.stepsPerSecond, steps > 0 { values[stepTime] = 1 / steps }
    values[samplesPerSecond] = cost.samplesPerSecond
    return values
  }

  /// Work of less than this many seconds tells of the machine's moods, not of the work.
  package static let shortestTimedSeconds = 1.0

  /// The costs that are worth judging: times only of work that lasted long enough to be timed.
  package static func judged(of cost: Cost?) -> [String: Double] {
    guard let cost else { return [:] }
    var values = values(of: cost)
    if cost.trainingSeconds ?? cost.wallSeconds < shortestTimedSeconds {
      for name in [stepTime, samplesPerSecond, cpuSeconds, wallSeconds] { values[name] = nil }
    }
    return values
  }
}
