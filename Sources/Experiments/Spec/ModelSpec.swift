// Layers, losses, optimizers and metrics by their names in Keras and scikit-learn, with the same
// defaults and meanings.

package enum LayerSpec: Sendable, Equatable {
  case dense(DenseSpec)
  case dropout(rate: Double)
}

/// `activation(x · kernel + bias)`, as Keras' `Dense`.
package struct DenseSpec: Sendable, Equatable {
  package var units: Int
  package var activation: ActivationName
  package var initializer: InitializerName
  package var useBias: Bool
  /// Factors of the kernel's L1 and L2 penalties (`l1 * sum|w| + l2 * sum w²`), added to the loss.
  package var l1: Double
  package var l2: Double

  package init(
    units: Int, activation: ActivationName = .linear,
    initializer: InitializerName = .glorotUniform, useBias: Bool = true, l1: Double = 0,
    l2: Double = 0
  ) {
    self.units = units
    self.activation = activation
    self.initializer = initializer
    self.useBias = useBias
    self.l1 = l1
    self.l2 = l2
  }
}

package enum ActivationName: String, Sendable, CaseIterable {
  case linear, relu, sigmoid, softmax, tanh
}

package enum InitializerName: String, Sendable, CaseIterable {
  case glorotUniform = "glorot_uniform"
  case glorotNormal = "glorot_normal"
  case heUniform = "he_uniform"
  case heNormal = "he_normal"
}

package enum LossName: String, Sendable, CaseIterable {
  case binaryCrossentropy = "binary_crossentropy"
  case categoricalCrossentropy = "categorical_crossentropy"
  case sparseCategoricalCrossentropy = "sparse_categorical_crossentropy"
  case meanSquaredError = "mean_squared_error"
}

package enum OptimizerSpec: Sendable, Equatable {
  case sgd(learningRate: Double = 0.01, momentum: Double = 0, nesterov: Bool = false)
  case adam(
    learningRate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-7)
  case rmsprop(
    learningRate: Double = 0.001, rho: Double = 0.9, momentum: Double = 0, epsilon: Double = 1e-7,
    centered: Bool = false)

  package var typeName: String {
    switch self {
    case .sgd: "sgd"
    case .adam: "adam"
    case .rmsprop: "rmsprop"
    }
  }
}

/// What is measured beside the loss, per epoch for train and validation and at the end for test.
/// Precision, recall and F1 of more than two classes are unweighted means over the classes
/// (scikit-learn's `macro`, `zero_division=0`).
package enum MetricName: String, Sendable, CaseIterable {
  case accuracy, precision, recall, f1
  case rocAUC = "roc_auc"
  case meanAbsoluteError = "mean_absolute_error"
  case r2

  /// Metrics of a classification; the others are of a regression.
  package var isClassification: Bool {
    switch self {
    case .accuracy, .precision, .recall, .f1, .rocAUC: true
    case .meanAbsoluteError, .r2: false
    }
  }
}

/// When checkpoints are taken and which are kept.
package struct CheckpointPolicy: Sendable, Equatable {
  /// Every that many epochs; the last epoch always.
  package var every: Int
  /// How many of the newest are kept; nil keeps all.
  package var keepLast: Int?
  /// The metric whose best epoch is always kept and is what `best` means.
  package var best: String
  /// The whole state is kept of each that many of these epochs, not only of the newest and the best.
  package var fullEvery: Int?

  package init(
    every: Int = 1, keepLast: Int? = nil, best: String = "val_loss", fullEvery: Int? = nil
  ) {
    self.every = every
    self.keepLast = keepLast
    self.best = best
    self.fullEvery = fullEvery
  }

  /// The whole state is kept of the epochs that are multiples of it.
  package var wholeEvery: Int? {
    fullEvery.map { every.multipliedReportingOverflow(by: $0) }.map { $1 ? Int.max : $0 }
  }
}
