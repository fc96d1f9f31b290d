// How large metric points are at rest: noisy values in their order of arrival, everything included, the
// store closed.
import BenchSupport
import Experiments
import Foundation
import Store

enum SizeBench {
  static func run(_ options: BenchOptions, _ figures: inout Figures) async throws {
    let size = try await size(interval: 100_017, options)
    figures.add(
      "size", size, unit: "MB/million points", goal: options.quick ? "printed only" : "<= 28",
      holds: options.quick ? nil : size <= 28)
    // Times of more than 35 minutes after a run's beginning take two bytes more.
    figures.add(
      "size_of_long_runs", try await self.size(interval: 1_000_017, options),
      unit: "MB/million points", goal: "printed only", holds: nil)
    let peers = try await Peers.figures(
      "mlflow_ingest.py", options, quick: ["--requests", "5", "--calls", "2"])
    if let peer = peers["mlflow_size"] {
      figures.add(
        "size_of_mlflow", peer / 1e6 / size, unit: "times", goal: "printed only", holds: nil)
    }
  }

  /// - Parameter interval: microseconds between two steps.
  private static func size(interval: Int, _ options: BenchOptions) async throws -> Double {
    let folder = try BenchDaemon.newFolder()
    // a leftover fails no measurement
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let (runs, metrics, points) = options.quick ? (4, 5, 500) : (20, 5, 10_000)
    let store = try Store(folder: folder, clock: .system)
    await store.close()
    let empty = try SeriesStore.bytes(of: store.databasePath)
    let filled = try Store(folder: folder, clock: .system)
    try await SeriesStore.fill(
      filled, runs: runs, metrics: metrics, points: points, interval: interval, seed: options.seed)
    await filled.close()
    var bytes = try SeriesStore.bytes(of: store.databasePath) - empty
    let log = folder + "/" + StoreFile.name + "-wal"
    if FileManager.default.fileExists(atPath: log) { bytes += try SeriesStore.bytes(of: log) }
    return bytes / Double(runs * metrics * points)
  }
}
