// What the working thread shows of itself while it works: read by the reporter, written without
// locks at each step.
import Experiments
import Synchronization

final class Gauge: Sendable {
  let epoch = Atomic<Int>(0)
  let epochs = Atomic<Int>(0)
  let step = Atomic<Int>(0)
  let steps = Atomic<Int>(0)
  let samples = Atomic<Int>(0)
  /// Set by a signal or by the daemon's word: stop at the next step.
  let stop = Atomic<Bool>(false)
  /// A newer attempt has begun: say nothing any more.
  let fenced = Atomic<Bool>(false)

  func progress(samplesPerSecond: Double) -> Progress {
    Progress(
      epoch: epoch.load(ordering: .relaxed), epochs: epochs.load(ordering: .relaxed),
      step: step.load(ordering: .relaxed), steps: steps.load(ordering: .relaxed),
      samplesPerSecond: samplesPerSecond)
  }
}
