// Fills a store through its own door with runs that look like trainings of the reference network.
import Experiments
import Store

enum StoreFill {
  static let metrics = [
    "loss", "accuracy", "precision", "recall", "f1", "val_loss", "val_accuracy", "val_precision",
    "val_recall", "val_f1",
  ]
  static let epochs = 100

  static func fill(folder: String, runs: Int) async throws {
    let start = WallClock.system.now()
    let store = try Store(folder: folder, clock: .system)
    let jobs = try (0..<runs).map { number in
      Store.NewJob(
        uid: Identifier(at: start), spec: try spec(number: number),
        context: SubmitContext(directory: "/", user: "bench"), scheduleId: nil, dueAt: nil)
    }
    let submitted = try await store.submit(jobs)
    try await withThrowingTaskGroup(of: Void.self) { group in
      // Eight at a time, so that their commits are grouped.
      for lane in 0..<8 {
        group.addTask {
          for index in stride(from: lane, to: submitted.count, by: 8) {
            try await record(submitted[index], in: store, at: start, number: index)
          }
        }
      }
      try await group.waitForAll()
    }
    await store.close()
  }

  private static func record(
    _ job: Job, in store: Store, at start: Timestamp, number: Int
  ) async throws {
    guard
      let begun = try await store.beginAttempt(
        job: job.id, folder: { "attempt-\($0)" }, tokenSHA256: "bench-\(job.id)")
    else { return }
    let attempt = begun.attempt.id
    _ = try await store.attemptStarted(
      attempt,
      environment: Environment(
        host: "bench", os: "Linux", cpu: "CPU", cores: 2, memoryBytes: 1 << 30,
        versions: ["assay": "bench"]))
    var points: [MetricPoint] = []
    var noise = UInt64(number) &* 0x9E37_79B9_7F4A_7C15 | 1
    for epoch in 1...epochs {
      for key in metrics {
        noise = noise &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let jitter = Double(noise >> 40) / Double(1 << 24) * 0.05
        let falling = 1 / Double(epoch + 1)
        points.append(
          MetricPoint(
            key: key, step: Int64(epoch * 1_500), epoch: Int64(epoch),
            time: start.adding(seconds: Double(epoch)),
            value: key.hasSuffix("loss") ? falling + jitter : 1 - falling - jitter))
      }
    }
    try await store.appendMetrics(attempt: attempt, points)
    _ = try await store.endAttempt(
      attempt, state: .finished, failure: nil, exitCode: 0, cost: Cost(wallSeconds: 100),
      endedAt: start.adding(seconds: 100))
  }

  private static func spec(number: Int) throws -> JobSpec {
    let rate = [0.1, 0.01, 0.001, 0.0001][number % 4]
    return try JobSpec.parse(
      .object([
        "kind": .string("train"), "name": .string("reference"), "experiment": .string("bench"),
        "seed": .int(Int64(number)),
        "dataset": .object(["type": .string("synthetic"), "rows": .int(60_000)]),
        "model": .array([
          .object(["type": .string("dense"), "units": .int(64), "activation": .string("relu")]),
          .object(["type": .string("dense"), "units": .int(1), "activation": .string("sigmoid")]),
        ]),
        "loss": .string("binary_crossentropy"),
        "optimizer": .object([
          "type": .string(number % 3 == 0 ? "sgd" : "adam"), "learning_rate": .number(rate),
        ]),
        "epochs": .int(Int64(epochs)),
      ]))
  }
}
