// One attempt from its claim to its true end: handshake, work on a thread of its own, delivery of
// all it recorded, and the exit record.
import Checkpoints
import Client
import Dispatch
import Experiments
import Foundation
import Jobs
import Synchronization
import Training
import Wire

struct AttemptRunner {
  let folder: AttemptFolder

  /// How long the end waits for a daemon that is away before what is left goes to the spool.
  private static let patience: Duration = .seconds(5)
  /// Ends of a worker that are not the job's: a newer attempt has begun.
  private static let fencedStatus: Int32 = 75

  func run() async throws -> Int32 {
    // Held by this process alone, and inherited by none of its children.
    let lock = try FileLock.inherited(folder.lockPath)
    defer { withExtendedLifetime(lock) {} }
    guard let order = try folder.readOrder() else { throw WorkerError.noOrder(folder.path) }
    guard try folder.claim() else {
      WorkerLog.write("this attempt was given up before it began")
      return Self.fencedStatus
    }

    let clock = WallClock.system
    let meter = CostMeter()
    let gauge = Gauge()
    let signals = stopSignals(gauge)
    defer { signals.forEach { $0.cancel() } }

    let client = AssayClient(socketPath: order.socketPath, token: order.token)
    var measure = TrainWork.Measure()
    do {
      let environment = HostInfo.environment(versions: Self.versions)
      let reply = try await handshake(client, order: order, environment: environment, gauge: gauge)
      if reply?.cancelled ?? true { gauge.stop.store(true, ordering: .relaxed) }
      guard let reply else {
        // Stopped before the daemon answered: nothing was recorded that could be lost.
        return try await end(
          .cancelled, failure: nil, delivery: nil, meter: meter, measure: measure, clock: clock)
      }

      let outbox = Outbox()
      let delivery = try Delivery(
        client: client, attempt: order.attemptId, outbox: outbox, gauge: gauge, folder: folder,
        cost: { meter.read() })
      let delivering = Task { await delivery.run() }
      defer { delivering.cancel() }
      let result = await work(
        order: order, reply: reply, client: client, outbox: outbox, gauge: gauge, clock: clock)
      measure = result.measure
      if gauge.fenced.load(ordering: .relaxed) {
        WorkerLog.write("a newer attempt has taken this job over")
        return Self.fencedStatus
      }

      var state = AttemptState.finished
      var failure: Failure?
      if let refusal = await delivery.refusal {
        state = .failed
        failure = Failure(code: refusal.code, message: refusal.message)
      } else if let error = result.failure {
        if case .stopped? = error as? TrainingError {
          state = .cancelled
        } else {
          state = .failed
          failure = Failures.describe(error)
        }
      }
      if let failure { WorkerLog.write("\(failure.code): \(failure.message)") }
      WorkerLog.write("the attempt is \(state.rawValue)")
      outbox.put(
        .finish(
          FinishAttempt(
            state: state, failure: failure, exitCode: nil,
            cost: cost(meter, measure), endedAt: clock.now())))
      return try await end(
        state, failure: failure, delivery: delivery, meter: meter, measure: measure, clock: clock)
    } catch let error as ClientError {
      // Refused at the door: an older attempt, or another protocol.
      WorkerLog.write("\(error.code): \(error.message)")
      return Self.fencedStatus
    }
  }

  /// Sends what is left, or leaves it in the spool, and writes the exit record.
  private func end(
    _ state: AttemptState, failure: Failure?, delivery: Delivery?, meter: CostMeter,
    measure: TrainWork.Measure, clock: WallClock
  ) async throws -> Int32 {
    var unsent = false
    if let delivery {
      let patience = ContinuousClock.now + Self.patience
      while await !delivery.isDone, await delivery.refusal == nil, ContinuousClock.now < patience {
        await delivery.deliver()
        if await !delivery.isDone { try await Task.sleep(for: .milliseconds(100)) }
      }
      unsent = await !delivery.isDone
    }
    try folder.write(
      ExitRecord(
        state: state, exitCode: nil, signal: nil, failure: failure, cost: cost(meter, measure),
        endedAt: clock.now(), unsent: unsent))
    return state == .finished ? 0 : 1
  }

