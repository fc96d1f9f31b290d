// How fast metric points go in through the socket, each acknowledgement meaning: on disk. Beside it the
// disk's own time for a sync, and MLflow doing the same.
import BenchSupport
import Client
import Experiments
import Foundation
import Glibc
import Synchronization
import Wire

enum IngestBench {
  private static let keys = ["loss", "accuracy", "val_loss", "val_accuracy", "val_f1"]
  private static let stepsPerRequest = 200
  private static let pointsPerRequest = keys.count * stepsPerRequest
  /// Requests that are sent before an answer must have come.
  private static let inFlight = 16

  static func run(_ options: BenchOptions, _ figures: inout Figures) async throws {
    let peers = try await Peers.figures(
      "mlflow_ingest.py", options, quick: ["--requests", "5", "--calls", "2"])
    try await BenchDaemon.with(options) { daemon in
      let sync = try await SyncTime.measure(in: daemon.dataFolder, count: options.quick ? 20 : 500)
      figures.add("disk_sync", sync.median * 1e3, unit: "ms", goal: "printed only", holds: nil)

      let start = try daemon.processorSeconds()
      let one = try await bulk(daemon, clients: 1, requests: options.quick ? 20 : 3_000, options)
      add(&figures, "bulk_1_client", one, unit: "points/s", atLeast: 250_000, options)
      figures.add(
        "bulk_processor_time",
        (try daemon.processorSeconds() - start) / Double((options.quick ? 20 : 3_000) * 1_000)
          * 1e6,
        unit: "us/point", goal: "printed only", holds: nil)
      let four = try await bulk(daemon, clients: 4, requests: options.quick ? 10 : 1_500, options)
      add(&figures, "bulk_4_clients", four, unit: "points/s", atLeast: 350_000, options)
      if let peer = peers["mlflow_log_batch"] {
        figures.add(
          "bulk_over_mlflow", one / peer, unit: "times", goal: "printed only", holds: nil)
      }
      let json = try await bulk(
        daemon, clients: 1, requests: options.quick ? 10 : 1_000, options, asJSON: true)
      figures.add("bulk_json", json, unit: "points/s", goal: "printed only", holds: nil)

      let requests = options.quick ? 20 : 4_000
      let before = try daemon.processorSeconds()
      let single = try await single(daemon, clients: 16, requests: requests)
      figures.add(
        "single_processor_time",
        (try daemon.processorSeconds() - before) / Double(16 * requests) * 1e6, unit: "us/request",
        goal: "printed only", holds: nil)
      let goal = min(13_000, 0.7 * 16 / sync.median)
      add(&figures, "single_16_clients", single, unit: "requests/s", atLeast: goal, options)
      if let peer = peers["mlflow_log_metric"] {
        figures.add(
          "single_over_mlflow", single / peer, unit: "times", goal: "printed only", holds: nil)
      }

      let (latency, beside) = try await steady(daemon, seconds: options.quick ? 0.5 : 10)
      let bound = 10 + beside.median * 1e3
      figures.add(
        "disk_sync_beside", beside.median * 1e3, unit: "ms", goal: "printed only", holds: nil)
      figures.add(
        "acknowledged_p50", latency.median * 1e3, unit: "ms", goal: "printed only", holds: nil)
      let p99 = latency.percentile(0.99) * 1e3
      figures.add(
        "acknowledged_p99", p99, unit: "ms",
        goal: options.quick ? "printed only" : "<= \(Figures.rounded(bound))",
        holds: options.quick ? nil : p99 <= bound)

      let missing = try await missing(daemon)
      figures.add("points_missing", missing, unit: "points", goal: "0", holds: missing == 0)
    }
  }

  private static func add(
    _ figures: inout Figures, _ name: String, _ value: Double, unit: String, atLeast goal: Double,
    _ options: BenchOptions
  ) {
    figures.add(
      name, value, unit: unit,
      goal: options.quick ? "printed only" : ">= \(Figures.rounded(goal))",
      holds: options.quick ? nil : value >= goal)
  }

  /// What has been acknowledged, by run.
  private static let acknowledged = Mutex<[Int64: Int]>([:])

  private static func openRuns(_ daemon: BenchDaemon, _ count: Int) async throws -> [Int64] {
    try await AssayClient.with(socketPath: daemon.socketPath) { client in
      var runs: [Int64] = []
      for _ in 0..<count {
        runs.append(try await client.openRun(OpenRun(experiment: "ingest")).id)
      }
      return runs
    }
  }

  /// Points per second; each client has a run of its own and one connection.
  private static func bulk(
    _ daemon: BenchDaemon, clients: Int, requests: Int, _ options: BenchOptions,
    asJSON: Bool = false
  ) async throws -> Double {
    let runs = try await openRuns(daemon, clients)
    let path = daemon.socketPath
    let seed = options.seed
    let time = try await seconds {
      _ = try await onThreads(clients) { index in
        let client = try SocketClient(path)
        var noise = Noise(seed &+ UInt64(index))
        for number in 0..<requests {
          let series = batch(number, &noise)
          let body = asJSON ? json(series) : try PointsBody(series).encoded()
          try client.post(
            "/api/v1/runs/\(runs[index])/metrics",
            asJSON ? "application/json" : PointsBody.contentType, body)
          if number >= inFlight { try client.answer() }
        }
        for _ in 0..<min(inFlight, requests) { try client.answer() }
      }
    }
    acknowledged.withLock { for run in runs { $0[run] = requests * pointsPerRequest } }
    return Double(clients * requests * pointsPerRequest) / time
  }

