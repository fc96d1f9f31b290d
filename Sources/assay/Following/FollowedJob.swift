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
    case .progress(let event):
      job = event.job
      metrics.merge(event.metrics) { $1 }
      guard let progress = job.progress else { break }
      // a resumed attempt begins at an earlier step again
      if progress.step < firstSeen?.step ?? .max { firstSeen = (progress.step, now) }
    case .end(let event):
      job = event.job
      end = event
    }
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
