// Fills stores directly through the store's own module, for benchmarks that need large ones.
import BenchSupport
import Experiments
import Foundation
import Store

enum SeriesStore {
  static let start = Timestamp(microseconds: 1_800_000_000_000_000)

  /// `runs` runs with `metrics` metrics of `points` points each, as one program after another would
  /// write them: epoch after epoch, all metrics together, `interval` microseconds between two.
  static func fill(
    _ store: Store, runs: Int, metrics: Int, points: Int, interval: Int = 100_017,
    seed: UInt64
  ) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      // Several at a time, so that their commits are grouped.
      for lane in 0..<8 {
        group.addTask {
          for number in stride(from: lane, to: runs, by: 8) {
            let run = try await store.openRun(
              Store.NewRun(name: "filled", experiment: "bench", createdAt: start)
            ).run.id
            var noise = Noise(seed &+ UInt64(number))
            let batch = max(1, 10_000 / metrics)
            for first in stride(from: 0, to: points, by: batch) {
              let steps = first..<min(points, first + batch)
              try await store.appendMetrics(
                run: run, (0..<metrics).map { series("metric_\($0)", steps, interval, &noise) })
            }
            _ = try await store.endRun(run, status: .finished, endedAt: start)
          }
        }
      }
      try await group.waitForAll()
    }
  }

  private static func series(
    _ key: String, _ steps: Range<Int>, _ interval: Int, _ noise: inout Noise
  ) -> PointSeries {
    var series = PointSeries(key: key)
    series.reserveCapacity(steps.count)
    for step in steps {
      series.append(
        step: Int64(step), time: start.microseconds + Int64(step * interval), value: noise.next(),
        epoch: nil)
    }
    return series
  }

  static func bytes(of path: String) throws -> Double {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return (attributes[.size] as? NSNumber)?.doubleValue ?? 0
  }
}
