// How long a request for the daemon's health takes while two trainings use both cores.
import BenchSupport
import Foundation

enum HealthBench {
  static func run(_ options: BenchOptions, _ figures: inout Figures) async throws {
    let folder = try BenchDaemon.newFolder()
    defer { QueueDaemon.remove(folder) }
    let daemon = try await QueueDaemon(options, folder: folder, slots: 2)
    let client = try SocketClient(daemon.socketPath)
    var random = SeededRandom(options.seed)
    let ids = try Submissions(
      spec: #"""
        {"kind": "train", "name": "busy", "seed": 7,
         "dataset": {"type": "synthetic", "rows": 60000, "features": 100},
         "model": [{"type": "dense", "units": 64, "activation": "relu"},
           {"type": "dense", "units": 32, "activation": "relu"},
           {"type": "dense", "units": 1, "activation": "sigmoid"}],
         "loss": "binary_crossentropy", "optimizer": {"type": "adam"},
         "metrics": ["accuracy"], "epochs": 100000, "batch_size": 32}
        """#
    ).submit(client, 2, &random)
    for id in ids {
      while try JobAnswer.get(client, id).state != "running" {
        try await Task.sleep(for: .milliseconds(20))
      }
    }
    try await Task.sleep(for: .seconds(1))
    let count = options.quick ? 200 : 4_000
    let path = daemon.socketPath
    let times = Times(
      try await onThread {
        let client = try SocketClient(path)
        var times: [Double] = []
        for _ in 0..<count {
          let start = ContinuousClock.now
          try client.get("/api/v1/health")
          try client.answer()
          times.append((ContinuousClock.now - start) / .seconds(1))
          usleep(2_500)
        }
        return times
      })
    for id in ids {
      let job = try JobAnswer.get(client, id)
      guard job.state == "running" else {
        throw StoreBenchFailure("training \(id) is \(job.state), so the cores were not busy")
      }
    }
    figures.add(
      "health_p50_beside_trainings", times.median * 1_000, unit: "ms", goal: "", holds: nil)
    let p99 = times.percentile(0.99) * 1_000
    figures.add(
      "health_p99_beside_trainings", p99, unit: "ms", goal: "<= 20",
      holds: options.quick ? nil : p99 <= 20)
    try await daemon.stop()
  }
}
