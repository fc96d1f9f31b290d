// Sends a worker's parcels, log and progress to the daemon, in order, each at least once (the
// daemon takes repeats as nothing new). While the daemon is away, or cannot write, the parcels go to
// the spool.
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
  // Touched by the one sender alone.
  private var spool: Spool
  private var sequence: CheckpointSequence
  private var sending: Task<Void, Never>?
  private var isFinishing = false
  private var logOffset: Int64 = 0
  /// When the wish to stop was first noticed.
  private var stopSeen: ContinuousClock.Instant?
  /// Half of what a worker is given before it is killed.
  private static let stopPatience: Duration = .seconds(5)
  private var lastRate = (time: ContinuousClock.now, samples: 0, value: 0.0)
  /// What made delivery impossible for good, if anything: nothing more can be recorded.
  private(set) var refusal: ErrorBody?
  // Compression and the spool's syncs never run on the cooperative pool.
  private let slowWork = DispatchQueue(label: "assay.worker.delivery")

  init(
    client: AssayClient, attempt: Int64, outbox: Outbox, gauge: Gauge, folder: AttemptFolder,
    keepLast: Int? = nil, cost: @escaping @Sendable () -> Cost
  ) throws {
    self.client = client
    self.attempt = attempt
    self.outbox = outbox
    self.gauge = gauge
    self.outputPath = folder.outputPath
    self.cost = cost
    self.sequence = CheckpointSequence(keepLast: keepLast)
    self.spool = try Spool(folder: folder.spoolPath, keepLast: keepLast)
  }

  /// Whether everything that was put into the outbox has been acknowledged.
  var isDone: Bool { outbox.isEmpty && spool.isEmpty }

  /// Whether the attempt was told to stop so long ago that what still waits is better kept on disk
  /// than sent: whoever stops a worker kills it if that takes too long, and with it all that waits in
  /// memory. The daemon sends it then.
  func isLate() -> Bool {
    guard gauge.stop.load(ordering: .relaxed) else { return false }
    let now = ContinuousClock.now
    let since = stopSeen ?? now
    stopSeen = since
    return now - since > Self.stopPatience
  }

  /// Sends what comes until cancelled; progress and log at least twice a second.
  func run() async {
    let ticks = Task {
      while !Task.isCancelled {
        try? await Task.sleep(for: .milliseconds(400))  // a cancelled sleep ends the loop
        await self.tick()
      }
    }
    defer { ticks.cancel() }
    for await _ in outbox.arrivals {
      if Task.isCancelled { return }
      await deliver()
    }
  }

  /// Puts the attempt's end after everything else; from now on no progress is told.
  func finish(_ finish: FinishAttempt) {
    isFinishing = true
    outbox.putAtOnce(.finish(finish))
  }

  /// Sends all that waits now. Returns when it is sent, when it lies in the spool because the daemon
  /// is away, or when even that cannot be had and it waits in memory.
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
      while !isLate(), let parcel = try await fromSpool() {
        try await sendOrLeaveOut(parcel)
        try spool.removeFirst()
      }
      while !isLate(), let next = outbox.next() {
        for parcel in next.parcels { try await sendOrLeaveOut(parcel) }
        outbox.remove(through: next.through)
      }
      if isLate() { await spoolAll() }
    } catch {
      await handle(error)
    }
  }

  private func handle(_ error: any Error) async {
    switch error {
    case ClientError.api(let body, _) where Self.isFence(body):
      gauge.fenced.store(true, ordering: .relaxed)
      refuse(body)
    case ClientError.api(let body, let status) where Self.isFinal(status):
      refuse(body)
    case WorkerError.damagedSpool, is CheckpointError:
      let failure = Failures.describe(error)
      refuse(ErrorBody(code: failure.code, message: failure.message))
    default:
      // The daemon is away, slow, or has no room on its disk: later.
      await spoolAll()
    }
  }

  private static func isFence(_ body: ErrorBody) -> Bool {
    body.code == "attempt_fenced" || body.code == "attempt_not_found"
  }

  /// Whether the same request would be answered the same again.
  private static func isFinal(_ status: Int) -> Bool {
    (400..<500).contains(status) && status != 408 && status != 429
  }

  private func refuse(_ body: ErrorBody) {
    refusal = body
    gauge.stop.store(true, ordering: .relaxed)
    outbox.abandon()
    WorkerLog.write("the daemon refuses this attempt's records: \(body.code): \(body.message)")
  }

  private func spoolAll() async {
    // What is kept in the spool is no base for what is sent before it.
    sequence.reset()
    do {
      while let next = outbox.next() {
        let before = spool
        spool = try await offPool {
          var after = before
          for parcel in next.parcels { try after.append(parcel) }
          return after
        }
        outbox.remove(through: next.through)
      }
    } catch {
      // The disk is full or gone. The parcels stay in memory, where the outbox's bound makes the
      // working thread wait rather than lose anything.
      WorkerLog.write("records cannot be kept in the spool for now: \(error)")
    }
  }

  private func fromSpool() async throws -> Parcel? {
    guard !spool.isEmpty else { return nil }
    let spool = spool
    return try await offPool { try spool.first() }
  }

  /// Content for which the store's size leaves no room is left out: the run goes on, and so does
  /// all else that it records. The daemon marks the run, and the log says what is missing.
  private func sendOrLeaveOut(_ parcel: Parcel) async throws {
    do {
      try await send(parcel)
    } catch ClientError.api(let body, _) where body.code == "quota_exceeded" {
      WorkerLog.write("\(parcel.name) is not kept: \(body.code): \(body.message)")
      switch parcel {
      case .state(let state): try await send(.epochs(state.hashes))
      case .checkpoint(_, _, let hashes): try await send(.epochs(hashes))
      default: break
      }
    }
  }

  private func send(_ parcel: Parcel) async throws {
    switch parcel {
    case .dataset(let info): try await client.sendDataset(attempt, info)
    case .metrics(let points):
      // (None are left of a state that need not be sent.)
      for start in stride(from: 0, to: points.count, by: Limits.pointsPerRequest) {
        let end = min(start + Limits.pointsPerRequest, points.count)
        try await client.appendMetrics(
          attempt: attempt, PointsBody(points: Array(points[start..<end])))
      }
    case .state(let state): try await send(state)
    case .epochs(let hashes):
      if !hashes.isEmpty { try await client.sendEpochHashes(attempt, hashes) }
    case .checkpoint(let manifest, let chunks, let hashes):
      try await send(chunks, checkpoint: manifest, hashes)
    case .artifact(let manifest, let chunks):
      try await send(chunks) { try await client.addArtifact(attempt, manifest) }
    case .finish(let finish):
      try await sendLog()
      // What is shown of an ended run is where it ended. (A flush knows nothing of it.)
      if gauge.steps.load(ordering: .relaxed) > 0 {
        let rate = finish.cost.samplesPerSecond ?? 0
        try await client.sendProgress(
          attempt,
          ProgressReport(progress: gauge.progress(samplesPerSecond: rate), cost: finish.cost))
      }
      try await client.finishAttempt(attempt, finish)
    }
  }

  /// Sends a state as differences to earlier ones, or whole if the daemon cannot use those: the base
  /// may be gone with a run that had it too, be damaged, or be far from a whole chunk there.
  private func send(_ state: KeptState) async throws {
    do {
      try await send(state, after: sequence, isWhole: false)
    } catch ClientError.api(let body, _) where Self.needsWhole.contains(body.code) {
      sequence.reset()
      try await send(state, after: sequence, isWhole: true)
    }
  }

  private static let needsWhole = ["chunk_missing", "chunk_chain_too_long", "chunk_damaged"]

  private func send(
    _ state: KeptState, after before: CheckpointSequence, isWhole: Bool
  ) async throws {
    let (sequence, manifest, chunks) = try await offPool {
      var sequence = before
      let encoded = try state.encoded(by: &sequence)
      return (sequence, encoded.manifest, encoded.chunks)
    }
    // Chunks that equal their base's are not in the list: if one is missing, sending the list again
    // does not help.
    try await send(
      chunks, checkpoint: manifest, state.hashes, attempts: isWhole ? Self.attempts : 1)
    self.sequence = sequence
  }

  /// How often chunks are sent that seem to be gone before they are named.
  private static let attempts = 20
  /// Stored bytes of chunks that are sent in one request.
  private static let bytesTogether = 8 << 20

  /// Sends the chunks and makes them a checkpoint: in one request, and so in one transaction, unless
  /// they are many; then in several, without those that the daemon has.
  private func send(
    _ chunks: [EncodedChunk], checkpoint manifest: CheckpointManifest, _ hashes: [EpochHash],
    attempts: Int = Delivery.attempts
  ) async throws {
    guard chunks.reduce(0, { $0 + $1.stored.count }) > Self.bytesTogether else {
      return try await client.addContent(attempt, chunks, checkpoint: manifest, epochs: hashes)
    }
    try await send(chunks, attempts: attempts) {
      try await client.addContent(attempt, [], checkpoint: manifest, epochs: hashes)
    }
  }

  /// Uploads the chunks that the daemon does not have and names them all. A chunk that was there
  /// because of another run may have gone with it in between: then it is uploaded after all.
  private func send(
    _ chunks: [EncodedChunk], attempts: Int = Delivery.attempts,
    naming name: () async throws -> Void
  ) async throws {
    for number in 1...attempts {
      let missing = Set(try await client.missingChunks(attempt, chunks.map(\.sha256)))
      var waiting: [EncodedChunk] = []
      var bytes = 0
      for chunk in chunks where missing.contains(chunk.sha256) {
        if bytes + chunk.stored.count > Self.bytesTogether {
          try await client.addContent(attempt, waiting, checkpoint: nil)
          (waiting, bytes) = ([], 0)
        }
        waiting.append(chunk)
        bytes += chunk.stored.count
      }
      if !waiting.isEmpty { try await client.addContent(attempt, waiting, checkpoint: nil) }
      do {
        return try await name()
      } catch ClientError.api(let body, _) where body.code == "chunk_missing" && number < attempts {
        continue
      }
    }
    throw ClientError.timedOut("for chunks that stay")
  }

  private func offPool<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      slowWork.async {
        ThreadPriority.lower()
        continuation.resume(with: Result { try work() })
      }
    }
  }

  private func tick() async {
    _ = isLate()  // the clock runs from here on
    guard refusal == nil, !isFinishing else { return }
    // Not awaited: a backlog must not keep log and progress back.
    if sending == nil, !isDone { Task { await self.deliver() } }
    let samples = gauge.samples.load(ordering: .relaxed)
    let now = ContinuousClock.now
    let seconds = (now - lastRate.time) / .seconds(1)
    if samples > lastRate.samples, seconds > 0 {
      lastRate = (now, samples, Double(samples - lastRate.samples) / seconds)
    }
    do {
      try await sendLog()
      guard !isFinishing else { return }
      try await client.sendProgress(
        attempt,
        ProgressReport(progress: gauge.progress(samplesPerSecond: lastRate.value), cost: cost()))
    } catch ClientError.api(let body, _) where Self.isFence(body) && !isFinishing {
      gauge.fenced.store(true, ordering: .relaxed)
      refuse(body)
    } catch {
      // Progress is of the moment, and what is unsent of the log is sent by a later call.
    }
  }

  /// Sends what the output file has beyond what was sent.
  private func sendLog() async throws {
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: outputPath))
    defer { try? file.close() }  // read only: nothing can be lost by a failing close
    var offset = logOffset
    while true {
      // The daemon may know more of it than was sent from here.
      try file.seek(toOffset: UInt64(offset))
      guard let piece = try file.read(upToCount: Limits.logPieceBytes), !piece.isEmpty else {
        break
      }
      offset = try await client.sendLog(attempt, offset: offset, [UInt8](piece))
    }
    logOffset = max(logOffset, offset)
  }
}
