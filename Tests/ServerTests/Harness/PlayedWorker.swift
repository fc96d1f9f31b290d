// One worker that a test plays: what it sends over the wire is what a real one sends.

import Checkpoints
import Client
import Experiments
import Foundation
import Jobs
import Wire

struct PlayedWorker {
  let order: AttemptOrder
  let client: AssayClient
  let clock: TestClock

  /// `body` as the worker of the daemon's `count`th attempt.
  static func with(
    _ daemon: TestDaemon, _ count: Int = 1, _ body: (PlayedWorker) async throws -> Void
  ) async throws {
    let order = try await daemon.workers.order(count)
    try await AssayClient.with(socketPath: order.socketPath, token: order.token) { client in
      try await body(PlayedWorker(order: order, client: client, clock: daemon.clock))
    }
  }

  var attempt: Int64 { order.attemptId }

  @discardableResult
  func start() async throws -> StartReply {
    _ = try AttemptFolder(path: folderPath).claim()
    return try await client.startAttempt(
      attempt,
      StartAttempt(
        protocolVersion: WorkerProtocol.version,
        environment: Environment(
          host: "test", os: "Linux", cpu: "CPU", cores: 2, memoryBytes: 1 << 30,
          versions: ["openblas": "0.3.21"])))
  }

  /// The metrics of one epoch, `step` updates after the last.
  func epoch(_ epoch: Int64, loss: Double? = nil) async throws {
    let values = ["loss": loss ?? 1 / Double(epoch), "val_loss": 2 / Double(epoch)]
    try await client.sendMetrics(
      attempt,
      MetricsBatch(
        points: values.map {
          MetricPoint(
            key: $0.key, step: epoch * 10, epoch: epoch, time: clock.now, value: $0.value)
        }))
  }

  func metric(_ key: String, _ value: Double, step: Int64 = 100) async throws {
    try await client.sendMetrics(
      attempt,
      MetricsBatch(
        points: [MetricPoint(key: key, step: step, epoch: nil, time: clock.now, value: value)]))
  }

  @discardableResult
  func checkpoint(_ epoch: Int) async throws -> Checkpoint {
    let tensor = Tensor(
      name: "dense_0/kernel", shape: [2, 3], floats: (0..<6).map { Float($0 + epoch) })
    let (manifest, chunks) = try CheckpointCoder.encode(
      tensors: [tensor], metadata: ["format": "test"], epoch: epoch, step: Int64(epoch) * 10)
    try await send(chunks)
    return try await client.addCheckpoint(attempt, manifest)
  }

  @discardableResult
  func artifact(_ path: String, _ text: String) async throws -> Artifact {
    let (manifest, chunks) = try ArtifactCoder.encode(
      path: path, mediaType: "text/csv", bytes: Array(text.utf8))
    try await send(chunks)
    return try await client.addArtifact(attempt, manifest)
  }

  private func send(_ chunks: [EncodedChunk]) async throws {
    let missing = Set(try await client.missingChunks(attempt, chunks.map(\.sha256)))
    for chunk in chunks where missing.contains(chunk.sha256) {
      try await client.putChunk(
        attempt, sha256: chunk.sha256, rawBytes: chunk.rawBytes, codec: chunk.codec,
        stored: chunk.stored)
    }
  }

  @discardableResult
  func finish(_ state: AttemptState = .finished, failure: Failure? = nil) async throws -> Job {
    try await client.finishAttempt(
      attempt,
      FinishAttempt(
        state: state, failure: failure, exitCode: nil, cost: Cost(wallSeconds: 1.5),
        endedAt: clock.now))
  }

  /// Where its daemon has put it.
  private var folderPath: String {
    let base = (order.socketPath as NSString).deletingLastPathComponent + "/../data/attempts"
    return (base as NSString).standardizingPath + "/\(attempt)"
  }
}