  /// Asks until the daemon answers; nil if told to stop before it did.
  private func handshake(
    _ client: AssayClient, order: AttemptOrder, environment: Environment, gauge: Gauge
  ) async throws -> StartReply? {
    var pause = Duration.milliseconds(20)
    while !gauge.stop.load(ordering: .relaxed) {
      do {
        return try await client.startAttempt(
          order.attemptId,
          StartAttempt(protocolVersion: WorkerProtocol.version, environment: environment))
      } catch let error as ClientError {
        if case .api(_, let status) = error, status < 500 { throw error }
        try await Task.sleep(for: pause)
        pause = min(pause * 2, .seconds(1))
      }
    }
    return nil
  }

  private struct WorkResult: Sendable {
    var failure: (any Error)?
    var measure = TrainWork.Measure()
  }

  /// Does the job on a thread of its own.
  private func work(
    order: AttemptOrder, reply: StartReply, client: AssayClient, outbox: Outbox, gauge: Gauge,
    clock: WallClock
  ) async -> WorkResult {
    do {
      if gauge.stop.load(ordering: .relaxed) { throw TrainingError.stopped }
      let spec = try JobSpec.parse(order.spec)
      var checkpoint: SafetensorsFile?
      switch spec.work {
      case .train:
        if let epoch = reply.resumeEpoch {
          checkpoint = try await fetch(client, run: order.runId, .epoch(epoch), gauge: gauge)
        }
      case .evaluate(let evaluate):
        checkpoint = try await fetch(client, run: evaluate.run, evaluate.checkpoint, gauge: gauge)
      }
      let loaded = checkpoint
      return await withCheckedContinuation { continuation in
        let thread = Thread {
          var result = WorkResult()
          do {
            switch spec.work {
            case .train(let train):
              try TrainWork(
                spec: spec, train: train, clock: clock, outbox: outbox, gauge: gauge,
                resume: loaded, knownDataset: reply.datasetSha256
              ).run(measure: &result.measure)
            case .evaluate(let evaluate):
              guard let loaded else {
                throw WorkerError.checkpointUnusable("the run has no checkpoint")
              }
              try EvaluateWork(
                evaluate: evaluate, clock: clock, outbox: outbox, gauge: gauge, checkpoint: loaded
              ).run()
            }
          } catch {
            result.failure = error
          }
          continuation.resume(returning: result)
        }
        thread.name = "assay.training"
        thread.stackSize = 8 << 20
        thread.start()
      }
    } catch {
      return WorkResult(failure: error)
    }
  }

  /// A checkpoint's content; waits for a daemon that is away.
  private func fetch(
    _ client: AssayClient, run: Int64, _ choice: CheckpointChoice, gauge: Gauge
  ) async throws -> SafetensorsFile {
    while !gauge.stop.load(ordering: .relaxed) {
      do {
        return try SafetensorsFile(
          parsing: try await client.checkpointBytes(String(run), choice))
      } catch let error as ClientError {
        if case .api(_, let status) = error, status < 500 { throw error }
        try await Task.sleep(for: .milliseconds(200))
      }
    }
    throw TrainingError.stopped
  }

  private func cost(_ meter: CostMeter, _ measure: TrainWork.Measure) -> Cost {
    var cost = meter.read()
    if measure.seconds > 0 {
      cost.trainingSeconds = measure.seconds
      cost.stepsPerSecond = Double(measure.steps) / measure.seconds
      cost.samplesPerSecond = Double(measure.samples) / measure.seconds
      cost.flopsPerStep = measure.flopsPerStep
    }
    return cost
  }

  /// TERM and INT ask the work to stop at its next step.
  private func stopSignals(_ gauge: Gauge) -> [any DispatchSourceSignal] {
    [SIGTERM, SIGINT].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { gauge.stop.store(true, ordering: .relaxed) }
      source.resume()
      return source
    }
  }

  private static var versions: [String: String] {
    let numerics = NumericsFingerprint.current
    var versions = ["openblas": "\(numerics.openBLASVersion) \(numerics.coreName)"]
    versions["assay"] = AssayVersion.text
    versions["zstd"] = ZstdVersion.text
    return versions
  }
}
