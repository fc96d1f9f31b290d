// The loss of a network, chosen with its last layer: a sigmoid or softmax before a cross-entropy is
// computed together with it, from logits, which is faster and exact where probabilities saturate.

package import Experiments

package struct Loss {
  package let name: LossName
  package let outputs: Int
  /// Whether the loss applies the last layer's activation itself.
  package let takesLogits: Bool

  /// Throws `unsuitableModel` if the loss cannot be had from that many outputs.
  package init(_ name: LossName, model: [LayerSpec], outputs: Int) throws(TrainingError) {
    self.name = name
    self.outputs = outputs
    var activation: ActivationName?
    if case .dense(let dense) = model.last { activation = dense.activation }
    switch name {
    case .binaryCrossentropy:
      guard outputs == 1 else {
        throw .unsuitableModel(
          "binary_crossentropy needs 1 unit in the last layer; it has \(outputs)")
      }
      takesLogits = activation == .sigmoid
    case .categoricalCrossentropy, .sparseCategoricalCrossentropy:
      guard outputs >= 2 else {
        throw .unsuitableModel(
          "\(name.rawValue) needs 2 or more units in the last layer; it has \(outputs)")
      }
      takesLogits = activation == .softmax
    case .meanSquaredError: takesLogits = false
    }
  }

  /// Throws `unsuitableModel` unless the outputs fit a target of `classes` classes, or numbers if
  /// there are none.
  package func check(classes: Int) throws(TrainingError) {
    switch name {
    case .binaryCrossentropy:
      guard classes == 2 else {
        throw .unsuitableModel(
          "binary_crossentropy needs a target with 2 classes; it has \(classes)")
      }
    case .categoricalCrossentropy, .sparseCategoricalCrossentropy:
      guard classes == outputs else {
        throw .unsuitableModel(
          "the last layer has \(outputs) units, but the target has \(classes) classes")
      }
    case .meanSquaredError:
      guard classes == outputs || (outputs == 1 && (classes == 0 || classes == 2)) else {
        throw .unsuitableModel(
          "the last layer has \(outputs) units, but the target has "
            + (classes == 0 ? "one number per row" : "\(classes) classes"))
      }
    }
  }

  /// The sum of the loss over the rows. `output` [rows, outputs] is what the last layer gave; if
  /// the loss takes logits it becomes probabilities. `gradient` [rows, outputs], if wanted, is
  /// dL/d(output) times `scale`.
  package func evaluate(
    _ output: UnsafeMutablePointer<Float>, targets: Targets, rows: Int,
    gradient: UnsafeMutablePointer<Float>? = nil, scale: Float = 1
  ) -> Double {
    switch (name, takesLogits) {
    case (.binaryCrossentropy, true):
      BinaryCrossentropy.fromLogits(
        output, targets: targets, rows: rows, gradient: gradient, scale: scale)
    case (.binaryCrossentropy, false):
      BinaryCrossentropy.fromProbabilities(
        output, targets: targets, rows: rows, gradient: gradient, scale: scale)
    case (.categoricalCrossentropy, true), (.sparseCategoricalCrossentropy, true):
      CategoricalCrossentropy.fromLogits(
        output, targets: targets, rows: rows, outputs: outputs, gradient: gradient, scale: scale)
    case (.categoricalCrossentropy, false), (.sparseCategoricalCrossentropy, false):
      CategoricalCrossentropy.fromProbabilities(
        output, targets: targets, rows: rows, outputs: outputs, gradient: gradient, scale: scale)
    case (.meanSquaredError, _):
      MeanSquaredError.fromOutputs(
        output, targets: targets, rows: rows, outputs: outputs, gradient: gradient, scale: scale)
    }
  }
}
