// The rules of a train spec that concern several fields: what must fit what. They work with what is
// known, so that a mistake in one field does not hide those of the others, nor cause false ones.

struct SpecChecks {
  private let reader: SpecReader
  private let dataset: DatasetSpec?
  private let split: SplitSpec?
  private let loss: LossName?
  private let last: LayerDraft?
  private let lastPath: String

  init(
    reader: SpecReader, dataset: DatasetSpec?, split: SplitSpec?, layers: [LayerDraft?]?,
    loss: LossName?
  ) {
    self.reader = reader
    self.dataset = dataset
    self.split = split
    self.loss = loss
    last = layers?.last ?? nil
    lastPath = "model.\((layers?.count ?? 1) - 1)"
  }

  /// Whether the network ends in one sigmoid unit; nil if it is not known.
  private var endsInOneSigmoid: Bool? {
    guard let last, let units = last.units, let activation = last.activation else { return nil }
    return units == 1 && activation == .sigmoid
  }

  /// The last layer against the loss, the loss against the task.
  func network() {
    if last?.isDense == false {
      reader.mistake("model", "the last layer must be dense; \(lastPath) is dropout")
      return
    }
    guard let loss else { return }
    if dataset?.task == .regression, loss != .meanSquaredError {
      reader.mistake(
        "loss",
        "\(loss.rawValue) is for classes; dataset.task is regression; use mean_squared_error")
      return
    }
    let isRegression = dataset?.task == .regression
    switch loss {
    case .binaryCrossentropy:
      lastLayer(of: loss, needs: "a sigmoid layer with 1 unit", units: 1...1) { $0 == .sigmoid }
    case .categoricalCrossentropy, .sparseCategoricalCrossentropy:
      if case .synthetic? = dataset, let units = last?.units, units > 2 {
        reader.mistake("loss", "synthetic data has 2 classes; \(lastPath) has \(units) units")
        return
      }
      lastLayer(
        of: loss, needs: "a softmax layer with 2 or more units", units: 2...Limits.unitsPerLayer
      ) { $0 == .softmax }
    case .meanSquaredError where isRegression:
      lastLayer(
        of: loss, needs: "a layer with 1 unit that is not softmax", units: 1...1
      ) { $0 != .softmax }
    case .meanSquaredError: break
    }
  }

  private func lastLayer(
    of loss: LossName, needs need: String, units: ClosedRange<Int>,
    fits: (ActivationName) -> Bool
  ) {
    var faults: [String] = []
    if let count = last?.units, !units.contains(count) { faults.append("has \(count)") }
    if let activation = last?.activation, !fits(activation) {
      faults.append("is \(activation.rawValue)")
    }
    guard !faults.isEmpty else { return }
    let found = faults.joined(separator: " and ")
    reader.mistake("loss", "\(loss.rawValue) needs \(need) at the end; \(lastPath) \(found)")
  }

  /// A positive class is of a task with two classes.
  func positiveClass() {
    guard case .csv(let data)? = dataset, data.positive != nil else { return }
    if data.task == .regression {
      reader.mistake("dataset.positive", "a regression has no classes; leave it out")
    } else if let units = last?.units, units > 2 {
      reader.mistake(
        "dataset.positive", "only two classes have a positive one; \(lastPath) has \(units) units")
    }
  }

  /// The metrics with the default filled in; nil if there are mistakes in them.
  func metrics(_ draft: MetricsDraft) -> [MetricName]? {
    let isClassification = dataset.map { $0.task == .classification }
    guard case .listed(let names) = draft else {
      guard case .standard = draft else { return nil }
      return MetricName.allCases.filter {
        $0.isClassification == (isClassification ?? true)
          && ($0 != .rocAUC || endsInOneSigmoid == true)
      }
    }
    var areRight = true
    for (index, name) in names.enumerated() {
      if let isClassification, name.isClassification != isClassification {
        reader.mistake(
          "metrics.\(index)",
          "\(name.rawValue) is for a \(name.isClassification ? "classification" : "regression"); "
            + "the task is \(isClassification ? "classification" : "regression")")
        areRight = false
      } else if name == .rocAUC, endsInOneSigmoid == false {
        reader.mistake(
          "metrics.\(index)",
          "roc_auc needs a sigmoid layer with 1 unit at the end; \(lastPath) is another")
        areRight = false
      }
    }
    return areRight ? names : nil
  }

  /// The checkpoint policy with the default of `best` filled in.
  func checkpoints(_ draft: CheckpointDraft?, metrics: [MetricName]?) -> CheckpointPolicy? {
    guard let draft else { return nil }
    let hasValidation = split.map { $0.validation > 0 } ?? true
    let standard = hasValidation ? CheckpointPolicy().best : "loss"
    let best = draft.best ?? standard
    // with mistakes in `metrics` any metric may have been meant
    let measured = ["loss"] + (metrics ?? MetricName.allCases).map(\.rawValue)
    let names = measured + measured.map { "val_\($0)" }
    if !names.contains(best) {
      let allowed = hasValidation ? names : measured
      let question = NearestName.question(for: best, among: allowed)
      reader.mistake(
        "checkpoints.best",
        "\(JSONValue.string(best).shown) is none of \(allowed.joined(separator: ", "))\(question)")
    } else if !hasValidation, best.hasPrefix("val_") {
      reader.mistake(
        "checkpoints.best", "\(best) needs validation rows; split.validation is 0")
    }
    guard let every = draft.every, let keepLast = draft.keepLast else { return nil }
    return CheckpointPolicy(
      every: every, keepLast: keepLast, best: best, fullEvery: draft.fullEvery)
  }
}
