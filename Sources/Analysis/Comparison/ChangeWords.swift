// A change and its limits in words, all with the same digits: in percent where the tolerance is a
// share of the reference, else in the metric's own unit.

import Experiments

struct ChangeWords {
  private let metric: String
  private let reference: Double
  private let matters: Double
  private let isRelative: Bool

  init(metric: String, reference: Double, matters: Double, tolerance: Tolerance) {
    self.metric = metric
    self.reference = reference
    self.matters = matters
    isRelative = reference != 0 && tolerance.relative * abs(reference) >= tolerance.absolute
  }

  /// `0.031 lower than the reference's 0.871`, `12.3 % higher than the reference's 29.0 µs`.
  func change(_ change: Double) -> String {
    let base =
      isRelative
      ? NumberText.value(reference, of: metric) : NumberText.fixed(reference, places: places)
    guard change != 0 else { return "unchanged at \(base)" }
    return "\(amount(abs(change))) \(change > 0 ? "higher" : "lower") than the reference's \(base)"
  }

  /// The smallest change that matters.
  var limit: String { amount(matters) }

  func amount(_ change: Double) -> String {
    isRelative
      ? NumberText.fixed(100 * change / abs(reference), places: 1) + " %"
      : NumberText.fixed(change, places: places)
  }

  private var places: Int { NumberText.places(toShow: matters, digits: 2) }
}
