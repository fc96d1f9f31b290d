// Metrics of predictions as scikit-learn defines them, edge cases included. Losses are not here:
// they belong to the training.

package import Experiments

package enum EvaluationMetrics {
  /// The metrics by name, in the order of `names`. Without any row all of them are NaN.
  ///
  /// Two classes: precision, recall and F1 are those of class 1. More: unweighted means over the
  /// classes that occur in the labels or predictions, with 0 for a quotient by 0.
  /// - Parameters:
  ///   - scores: [rows, outputs] row-major: the probability of class 1 if there is one output, of
  ///     each class if there are more; in a regression the prediction.
  ///   - classIndexes: Class per row; empty in a regression.
  ///   - values: Target per row; empty in a classification.
  package static func compute(
    _ names: [MetricName], scores: UnsafeBufferPointer<Float>, outputs: Int,
    classIndexes: [Int32], values: [Float]
  ) -> [(name: MetricName, value: Double)] {
    var confusion: ClassCounts?
    var errors: RegressionErrors?
    return names.map { name in
      let value: Double
      switch name {
      case .accuracy, .precision, .recall, .f1:
        let counts =
          confusion ?? ClassCounts(scores: scores, outputs: outputs, classIndexes: classIndexes)
        confusion = counts
        value = counts.value(of: name)
      case .rocAUC:
        value = ROCCurve.area(scores: scores, outputs: outputs, classIndexes: classIndexes)
      case .meanAbsoluteError, .r2:
        let sums = errors ?? RegressionErrors(scores: scores, outputs: outputs, values: values)
        errors = sums
        value = name == .r2 ? sums.r2 : sums.meanAbsoluteError
      }
      return (name, value)
    }
  }
}
