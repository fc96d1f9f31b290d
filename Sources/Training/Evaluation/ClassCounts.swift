// Counts of right and wrong predictions per class, and the metrics made of them.

import Experiments

struct ClassCounts {
  private var rows: Int
  private var right = 0
  /// Per class: predicted and true, predicted, true.
  private var hits: [Int]
  private var predicted: [Int]
  private var actual: [Int]

  /// The predicted class is the one with the greatest score, the first of equals. With one output
  /// it is 1 if the score is above one half, as for Keras' `BinaryAccuracy`. NaN is never above
  /// anything, so a row of NaN counts as class 0.
  init(scores: UnsafeBufferPointer<Float>, outputs: Int, classIndexes: [Int32]) {
    let classes = max(outputs, 2)
    rows = classIndexes.count
    hits = [Int](repeating: 0, count: classes)
    predicted = hits
    actual = hits
    assert(scores.count == rows * outputs)
    for row in 0..<rows {
      var prediction = 0
      if outputs == 1 {
        prediction = scores[row] > 0.5 ? 1 : 0
      } else {
        var best = -Float.infinity
        for output in 0..<outputs where scores[row * outputs + output] > best {
          best = scores[row * outputs + output]
          prediction = output
        }
      }
      let label = Int(classIndexes[row])
      predicted[prediction] += 1
      actual[label] += 1
      if prediction == label {
        hits[label] += 1
        right += 1
      }
    }
  }

  func value(of name: MetricName) -> Double {
    guard rows > 0 else { return .nan }
    if name == .accuracy { return Double(right) / Double(rows) }
    if hits.count == 2 { return value(of: name, class: 1) }
    let present = hits.indices.filter { predicted[$0] + actual[$0] > 0 }
    return present.reduce(0) { $0 + value(of: name, class: $1) } / Double(present.count)
  }

  private func value(of name: MetricName, class index: Int) -> Double {
    let whole =
      switch name {
      case .precision: 2 * predicted[index]
      case .recall: 2 * actual[index]
      default: predicted[index] + actual[index]
      }
    return whole == 0 ? 0 : Double(2 * hits[index]) / Double(whole)
  }
}
