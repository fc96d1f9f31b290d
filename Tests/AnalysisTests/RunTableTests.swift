// Runs side by side: only params that differ, and the best of each metric.

import Analysis
import Experiments
import Testing

struct RunTableTests {
  private func best(_ key: String, _ values: [Double?]) -> [Int]? {
    let runs = values.enumerated().map { index, value in
      run(Int64(index), metrics: value.map { [key: $0] } ?? ["other": 1])
    }
    return RunTable(runs).metrics.first { $0.key == key }?.best
  }

  @Test func onlyParamsThatDifferAreRows() {
    let table = RunTable([
      run(3, params: ["same": "1", "rate": "0.1", "z": "1"]),
      run(5, params: ["same": "1", "rate": "0.2"]),
    ])
    #expect(table.runIds == [3, 5])
    #expect(table.params.map(\.key) == ["rate", "z"])
    #expect(table.params.map(\.values) == [["0.1", "0.2"], ["1", nil]])
  }

  @Test func metricsAreInGroups() {
    let table = RunTable([
      run(
        1, metrics: ["loss": 1, "val_loss": 1, "accuracy": 1, "test_loss": 1, "test_f1": 1],
        cost: Cost(peakRssBytes: 5, stepsPerSecond: 2))
    ])
    #expect(
      table.metrics.map(\.key) == [
        "test_f1", "test_loss", "val_loss", "accuracy", "loss", "step_time", "peak_rss_bytes",
        "cpu_seconds", "wall_seconds",
      ])
  }

  @Test(
    arguments: [
      ("f1", [0.5, 0.9, 0.7], [1]),
      ("loss", [0.5, 0.9, 0.7], [0]),
      ("loss", [0.5, 0.4, 0.4], [1, 2]),
      ("loss", [0.5, 0.5], []),
      ("loss", [0.5], []),
      ("loss", [0.5, nil], []),
      ("loss", [nil, 0.5, 0.6], [1]),
      ("loss", [.nan, 0.5], [1]),
      ("loss", [.nan, .nan], []),
      ("loss", [-.infinity, 0.5, 0.4], [2]),
      ("f1", [.infinity, 0.5], [1]),
      ("share", [1, 2], []),
    ] as [(String, [Double?], [Int])])
  func theBestIsMarked(key: String, values: [Double?], expected: [Int]) {
    #expect(best(key, values) == expected)
  }

  @Test func noRunsMakeAnEmptyTable() {
    let table = RunTable([])
    #expect(table.runIds.isEmpty && table.params.isEmpty && table.metrics.isEmpty)
  }
}
