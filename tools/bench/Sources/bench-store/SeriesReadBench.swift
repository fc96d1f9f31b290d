// How soon series are read through the socket: a short one of a store with many runs, and a very long
// one in full and thinned out. Then how soon a daemon is ready on a large store, and its memory.
import BenchSupport
import Experiments
import Foundation
import Store
import Wire

enum SeriesReadBench {
  private static let metrics = 5
  private static let points = 100

  static func run(_ options: BenchOptions, _ figures: inout Figures) async throws {
    let folder = try BenchDaemon.newFolder()
    // a leftover fails no measurement
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let data = BenchDaemon.dataFolder(folder)
    let (few, many) = options.quick ? (20, 100) : (10_000, 100_000)

    try await fill(data, runs: few, options)
    let short = try await history(folder, runs: few, except: nil, options)
    let p50 = short.median * 1e3
    add(&figures, "history_p50", p50, unit: "ms", atMost: 0.5, options)
    figures.add(
      "history_p95", short.percentile(0.95) * 1e3, unit: "ms", goal: "printed only", holds: nil)

    let long = options.quick ? 20_000 : 1_000_000
    let run = try await fillLong(data, points: long, options)
    try await series(folder, run: run, points: long, options, &figures)

    try await fill(data, runs: many - few, options)
    let among = try await history(folder, runs: many, except: Int(run), options)
    figures.add(
      "history_p50_many_runs", among.median * 1e3, unit: "ms", goal: "printed only", holds: nil)
    add(
      &figures, "history_growth", among.median / short.median, unit: "times", atMost: 1.2, options)
    try await start(folder, options, &figures)
  }

  private static func add(
    _ figures: inout Figures, _ name: String, _ value: Double, unit: String, atMost goal: Double,
    _ options: BenchOptions
  ) {
    figures.add(
      name, value, unit: unit,
      goal: options.quick ? "printed only" : "<= \(Figures.rounded(goal))",
      holds: options.quick ? nil : value <= goal)
  }

  private static func fill(_ data: String, runs: Int, _ options: BenchOptions) async throws {
    print("  filling a store with \(runs) runs x \(metrics) metrics x \(points) points …")
    let store = try Store(folder: data, clock: .system)
    try await SeriesStore.fill(
      store, runs: runs, metrics: metrics, points: points, seed: options.seed)
    await store.close()
  }

  private static func fillLong(
    _ data: String, points: Int, _ options: BenchOptions
  ) async throws -> Int64 {
    let store = try Store(folder: data, clock: .system)
    try await SeriesStore.fill(store, runs: 1, metrics: 1, points: points, seed: options.seed)
    let runs = try await store.runs(Store.RunQuery(limit: 1))
    await store.close()
    guard let run = runs.items.first?.id else { throw StoreBenchFailure("the long run is missing") }
    return run
  }

  /// Times of single histories of runs all over the store.
  private static func history(
    _ folder: String, runs: Int, except longRun: Int?, _ options: BenchOptions
  ) async throws -> Times {
    let daemon = try await BenchDaemon(folder: folder, programs: options.programs)
    let path = daemon.socketPath
    let rounds = options.quick ? 20 : 2_000
    let times = try await onThread {
      let client = try SocketClient(path)
      var noise = Noise(7)
      return try (0..<rounds).map { _ in
        // The long run among them has no such metric.
        let number = 1 + Int(noise.next() * Double(runs))
        let run = number == longRun ? 1 : number
        let begin = ContinuousClock.now
        try client.get("/api/v1/runs/\(run)/metrics/metric_3")
        let answer = try client.answer()
        let time = (ContinuousClock.now - begin) / .seconds(1)
        let history = try WireCoding.decoder().decode(MetricHistory.self, from: Data(answer))
        guard history.values.count == points else {
          throw StoreBenchFailure("run \(run) has \(history.values.count) points")
        }
        return time
      }
    }
    try await daemon.stop()
    return Times(times)
  }

  private static func series(
    _ folder: String, run: Int64, points: Int, _ options: BenchOptions, _ figures: inout Figures
  ) async throws {
    let daemon = try await BenchDaemon(folder: folder, programs: options.programs)
    let path = daemon.socketPath
    let rounds = options.quick ? 2 : 11
    func time(_ query: String, expecting count: ClosedRange<Int>) async throws -> Times {
      try await onThread {
        let client = try SocketClient(path)
        return Times(
          try (0..<rounds).map { _ in
            let begin = ContinuousClock.now
            try client.get(
              "/api/v1/runs/\(run)/metrics/metric_0" + query, accept: PointsBody.contentType)
            let answer = try client.answer()
            let seconds = (ContinuousClock.now - begin) / .seconds(1)
            let found = try PointsBody(decoding: answer, atMost: .max).count
            guard count.contains(found) else {
              throw StoreBenchFailure("\(found) points came, not \(count)")
            }
            return seconds
          })
      }
    }
    let full = try await time("", expecting: points...points)
    add(&figures, "long_series_in_full", full.median * 1e3, unit: "ms", atMost: 300, options)
    let thin = try await time("?points=2000", expecting: 1_000...2_000)
    add(&figures, "long_series_thinned_out", thin.median * 1e3, unit: "ms", atMost: 40, options)
    try await daemon.stop()
  }

  private static func start(
    _ folder: String, _ options: BenchOptions, _ figures: inout Figures
  ) async throws {
    let database = BenchDaemon.dataFolder(folder) + "/" + StoreFile.name
    figures.add(
      "store", try SeriesStore.bytes(of: database) / 1e9, unit: "GB", goal: "printed only",
      holds: nil)
    var ready: [Double] = []
    for _ in 0..<(options.quick ? 2 : 11) {
      let daemon = try await BenchDaemon(folder: folder, programs: options.programs)
      ready.append(daemon.readySeconds)
      try await daemon.stop()
    }
    add(&figures, "ready", Times(ready).median * 1e3, unit: "ms", atMost: 50, options)
    let daemon = try await BenchDaemon(folder: folder, programs: options.programs)
    let path = daemon.socketPath
    try await onThread {
      let client = try SocketClient(path)
      for route in ["runs", "status", "runs/1/metrics/metric_1"] {
        try client.get("/api/v1/" + route)
        try client.answer()
      }
    }
    try await Task.sleep(for: .seconds(1))
    let anonymous = try daemon.memory("RssAnon") / 1e6
    let resident = try daemon.memory("VmRSS") / 1e6
    add(&figures, "idle_anonymous_memory", anonymous, unit: "MB", atMost: 15, options)
    add(&figures, "idle_resident_memory", resident, unit: "MB", atMost: 45, options)
    try await daemon.stop()
  }
}
