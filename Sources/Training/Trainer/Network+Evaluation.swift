// Loss and metrics of a network on a part of the data, with the present weights and no dropout.

package import Experiments

extension Network {
  /// `loss` (the mean over the rows plus the penalties, as Keras' `evaluate`) and the metrics in
  /// their order, each with `prefix` before its name; nothing if the part has no rows. Throws
  /// `unsuitableModel` if the part's columns or classes do not fit.
  package func evaluate(
    _ part: DataPart, loss name: LossName, metrics: [MetricName], prefix: String
  ) throws(TrainingError) -> [(key: String, value: Double)] {
    guard part.count > 0 else { return [] }
    let loss = try Loss(name, model: model, outputs: outputs)
    try check(part)
    var scores = [Float](repeating: 0, count: part.count * outputs)
    var sum = 0.0
    part.classIndexes.withUnsafeBufferPointer { classes in
      part.values.withUnsafeBufferPointer { values in
        scores.withUnsafeMutableBufferPointer { scores in
          forEachChunk(of: part.features, lastIsLogits: loss.takesLogits) { first, rows, output in
            if let targets = Targets(classes: classes, values: values, from: first) {
              sum += loss.evaluate(output, targets: targets, rows: rows)
            }
            if let base = scores.baseAddress {
              (base + first * outputs).update(from: output, count: rows * outputs)
            }
          }
        }
      }
    }
    let computed = scores.withUnsafeBufferPointer {
      EvaluationMetrics.compute(
        metrics, scores: $0, outputs: outputs, classIndexes: part.classIndexes,
        values: part.values)
    }
    return [(prefix + "loss", sum / Double(part.count) + penalty)]
      + computed.map { (prefix + $0.name.rawValue, $0.value) }
  }

  /// Throws `unsuitableModel` unless each row has as many features as the network takes and a
  /// target that its outputs can be compared with. The losses rely on it: they do not check bounds.
  func check(_ part: DataPart) throws(TrainingError) {
    try checkColumns(of: part.features)
    let rows = part.features.rows
    guard part.features.values.count == rows * part.features.columns else {
      throw .unsuitableModel(
        "the data has \(part.features.values.count) values, not \(rows) × \(features)")
    }
    guard part.classIndexes.count == rows || (part.classIndexes.isEmpty && outputs == 1) else {
      throw .unsuitableModel("the data has \(rows) rows but \(part.classIndexes.count) classes")
    }
    guard part.values.count == rows || !part.classIndexes.isEmpty else {
      throw .unsuitableModel("the data has \(rows) rows but \(part.values.count) target values")
    }
    let classes = Int32(max(2, outputs))
    for index in part.classIndexes where index < 0 || index >= classes {
      throw .unsuitableModel("class \(index) is none of the \(classes) that the model tells apart")
    }
  }
}

extension Targets {
  /// The targets from row `first` on; nil if there are none.
  init?(
    classes: UnsafeBufferPointer<Int32>, values: UnsafeBufferPointer<Float>, from first: Int
  ) {
    if !classes.isEmpty, let base = classes.baseAddress {
      self.init(classes: base + first)
    } else if !values.isEmpty, let base = values.baseAddress {
      self.init(values: base + first)
    } else {
      return nil
    }
  }
}
