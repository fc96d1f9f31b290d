// Which way a metric gets better, told from its name unless a policy says otherwise.

package enum MetricDirection: String, Sendable, Codable, CaseIterable {
  case higher, lower, none

  /// The direction that the name suggests: `val_f1` is better higher, `test_loss` lower. The
  /// prefixes `val_` and `test_` do not matter.
  package init(metric name: String) {
    var base = Substring(name.lowercased())
    for prefix in ["val_", "test_", "train_"] where base.hasPrefix(prefix) {
      base = base.dropFirst(prefix.count)
    }
    let higher = [
      "accuracy", "precision", "recall", "f1", "auc", "r2", "samples_per_second",
      "steps_per_second", "throughput",
    ]
    let lower = ["loss", "error", "time", "rss", "latency", "seconds", "bytes"]
    // Whole words between the underscores: `sentiment` is no time.
    let words = base.split { !$0.isLetter && !$0.isNumber }
    if higher.contains(where: { base.hasSuffix($0) }) {
      self = .higher
    } else if words.contains(where: { lower.contains(String($0)) }) {
      self = .lower
    } else {
      self = .none
    }
  }
}
