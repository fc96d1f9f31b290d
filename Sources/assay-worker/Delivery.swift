// Sends a worker's parcels, log and progress to the daemon, in order, each at least once (the
// daemon takes repeats as nothing new). While the daemon is away the parcels go to the spool.
import Checkpoints
import Client
import Dispatch
import Experiments
import Foundation
import Jobs
import Synchronization
import Wire

actor Delivery {
  private let client: AssayClient
  private let attempt: Int64
  private let outbox: Outbox
  private let gauge: Gauge
  private let outputPath: String
  private let cost: @Sendable () -> Cost
  private var spool: Spool
  private var logOffset: Int64 = 0
  private var lastRate = (time: ContinuousClock.now, samples: 0, value: 0.0)
  private var sending: Task<Void, Never>?
  /// What made delivery impossible for good, if anything: nothing more can be recorded.
  private(set) var refusal: ErrorBody?
  // Compression is CPU work: never on the cooperative pool.
  private let coding = DispatchQueue(label: "assay.worker.coding")

  init(
    client: AssayClient, attempt: Int64, outbox: Outbox, gauge: Gauge, folder: AttemptFolder,
    cost: @escaping @Sendable () -> Cost
  ) throws {
    self.client = client
    self.attempt = attempt
    self.outbox = outbox
    self.gauge = gauge
    self.outputPath = folder.outputPath
    self.cost = cost
    self.spool = try Spool(folder: folder.spoolPath)
  }

  /// Whether everything that was put into the outbox has been acknowledged.
  var isDone: Bool { outbox.isEmpty && spool.isEmpty }

  /// Sends what comes until cancelled; progress and log at least twice a second.
  func run() async {
    let ticks = Task { [gauge] in
      while !Task.isCancelled {
        try? await Task.sleep(for: .milliseconds(400))  // a cancelled sleep ends the loop
        if !gauge.fenced.load(ordering: .relaxed) { await self.tick() }
      }
    }
    defer { ticks.cancel() }
    for await _ in outbox.arrivals {
      if Task.isCancelled { return }
      await deliver()
    }
  }

  /// Sends all that waits now. Returns when it is sent, or when the daemon is away and all of it
  /// lies in the spool.
  func deliver() async {
    // One at a time: an actor lets others in at each await, and two senders of the same parcel
    // would each take one off the list.
    while let sending { await sending.value }
    let task = Task { await self.sendAll() }
    sending = task
    await task.value
  }

  private func sendAll() async {
    defer { sending = nil }
    guard refusal == nil else { return outbox.abandon() }
    do {
      while let parcel = try spool.first() {
        try await send(parcel)
        try spool.removeFirst()
      }
      while let parcel = outbox.first {
        try await send(parcel)
        outbox.removeFirst()
      }
    } catch let error as ClientError {
      handle(error)
    } catch {
      refuse(ErrorBody(code: "delivery_failed", message: "\(error)"))
    }
  }

  private func handle(_ error: ClientError) {
    switch error {
    case .api(let body, _) where body.code == "attempt_fenced" || body.code == "attempt_not_found":
      gauge.fenced.store(true, ordering: .relaxed)
      refuse(body)
    case .api(let body, let status) where status < 500 && status != 429:
      refuse(body)
    default:
      spoolAll()
    }
  }

  private func refuse(_ body: ErrorBody) {
    refusal = body
    gauge.stop.store(true, ordering: .relaxed)
    outbox.abandon()
    WorkerLog.write("the daemon refuses this attempt's records: \(body.code): \(body.message)")
  }

  private func spoolAll() {
    do {
      while let parcel = outbox.first {
        try spool.append(parcel)
        outbox.removeFirst()
      }
    } catch {
      // The disk is full or gone. The parcels stay in memory, where the outbox's bound makes the
      // working thread wait rather than lose anything.
      WorkerLog.write("records cannot be kept in the spool for now: \(error)")
    }
  }

  private func send(_ parcel: Parcel) async throws {
    switch parcel {
    case .dataset(let info): try await client.sendDataset(attempt, info)
    case .metrics(let points):
      for start in stride(from: 0, to: points.count, by: Limits.pointsPerRequest) {
        let end = min(start + Limits.pointsPerRequest, points.count)
        try await client.sendMetrics(
          attempt, MetricsBatch(points: Array(points[start..<end])))
      }
    case .state(let tensors, let metadata, let epoch, let step):
      let encoded = try await offPool {
        try CheckpointCoder.encode(tensors: tensors, metadata: metadata, epoch: epoch, step: step)
      }
      try await send(.checkpoint(encoded.manifest, encoded.chunks))
    case .checkpoint(let manifest, let chunks):
      try await send(chunks)
      _ = try await client.addCheckpoint(attempt, manifest)
    case .artifact(let manifest, let chunks):
      try await send(chunks)
      _ = try await client.addArtifact(attempt, manifest)
    case .finish(let finish):
      await sendLog()
      _ = try await client.finishAttempt(attempt, finish)
    }
  }

  private func send(_ chunks: [EncodedChunk]) async throws {
    let missing = Set(
      try await client.missingChunks(attempt, chunks.map(\.sha256)))
    for chunk in chunks where missing.contains(chunk.sha256) {
      try await client.putChunk(
        attempt, sha256: chunk.sha256, rawBytes: chunk.rawBytes, codec: chunk.codec,
        stored: chunk.stored)
    }
  }

  private func offPool<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      coding.async { continuation.resume(with: Result { try work() }) }
    }
  }

  private func tick() async {
    guard refusal == nil else { return }
    if !isDone { await deliver() }
    await sendLog()
    let samples = gauge.samples.load(ordering: .relaxed)
    let now = ContinuousClock.now
    let seconds = (now - lastRate.time) / .seconds(1)
    if samples > lastRate.samples, seconds > 0 {
      lastRate = (now, samples, Double(samples - lastRate.samples) / seconds)
    }
    do {
      try await client.sendProgress(
        attempt,
        ProgressReport(progress: gauge.progress(samplesPerSecond: lastRate.value), cost: cost()))
    } catch let error as ClientError {
      // Progress is of the moment: an undelivered one is not worth keeping, a fence is.
      if case .api = error { handle(error) }
    } catch {
      WorkerLog.write("progress was not sent: \(error)")
    }
  }

  /// Sends what the output file has beyond what was sent.
  func sendLog() async {
    guard refusal == nil else { return }
    do {
      let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: outputPath))
      defer { try? file.close() }  // read only: nothing can be lost by a failing close
      try file.seek(toOffset: UInt64(logOffset))
      while let piece = try file.read(upToCount: Limits.logPieceBytes), !piece.isEmpty {
        logOffset = try await client.sendLog(
          attempt, offset: logOffset, [UInt8](piece))
      }
    } catch {
      // The output file stays; what is unsent of it is sent by a later call or read by assayd.
      return
    }
  }
}

/// The worker's own words: lines on standard error, which is the attempt's output file.
enum WorkerLog {
  static func write(_ text: String) {
    let line = "\(Self.now()) \(text)\n"
    FileHandle.standardError.write(Data(line.utf8))
  }

  private static func now() -> String {
    Date().formatted(.iso8601)
  }
}
