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
  /// Errors of the daemon that asking again does not mend.
  private static let stays = ["checkpoint_damaged", "database_damaged", "internal"]

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
          ExitRecord(
            state: .cancelled, exitCode: nil, signal: nil, failure: nil,
            cost: cost(meter, measure), endedAt: clock.now(), unsent: false),
          delivery: nil, outbox: nil, gauge: gauge)
      }

      let outbox = Outbox()
      let delivery = try Delivery(
        client: client, attempt: order.attemptId, outbox: outbox, gauge: gauge, folder: folder,
        keepLast: Self.keepLast(order.spec), cost: { meter.read() })
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
      await delivery.finish(
        FinishAttempt(
          state: state, failure: failure, exitCode: nil, cost: cost(meter, measure),
          endedAt: clock.now()))
      return try await end(
        ExitRecord(
          state: state, exitCode: nil, signal: nil, failure: failure, cost: cost(meter, measure),
          endedAt: clock.now(), unsent: false),
        delivery: delivery, outbox: outbox, gauge: gauge)
    } catch ClientError.api(let body, _)
      where body.code == "attempt_fenced" || body.code == "attempt_not_found"
    {
      WorkerLog.write("\(body.code): \(body.message)")
      return Self.fencedStatus
    } catch {
      // Refused at the door for another reason, such as another protocol.
      let failure = Failures.describe(error)
      WorkerLog.write("\(failure.code): \(failure.message)")
      return try await end(
        ExitRecord(
          state: .failed, exitCode: nil, signal: nil, failure: failure,
          cost: cost(meter, measure), endedAt: clock.now(), unsent: false),
        delivery: nil, outbox: nil, gauge: gauge)
    }
  }

  /// How many of the newest epochs are kept. (A spec that cannot be read fails later, with words.)
  private static func keepLast(_ spec: JSONValue) -> Int? {
    guard case .train(let train)? = try? JobSpec.parse(spec).work else { return nil }
    return train.checkpoints.keepLast
  }

  /// Sees to it that all that was recorded is acknowledged or lies in the spool, and then writes
  /// the exit record: whoever finds that may rely on it.
  private func end(
    _ record: ExitRecord, delivery: Delivery?, outbox: Outbox?, gauge: Gauge
  ) async throws -> Int32 {
    var record = record
    if let delivery, let outbox {
      let patience = ContinuousClock.now + Self.patience
      while await delivery.refusal == nil {
        await delivery.deliver()
        if await delivery.isDone { break }
        let isSafe = outbox.isEmpty
        if isSafe, await delivery.isLate() || ContinuousClock.now > patience { break }
        try await Task.sleep(for: isSafe ? .milliseconds(100) : .seconds(1))
      }
      if gauge.fenced.load(ordering: .relaxed) { return Self.fencedStatus }
      if let refusal = await delivery.refusal {
        record.state = .failed
        record.failure = Failure(code: refusal.code, message: refusal.message)
      } else {
        record.unsent = await !delivery.isDone
      }
    }
    while true {
      do {
        try folder.write(record)
        break
      } catch {
        WorkerLog.write("the exit record cannot be written: \(error.message)")
        // The daemon has acknowledged the end already, or needs this file to know of it.
        if let delivery, await delivery.refusal == nil, !record.unsent { break }
        try await Task.sleep(for: .seconds(1))
      }
    }
    return record.state == .finished ? 0 : 1
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
      var earlier: [Double] = []
      switch spec.work {
      case .train(let train):
        if let epoch = reply.resumeEpoch {
          checkpoint = try await fetch(client, run: order.runId, .epoch(epoch), gauge: gauge)
          earlier = try await values(
            of: train.checkpoints.best, until: epoch, run: order.runId, client, gauge: gauge)
        }
      case .command: throw WorkerError.unsupportedKind(.command)
      case .evaluate(let evaluate):
        // Of another run, for which the attempt's token is not good.
        checkpoint = try await AssayClient.with(socketPath: order.socketPath) { reader in
          try await fetch(reader, run: evaluate.run, evaluate.checkpoint, gauge: gauge)
        }
      }
      let loaded = checkpoint
      let earlierValues = earlier
      return await withCheckedContinuation { continuation in
        let thread = Thread {
          var result = WorkResult()
          do {
            switch spec.work {
            case .command: throw WorkerError.unsupportedKind(.command)
            case .train(let train):
              try TrainWork(
                spec: spec, train: train, clock: clock, outbox: outbox, gauge: gauge,
                resume: loaded, earlierValues: earlierValues, knownDataset: reply.datasetSha256
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
        if case .api(let body, let status) = error, status < 500 || Self.stays.contains(body.code) {
          throw error
        }
        try await Task.sleep(for: .milliseconds(200))
      }
    }
    throw TrainingError.stopped
  }

  /// What a metric was in the epochs up to the one that is resumed from.
  private func values(
    of metric: String, until epoch: Int, run: Int64, _ client: AssayClient, gauge: Gauge
  ) async throws -> [Double] {
    while !gauge.stop.load(ordering: .relaxed) {
      do {
        let history = try await client.history(String(run), key: metric)
        return zip(history.epochs, history.values).compactMap { at, value in
          at.map { $0 <= Int64(epoch) } ?? false ? value : nil
        }
      } catch ClientError.api(let body, _) where body.code == "metric_not_found" {
        return []
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
