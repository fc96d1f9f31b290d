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

  /// It ended by itself, with this result.
  func ended(_ id: Int64, _ record: ExitRecord, folder: AttemptFolder) async {
    if record.unsent { await keepOutput(id, folder) }
    await persistently("the end of attempt \(id)") {
      _ = try await store.endAttempt(
        id, state: record.state, failure: record.failure, exitCode: record.exitCode,
        cost: record.cost, endedAt: record.endedAt)
    }
  }

  /// It is gone without a result.
  func vanished(
    _ id: Int64, claimed: Bool, status: ExitStatus?, folder: AttemptFolder
  ) async {
    await keepOutput(id, folder)
    let how = status.map { " (\($0))" } ?? ""
    let failure = Failure(
      code: "worker_lost", message: "the worker ended without a result\(how)")
    await lost(id, failure, claimed: claimed)
  }

  /// Its worker could not be started. If one had begun all the same, it is dealt with as lost.
  func notStarted(_ id: Int64, folder: AttemptFolder, _ error: any Error) async {
    let failure = Failure(error)
    let claimed: Bool
    do {
      claimed = try folder.readClaim() == .claimed
    } catch {
      claimed = true
    }
    guard !claimed, !Self.passes(error) else {
      return await lost(id, failure, claimed: claimed)
    }
    await persistently("the end of attempt \(id)") {
      _ = try await store.endAttempt(
        id, state: .failed, failure: failure, exitCode: nil, cost: nil, endedAt: clock.now())
    }
  }

  private func lost(_ id: Int64, _ failure: Failure, claimed: Bool) async {
    let logger = logger
    await persistently("the loss of attempt \(id)") {
      let job = try await store.attemptLost(id, failure: failure) { situation in
        Self.decision(situation, failure, claimed: claimed)
      }
      logger.warning(
        "attempt \(id) of job \(job.id) was lost: \(failure.message)",
        metadata: ["job": "\(job.state.rawValue)"])
    }
  }

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
  private static func passes(_ error: any Error) -> Bool {
    guard let error = error as? JobsError else { return false }
    if error.code == "disk_full" { return true }
    if case .spawn(_, _, let number) = error { return number == EAGAIN || number == ENOMEM }
    return false
  }

  /// What the worker's process wrote and did not send is often the only trace of why it ended.
  private func keepOutput(_ id: Int64, _ folder: AttemptFolder) async {
    do {
      guard FileManager.default.fileExists(atPath: folder.outputPath) else { return }
      let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: folder.outputPath))
      defer { try? file.close() }  // only read
      var offset: Int64 = 0
      while offset < Limits.logBytesPerAttempt,
        let piece = try file.read(upToCount: Limits.logPieceBytes), !piece.isEmpty
      {
        // What is there already changes nothing.
        offset = try await store.appendLog(attempt: id, offset: offset, bytes: [UInt8](piece))
      }
    } catch {
      logger.warning("the output of attempt \(id) could not be kept: \(error)")
    }
  }

  private func persistently(_ what: String, _ write: () async throws -> Void) async {
    var pause = Duration.milliseconds(200)
    while true {
      do {
        return try await write()
      } catch let error as StoreError where Self.isOfTheMoment(error) {
        logger.error("\(what) cannot be written yet: \(error)")
        do {
          try await Task.sleep(for: pause)
        } catch {
          // The daemon stops; the next one finds the attempt as it is.
          return
        }
        pause = min(pause * 2, .seconds(10))
      } catch {
        return logger.error("\(what) cannot be written: \(error)")
      }
    }
  }

  private static func isOfTheMoment(_ error: StoreError) -> Bool {
    ["disk_full", "io_error", "database_busy"].contains(error.code)
  }
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