  private static func batch(_ number: Int, _ noise: inout Noise) -> [PointSeries] {
    let start = 1_800_000_000_000_000 + Int64(number) * 200_000
    return keys.map { key in
      var series = PointSeries(key: key)
      series.reserveCapacity(stepsPerRequest)
      for offset in 0..<stepsPerRequest {
        series.append(
          step: Int64(number * stepsPerRequest + offset), time: start + Int64(offset) * 1_000,
          value: noise.next(), epoch: nil)
      }
      return series
    }
  }

  private static func json(_ series: [PointSeries]) -> [UInt8] {
    var json = JSONWriter(capacity: 64 << 10)
    json.object { json in
      json.key("series")
      json.array { json in
        for one in series {
          json.object { json in
            json.key("key")
            json.value(one.key)
            json.key("steps")
            json.array { json in for step in one.steps { json.value(step) } }
            json.key("times")
            json.array { json in for time in one.times { json.value(time) } }
            json.key("values")
            json.array { json in for value in one.values { json.value(value) } }
          }
        }
      }
    }
    return json.bytes
  }

  private static func point(_ number: Int, _ value: Double) -> [UInt8] {
    Array(
      """
      {"points": [{"key": "loss", "step": \(number), "time": \(1_800_000_000_000_000 + number), \
      "value": \(value)}]}
      """.utf8)
  }

  /// Requests of one point per second, each client waiting for its answer.
  private static func single(
    _ daemon: BenchDaemon, clients: Int, requests: Int
  ) async throws -> Double {
    let runs = try await openRuns(daemon, clients)
    let path = daemon.socketPath
    let time = try await seconds {
      _ = try await onThreads(clients) { index in
        let client = try SocketClient(path)
        var noise = Noise(UInt64(index))
        for number in 0..<requests {
          try client.post(
            "/api/v1/runs/\(runs[index])/metrics", "application/json",
            point(number, noise.next()))
          try client.answer()
        }
      }
    }
    acknowledged.withLock { for run in runs { $0[run] = requests } }
    return Double(clients * requests) / time
  }

  /// Times of acknowledgement at 1,000 requests a second, from when each was due to be sent, and of
  /// syncs of a file beside.
  private static func steady(
    _ daemon: BenchDaemon, seconds: Double
  ) async throws -> (acknowledged: Times, sync: Times) {
    let clients = 20
    let interval = Double(clients) / 1_000
    let requests = Int(seconds / interval)
    let runs = try await openRuns(daemon, clients)
    let path = daemon.socketPath
    let folder = daemon.dataFolder
    async let beside = SyncTime.measure(in: folder, count: Int(seconds * 50), pause: 0.02)
    let times = try await onThreads(clients) { index -> [Double] in
      let client = try SocketClient(path)
      var noise = Noise(UInt64(index))
      let start = ContinuousClock.now + .seconds(interval * Double(index) / Double(clients))
      return try (0..<requests).map { number in
        let due = start + .seconds(interval * Double(number))
        let wait = (due - ContinuousClock.now) / .microseconds(1)
        if wait > 0 { usleep(UInt32(wait)) }
        try client.post(
          "/api/v1/runs/\(runs[index])/metrics", "application/json", point(number, noise.next()))
        try client.answer()
        return (ContinuousClock.now - due) / .seconds(1)
      }
    }
    acknowledged.withLock { for run in runs { $0[run] = requests } }
    return (Times(times.flatMap { $0 }), try await beside)
  }

  /// How many acknowledged points the daemon does not have.
  private static func missing(_ daemon: BenchDaemon) async throws -> Double {
    try await AssayClient.with(socketPath: daemon.socketPath) { client in
      var missing = 0
      for (run, count) in acknowledged.withLock({ $0 }) {
        let metrics = try await client.run("\(run)").metrics
        missing += abs(count - metrics.values.reduce(0) { $0 + Int($1.count) })
        let first = try await client.series(run: "\(run)", key: "loss")
        missing += abs(Int(metrics["loss"]?.count ?? 0) - first.count)
      }
      return Double(missing)
    }
  }
}

/// Values that no compression can make smaller.
struct Noise {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  mutating func next() -> Double {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Double((state ^ (state >> 29)) >> 11) * 0x1p-53
  }
}

/// What other programs measure of themselves, if they are there (`--peers`).
enum Peers {
  private static let known = Mutex<[String: [String: Double]]>([:])

  /// Figures by name; empty without peers. Prints each, and measures once.
  static func figures(
    _ script: String, _ options: BenchOptions, quick: [String]
  ) async throws -> [String: Double] {
    if let known = known.withLock({ $0[script] }) { return known }
    let folder = "tools/bench/peers"
    guard let peers = options.peers,
      FileManager.default.fileExists(atPath: folder + "/" + script)
    else { return [:] }
    let setup = try await Processes.run(folder + "/mlflow-peer", [peers], [:])
    guard setup.status == 0, let python = setup.output.split(separator: "\n").last else {
      print("the peer cannot be had: \(setup.output.suffix(400))")
      return [:]
    }
    let result = try await Processes.run(
      String(python), [folder + "/" + script] + (options.quick ? quick : []), [:])
    struct Figure: Decodable {
      var name: String
      var value: Double
      var unit: String
    }
    var figures: [String: Double] = [:]
    for line in result.output.split(separator: "\n") where line.hasPrefix("{") {
      let figure = try JSONDecoder().decode(Figure.self, from: Data(line.utf8))
      figures[figure.name] = figure.value
      print("  \(figure.name): \(Figures.rounded(figure.value)) \(figure.unit)")
    }
    let measured = figures
    known.withLock { $0[script] = measured }
    return measured
  }
}
