// What is known of a job while it is followed, updated by the events of its stream.

import Client
import Experiments
import Wire

struct FollowedJob: Sendable {
  private(set) var job: Job
  /// The newest values, `loss`, `val_loss`, …
  private(set) var metrics: [String: Double] = [:]
  private(set) var end: EndEvent?
  /// Where the progress stood when it was first seen, to tell the time left from.
  private var firstSeen: (step: Int, time: Timestamp)?

  init(_ job: Job) { self.job = job }

  mutating func take(_ event: FollowEvent, at now: Timestamp) {
    switch event {
    case .epoch(let event):
      metrics.merge(event.metrics) { $1 }
      take(event, at: now)
    case .progress(let event):
      let known = job
      job = event.job
      metrics.merge(event.metrics) { $1 }
      if job.attempts == known.attempts, let before = known.progress {
        keep(before)
      }
      guard let progress = job.progress else { break }
      // a resumed attempt begins at an earlier step again
      if progress.step < firstSeen?.step ?? .max { firstSeen = (progress.step, now) }
    case .end(let event):
      let before = job.progress
      job = event.job
      if let before { keep(before) }
      if let speed = event.run?.cost?.samplesPerSecond { job.progress?.samplesPerSecond = speed }
      end = event
    }
  }

  /// A short job tells its epochs before it ever reports its progress.
  private mutating func take(_ event: EpochEvent, at now: Timestamp) {
    let epoch = Int(event.epoch)
    let step = Int(event.step)
    guard epoch > 0, step >= 0, !job.state.isFinal else { return }
    job.state = .running
    if firstSeen == nil { firstSeen = (step, now) }
    if job.progress == nil {
      let epochs = max(epoch, job.spec["epochs"]?.intValue ?? epoch)
      let (steps, isTooMany) = (step / epoch).multipliedReportingOverflow(by: epochs)
      job.progress = Progress(
        epoch: epoch, epochs: epochs, step: step, steps: isTooMany ? step : max(step, steps),
        samplesPerSecond: 0)
    }
    job.progress?.epoch = epoch
    job.progress?.step = step
  }

  /// Reports are older than the epochs that came before them: the line does not go back.
  private mutating func keep(_ before: Progress) {
    guard let progress = job.progress else {
      job.progress = before
      return
    }
    guard progress.step < before.step else { return }
    job.progress?.step = before.step
    job.progress?.epoch = before.epoch
  }

  /// The job as it stood before it ended, its training complete if it finished.
  var asRunning: FollowedJob {
    var copy = self
    copy.job.state = .running
    if job.state == .finished, let progress = job.progress {
      copy.job.progress?.epoch = progress.epochs
      copy.job.progress?.step = progress.steps
    }
    return copy
  }

  /// Seconds until the training is done; nil while there is nothing to tell it from.
  func secondsLeft(at now: Timestamp) -> Double? {
    guard end == nil, job.state == .running, let progress = job.progress,
      progress.steps > progress.step
    else {
      return nil
    }
    let steps = Double(progress.steps - progress.step)
    if let firstSeen, progress.step > firstSeen.step {
      let seconds = now.seconds(since: firstSeen.time)
      if seconds > 0.5 { return steps * seconds / Double(progress.step - firstSeen.step) }
    }
    guard progress.samplesPerSecond > 0, let batchSize = job.spec["batch_size"]?.doubleValue else {
      return nil
    }
    return steps * batchSize / progress.samplesPerSecond
  }
}

/// Which metrics are shown where there is no room for all.
enum ChosenMetrics {
  private static let preferred = [
    "f1", "accuracy", "roc_auc", "r2", "mean_absolute_error", "precision", "recall",
  ]

  /// Of an epoch: the losses and the validation metric that says most.
  static func ofEpoch(_ metrics: [String: Double]) -> [String] {
    let best = preferred.first { metrics["val_" + $0] != nil }.map { "val_" + $0 }
    let own = best == nil ? preferred.first { metrics[$0] != nil } : nil
    return (["loss", "val_loss"] + [best, own].compactMap { $0 }).filter { metrics[$0] != nil }
  }

  /// Of a finished run: the two test metrics that say most, else its loss.
  static func ofResult(_ keys: Set<String>) -> [String] {
    for prefix in ["test_", "val_", ""] {
      let order = ["accuracy", "f1", "r2", "mean_absolute_error", "roc_auc", "loss"]
      let found = order.map { prefix + $0 }.filter { keys.contains($0) }
      if !found.isEmpty { return Array(found.prefix(2)) }
    }
    return []
  }
}
