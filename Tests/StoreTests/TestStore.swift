// A store in a folder of its own, with a clock that the test moves, and short ways to get a job as
// far as a test needs it.

import Checkpoints
import Experiments
import Foundation
import Store
import Synchronization
import Testing

/// Starts at 2027-01-15 08:00 UTC and goes on by a millisecond each time it is read.
final class TestClock: Sendable {
  private let microseconds = Mutex<Int64>(1_800_000_000_000_000)

  var wall: WallClock {
    WallClock { [self] in
      microseconds.withLock {
        $0 += 1000
        return Timestamp(microseconds: $0)
      }
    }
  }

  func advance(seconds: Double) {
    microseconds.withLock { $0 += Int64(seconds * 1e6) }
  }
}

struct TestStore {
  let folder: String
  let clock: TestClock
  let store: Store

  static func newFolder() -> String {
    FileManager.default.temporaryDirectory.path + "/assay-store-\(UUID().uuidString)"
  }

  /// Runs `body` with a new store, closes it and removes its folder.
  static func with<Value>(_ body: (TestStore) async throws -> Value) async throws -> Value {
    let folder = newFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let clock = TestClock()
    let test = TestStore(
      folder: folder, clock: clock, store: try Store(folder: folder, clock: clock.wall))
    do {
      let value = try await body(test)
      await test.store.close()
      return value
    } catch {
      await test.store.close()
      throw error
    }
  }

  var now: Timestamp { clock.wall.now() }

  func submit(_ spec: JobSpec = .test()) async throws -> Job {
    try await submit([spec])[0]
  }

  func submit(_ specs: [JobSpec]) async throws -> [Job] {
    try await store.submit(
      specs.map { Store.NewJob(uid: Identifier(at: now), spec: $0, context: .test) })
  }

  /// A job whose attempt is running.
  func start(_ job: Job) async throws -> Attempt {
    let begin = try #require(
      await store.beginAttempt(job: job.id, folder: { "/jobs/\($0)" }, tokenSHA256: "token"))
    _ = try await store.attemptStarted(begin.attempt.id, environment: .test)
    return begin.attempt
  }

  func start(_ spec: JobSpec = .test()) async throws -> Attempt {
    try await start(try await submit(spec))
  }

  @discardableResult
  func finish(_ attempt: Attempt, _ state: AttemptState = .finished) async throws -> Job {
    try await store.endAttempt(attempt.id, state: state, endedAt: now)
  }

  /// Loses an attempt and begins the next one, in the same run.
  func resume(_ attempt: Attempt) async throws -> Attempt {
    let job = try await store.attemptLost(attempt.id, failure: .test) { _ in .resumeSameRun }
    return try await start(job)
  }

  /// A finished run with metrics and params of its own.
  @discardableResult
  func run(_ spec: JobSpec = .test(), metrics: [String: Double] = [:]) async throws -> Int64 {
    let attempt = try await start(spec)
    let time = now
    try await store.appendMetrics(
      attempt: attempt.id,
      metrics.map { MetricPoint(key: $0.key, step: 10, epoch: 1, time: time, value: $0.value) })
    try await finish(attempt)
    return attempt.runId
  }

  func point(
    _ key: String, _ step: Int64, _ value: Double, epoch: Int64? = nil, time: Timestamp? = nil
  ) -> MetricPoint {
    MetricPoint(key: key, step: step, epoch: epoch, time: time ?? now, value: value)
  }

  /// Uploads the chunks and adds the checkpoint.
  @discardableResult
  func checkpoint(
    _ attempt: Attempt, epoch: Int, step: Int64? = nil, tensors: [Tensor]
  ) async throws -> Checkpoint {
    let (manifest, chunks) = try CheckpointCoder.encode(
      tensors: tensors, metadata: [:], epoch: epoch, step: step ?? Int64(epoch * 100))
    try await put(chunks)
    return try await store.addCheckpoint(attempt: attempt.id, manifest)
  }

  func put(_ chunks: [EncodedChunk]) async throws {
    for chunk in chunks {
      try await store.putChunk(
        sha256: chunk.sha256, rawBytes: chunk.rawBytes, codec: chunk.codec, stored: chunk.stored)
    }
  }
}

extension JobSpec {
  static func test(
    name: String = "model", experiment: String = "default", seed: Int = 0,
    learningRate: Double = 0.001, optimizer: OptimizerSpec? = nil, priority: Int = 0,
    tags: [String: String] = [:], onLost: LostPolicy = .resume, best: String = "val_loss",
    keepLast: Int? = nil, every: Int = 1
  ) -> JobSpec {
    JobSpec(
      name: name, experiment: experiment, tags: tags, priority: priority, onLost: onLost,
      work: .train(
        TrainSpec(
          seed: seed, dataset: .synthetic(SyntheticDataset()),
          model: [.dense(DenseSpec(units: 1, activation: .sigmoid))], loss: .binaryCrossentropy,
          optimizer: optimizer ?? .adam(learningRate: learningRate), metrics: [.accuracy],
          checkpoints: CheckpointPolicy(every: every, keepLast: keepLast, best: best))))
  }

  static func evaluate(run: Int64, name: String = "evaluate", experiment: String = "") -> JobSpec {
    JobSpec(
      name: name, experiment: experiment,
      work: .evaluate(
        EvaluateSpec(
          run: run, checkpoint: .best,
          dataset: CSVDataset(name: "new", path: "/data/new.csv", target: "y"))))
  }
}

extension SubmitContext {
  static let test = SubmitContext(
    directory: "/home/ada", user: "ada", gitCommit: "abc", gitBranch: "main", gitDirty: false)
}

extension Environment {
  static let test = Environment(
    host: "box", os: "Debian 12", cpu: "Xeon", cores: 2, memoryBytes: 1 << 33,
    versions: ["assay": "0.1.0", "openBLAS_kernel": "0.3.21 SkylakeX"])
}

extension DatasetInfo {
  static func test(sha256: String = String(repeating: "a", count: 64)) -> DatasetInfo {
    DatasetInfo(
      name: "digits", type: "csv", path: "/data/digits.csv", sha256: sha256, rows: 10, features: 3,
      classes: ["0", "1"], trainRows: 8, validationRows: 1, testRows: 1)
  }
}

extension Failure {
  static let test = Failure(code: "worker_vanished", message: "the worker vanished")
}

/// Expects a `StoreError` with this code.
func expect(
  _ code: String, sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () async throws -> some Any
) async {
  do {
    _ = try await body()
    Issue.record("no error where \(code) was expected", sourceLocation: sourceLocation)
  } catch let error as StoreError {
    #expect(error.code == code, "\(error.message)", sourceLocation: sourceLocation)
  } catch {
    Issue.record("\(error) where \(code) was expected", sourceLocation: sourceLocation)
  }
}

/// SplitMix64 (Steele, Lea and Flood 2014): the same numbers for a seed everywhere.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
