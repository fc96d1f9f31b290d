// Writes the end of an attempt into the store. A full disk only delays it: what happened stays true
// and is written when there is room.

import Experiments
import Foundation
import Jobs
import Logging
import Store

struct AttemptEnds: Sendable {
  let store: Store
  let clock: WallClock
  let logger: Logger
  private let files = BlockingQueue("assay.attempt-output")

  init(store: Store, clock: WallClock, logger: Logger) {
    self.store = store
    self.clock = clock
    self.logger = logger
  }

  // Each of these answers whether the store knows all there is to know: only then may the attempt's
  // folder go.

  /// It ended by itself, with this result.
  func ended(_ id: Int64, _ record: ExitRecord, folder: AttemptFolder) async -> Bool {
    guard await keepOutput(id, folder) else { return false }
    return await persistently("the end of attempt \(id)") {
      _ = try await store.endAttempt(
        id, state: record.state, failure: record.failure, exitCode: record.exitCode,
        cost: record.cost, endedAt: record.endedAt, unasked: Self.stopped)
    }
  }

  /// It ended by itself, and the store takes no more of its records, which are kept at `path`.
  func refused(
    _ id: Int64, _ record: ExitRecord, folder: AttemptFolder, keptAt path: String
  ) async -> Bool {
    var record = record
    if record.failure == nil {
      record.failure = Failure(
        code: "records_refused",
        message: "the attempt ended \(record.state.rawValue), but records of it were refused; "
          + "they are kept in \(path)")
      record.state = .failed
    }
    return await ended(id, record, folder: folder)
  }

  /// It is gone without a result.
  func vanished(
    _ id: Int64, claimed: Bool, status: ExitStatus?, folder: AttemptFolder
  ) async -> Bool {
    guard await keepOutput(id, folder) else { return false }
    let how = status.map { " (\($0))" } ?? ""
    let failure = Failure(
      code: "worker_lost", message: "the worker ended without a result\(how)")
    // A database from a backup knows attempts whose folders it has not: one that had told that it
    // began has done something.
    let hasFolder = FileManager.default.fileExists(atPath: folder.path)
    return await lost(id, failure) {
      Self.decision($0, failure, claimed: claimed || !hasFolder && $0.started)
    }
  }

  /// Its worker could not be started. If one had begun all the same, it is dealt with as lost.
  func notStarted(_ id: Int64, folder: AttemptFolder, _ error: any Error) async -> Bool {
    let failure = Failure(error)
    let claimed: Bool
    do {
      claimed = try folder.readClaim() == .claimed
    } catch {
      claimed = true
    }
    if claimed {
      guard await keepOutput(id, folder) else { return false }
      return await lost(id, failure) { Self.decision($0, failure, claimed: true) }
    }
    // What the machine lacks says nothing about the job.
    if Self.passes(error) { return await lost(id, failure, counts: false) { _ in .resumeSameRun } }
    return await persistently("the end of attempt \(id)") {
      _ = try await store.endAttempt(
        id, state: .failed, failure: failure, exitCode: nil, cost: nil, endedAt: clock.now())
    }
  }

  /// Whether the end of an attempt is still to come. If that cannot be told, it is.
  func isActive(_ id: Int64) async -> Bool {
    do {
      return try await store.activeAttempts().contains { $0.attempt.id == id }
    } catch {
      logger.error("the attempts cannot be read: \(error)")
      return true
    }
  }

  private func lost(
    _ id: Int64, _ failure: Failure, counts: Bool = true,
    decide: @escaping @Sendable (Store.LostSituation) -> Store.LostDecision
  ) async -> Bool {
    await persistently("the loss of attempt \(id)") {
      let job = try await store.attemptLost(id, failure: failure, counts: counts, decide: decide)
      logger.warning(
        "attempt \(id) of job \(job.id) was lost: \(failure.message)",
        metadata: ["job": "\(job.state.rawValue)"])
    }
  }

  /// For a worker that was told to stop by somebody else: the job goes on as its policy says.
  static let stopped: Store.UnaskedStop = {
    let failure = Failure(
      code: "worker_stopped",
      message: "the worker was told to stop (SIGTERM), and nobody had cancelled the job")
    return Store.UnaskedStop(failure: failure) { decision($0, failure, claimed: true) }
  }()

  static func decision(
    _ situation: Store.LostSituation, _ failure: Failure, claimed: Bool
  ) -> Store.LostDecision {
    let next = QueuePolicy.afterLost(
      policy: situation.policy, consecutiveLostWithoutProgress: situation.lostWithoutProgress,
      hasCheckpoint: situation.hasCheckpoint, claimed: claimed)
    return switch next {
    case .resume: .resumeSameRun
    case .requeue: .newRun
    case .fail: .fail(failure)
    case .lost: .lost(failure)
    }
  }

  /// Whether the machine lacks something now that it may have later.
  static func passes(_ error: any Error) -> Bool {
    guard let error = error as? JobsError else { return false }
    if error.code == "disk_full" { return true }
    if case .spawn(_, _, let number) = error { return number == EAGAIN || number == ENOMEM }
    return false
  }

  /// What the worker's process wrote and did not send is often the only trace of why it ended.
  /// False if the store could not take it.
  func keepOutput(_ id: Int64, _ folder: AttemptFolder) async -> Bool {
    await persistently("the output of attempt \(id)") {
      var offset: Int64 = 0
      // One byte more than is kept tells that there was more.
      while offset <= Limits.logBytesPerAttempt {
        let piece = await output(of: id, folder, from: offset)
        guard !piece.isEmpty else { return }
        // What is there already changes nothing, and the answer leads beyond it.
        offset = try await store.appendLog(
          attempt: id, offset: offset, bytes: piece, evenEnded: true)
      }
    }
  }

  /// Empty also if the file cannot be read, which must not hold up the end.
  private func output(of id: Int64, _ folder: AttemptFolder, from offset: Int64) async -> [UInt8] {
    do {
      return try await files.run {
        guard FileManager.default.fileExists(atPath: folder.outputPath) else { return [] }
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: folder.outputPath))
        defer { try? file.close() }  // only read
        try file.seek(toOffset: UInt64(offset))
        return [UInt8](try file.read(upToCount: Limits.logPieceBytes) ?? Data())
      }
    } catch {
      logger.warning("the output of attempt \(id) cannot be read: \(error)")
      return []
    }
  }

  private func persistently(_ what: String, _ write: () async throws -> Void) async -> Bool {
    var pause = Duration.milliseconds(200)
    while true {
      do {
        try await write()
        return true
      } catch StoreError.attemptNotFound {
        // There is nothing that could be ended.
        return true
      } catch let error as StoreError where error.isOfTheMoment {
        logger.error("\(what) cannot be written yet: \(error)")
        do {
          try await Task.sleep(for: pause)
        } catch {
          // The daemon stops; the next one finds the attempt as it is.
          return false
        }
        pause = min(pause * 2, .seconds(10))
      } catch {
        logger.error("\(what) cannot be written: \(error)")
        return false
      }
    }
  }
}

extension StoreError {
  /// Whether the same may succeed later.
  var isOfTheMoment: Bool { ["disk_full", "io_error", "database_busy"].contains(code) }
}

extension Failure {
  init(_ error: any Error) {
    switch error {
    case let error as JobsError: self.init(code: error.code, message: error.message)
    case let error as StoreError: self.init(code: error.code, message: error.message)
    default: self.init(code: "internal", message: "\(error)")
    }
  }
}
