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
    let folder = try options.keep ?? BenchDaemon.newFolder()
    // a leftover fails no measurement
    defer { if options.keep == nil { try? FileManager.default.removeItem(atPath: folder) } }
    let (few, many) = options.quick ? (20, 100) : (10_000, 100_000)
    let long = options.quick ? 20_000 : 1_000_000
    let small = try await filled(folder, runs: few, long: 0, options)
    let large = try await filled(folder, runs: many, long: long, options)

    let (short, among) = try await histories((small, few), (large, many), options)
    add(&figures, "history_p50", short.median * 1e3, unit: "ms", atMost: 0.5, options)
    figures.add(
      "history_p95", short.percentile(0.95) * 1e3, unit: "ms", goal: "printed only", holds: nil)
    figures.add(
      "history_p50_many_runs", among.median * 1e3, unit: "ms", goal: "printed only", holds: nil)
    add(
      &figures, "history_growth", among.median / short.median, unit: "times", atMost: 1.2, options)

    try await series(large, run: Int64(many + 1), points: long, options, &figures)
    try await start(large, options, &figures)
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

  /// A daemon's folder with so many runs, and one more of `long` points unless that is 0; what an
  /// earlier run kept is taken as it is.
  private static func filled(
    _ folder: String, runs: Int, long: Int, _ options: BenchOptions
  ) async throws -> String {
    let path = "\(folder)/\(runs)-runs-seed-\(options.seed)"
    if FileManager.default.fileExists(atPath: path) { return path }
    print("  filling a store with \(runs) runs x \(metrics) metrics x \(points) points …")
    let unfinished = path + ".unfinished"
    if FileManager.default.fileExists(atPath: unfinished) {
      try FileManager.default.removeItem(atPath: unfinished)
    }
    try FileManager.default.createDirectory(
      atPath: unfinished, withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o700])
    let store = try Store(folder: BenchDaemon.dataFolder(unfinished), clock: .system)
    try await SeriesStore.fill(
      store, runs: runs, metrics: metrics, points: points, seed: options.seed)
    if long > 0 {
      try await SeriesStore.fill(store, runs: 1, metrics: 1, points: long, seed: options.seed)
    }
    await store.close()
    try FileManager.default.moveItem(atPath: unfinished, toPath: path)
    return path
  }

  /// Times of single histories of runs all over each store, measured in turns, so that whatever else
  /// the machine does meets both.
  private static func histories(
    _ first: (folder: String, runs: Int), _ second: (folder: String, runs: Int),
    _ options: BenchOptions
  ) async throws -> (Times, Times) {
    let (turns, rounds) = options.quick ? (2, 10) : (8, 500)
    // What the system has in memory of a file that lay there for hours is chance.
    for folder in [first.folder, second.folder] { try readOnce(folder) }
    let one = try await BenchDaemon(folder: first.folder, programs: options.programs)
    let other = try await BenchDaemon(folder: second.folder, programs: options.programs)
    let paths = (one.socketPath, other.socketPath)
    let times = try await onThread {
      let clients = (try SocketClient(paths.0), try SocketClient(paths.1))
      var noise = Noise(7)
      var times: ([Double], [Double]) = ([], [])
      // What a daemon does at its start is no part of it.
      _ = try history(clients.0, runs: first.runs, rounds: rounds, &noise)
      _ = try history(clients.1, runs: second.runs, rounds: rounds, &noise)
      for _ in 0..<turns {
        times.0 += try history(clients.0, runs: first.runs, rounds: rounds, &noise)
        times.1 += try history(clients.1, runs: second.runs, rounds: rounds, &noise)
      }
      return times
    }
    try await one.stop()
    try await other.stop()
    return (Times(times.0), Times(times.1))
  }

  private static func readOnce(_ folder: String) throws {
    let file = try FileHandle(
      forReadingFrom: URL(
        fileURLWithPath: BenchDaemon.dataFolder(folder) + "/" + StoreFile.name))
    while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty {}
    try file.close()
  }

  private static func history(
    _ client: SocketClient, runs: Int, rounds: Int, _ noise: inout Noise
  ) throws -> [Double] {
    try (0..<rounds).map { _ in
      let run = 1 + Int(noise.next() * Double(runs))
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
    try await memory(of: daemon, "idle", options, &figures)
    let path = daemon.socketPath
    try await onThread {
      let client = try SocketClient(path)
      for route in ["runs", "status", "runs/1/metrics/metric_1"] {
        try client.get("/api/v1/" + route)
        try client.answer()
      }
    }
    try await memory(of: daemon, "after_requests", options, &figures)
    try await daemon.stop()
  }

  /// Once it has nothing to do: its own memory, and all that is resident, libraries included.
  private static func memory(
    of daemon: BenchDaemon, _ name: String, _ options: BenchOptions, _ figures: inout Figures
  ) async throws {
    // Ten seconds after its start the daemon collects garbage; what it does not need it gives back
    // after five seconds without a read.
    try await Task.sleep(for: .seconds(options.quick ? 1 : 17))
    let anonymous = try daemon.memory("RssAnon") / 1e6
    let resident = try daemon.memory("VmRSS") / 1e6
    add(&figures, "\(name)_anonymous_memory", anonymous, unit: "MB", atMost: 15, options)
    add(&figures, "\(name)_resident_memory", resident, unit: "MB", atMost: 45, options)
  }
}
