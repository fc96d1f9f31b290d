// Takes the state at the end of each epoch from the training thread, hashes it on a thread of its
// own, and puts what is to be told of it into the outbox: the hash of every epoch, and the states
// that are kept. The training thread pays for a copy of the state, and waits only if this falls far
// behind.
import Checkpoints
import Dispatch
import Experiments
import Foundation
import Synchronization
import Training

final class EpochStates: Sendable {
  private let outbox: Outbox
  private let metadata: [String: String]
  private let policy: CheckpointPolicy
  private let queue = DispatchQueue(label: "assay.worker.states")
  /// States in work or waiting: two of any size, more while they are small.
  private static let capacity = 64 << 20
  // An NSCondition, since the training thread is a plain thread that must sleep while it is full.
  private let condition = NSCondition()
  private let pending = Mutex((count: 0, bytes: 0))
  private let failure = Mutex<CheckpointError?>(nil)
  /// The best epoch since the last one that was kept.
  private let waiting = Mutex<KeptState?>(nil)

  /// - Parameter metadata: what a checkpoint carries beside the state.
  init(outbox: Outbox, metadata: [String: String], policy: CheckpointPolicy) {
    self.outbox = outbox
    self.metadata = metadata
    self.policy = policy
  }

  /// - Parameters:
  ///   - isKept: whether it is one of the policy's epochs.
  ///   - isBest: whether it is the best epoch so far; it is kept with the next one that is.
  /// - Throws: what went wrong with an earlier state.
  func take(_ state: TrainingState, epoch: Int, step: Int64, isKept: Bool, isBest: Bool) throws {
    let bytes = state.tensors.reduce(0) { $0 + $1.bytes.count }
    enter(bytes)
    if let failure = failure.withLock({ $0 }) {
      leave(bytes)
      throw failure
    }
    queue.async { [self] in
      ThreadPriority.lower()
      defer { leave(bytes) }
      do throws(CheckpointError) {
        try record(state, epoch: epoch, step: step, isKept: isKept, isBest: isBest)
      } catch {
        failure.withLock { $0 = error }
      }
    }
  }

  private func enter(_ bytes: Int) {
    condition.lock()
    while pending.withLock({ $0.count >= 2 && $0.bytes + bytes > Self.capacity }) {
      condition.wait()
    }
    pending.withLock { $0 = ($0.count + 1, $0.bytes + bytes) }
    condition.unlock()
  }

  private func leave(_ bytes: Int) {
    condition.lock()
    pending.withLock { $0 = ($0.count - 1, $0.bytes - bytes) }
    condition.signal()
    condition.unlock()
  }

  /// Returns when all that was taken lies in the outbox, and with it the best epoch since the last
  /// that was kept.
  func finish() throws {
    queue.sync {}
    let best = waiting.withLock { waiting in
      defer { waiting = nil }
      return waiting
    }
    if let best { outbox.put(best, keepLast: policy.keepLast) }
    if let failure = failure.withLock({ $0 }) { throw failure }
  }

  private func record(
    _ state: TrainingState, epoch: Int, step: Int64, isKept: Bool, isBest: Bool
  ) throws(CheckpointError) {
    let metadata = state.metadata.merging(metadata) { own, _ in own }
    let whole = try CheckpointCoder.summary(tensors: state.tensors, metadata: metadata)
    let hashes = [EpochHash(epoch: epoch, step: step, sha256: whole.sha256)]
    // That of a state that is sent now goes with it, in one transaction.
    if !isKept { outbox.put(.epochs(hashes)) }
    guard isKept || isBest else { return }
    let kept = try KeptState(
      tensors: state.tensors, metadata: metadata, epoch: epoch, step: step, whole: whole,
      hashes: isKept ? hashes : [], isBest: isBest,
      keepsWhole: isKept && policy.wholeEvery.map { epoch.isMultiple(of: $0) } ?? false)
    // The state of the best epoch waits in memory until the next checkpoint is due, so that a run
    // which gets better every epoch is not kept every epoch.
    guard isKept else { return waiting.withLock { $0 = kept } }
    let best = waiting.withLock { waiting in
      defer { waiting = nil }
      return isBest ? nil : waiting
    }
    if let best { outbox.put(best, keepLast: policy.keepLast) }
    outbox.put(kept, keepLast: policy.keepLast)
  }
}
