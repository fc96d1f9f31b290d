// What a valid spec becomes: defaults, params, the comparability text.

import Experiments
import Testing

@Suite struct SpecValuesTests {
  static let short = """
    name: reference
    dataset: {type: synthetic, features: 4}
    model:
      - {type: dropout, rate: 0.25}
      - {type: dense, units: 1, activation: sigmoid}
    loss: binary_crossentropy
    """

  private func train(_ text: String) throws -> TrainSpec {
    guard case .train(let spec) = try JobSpec.parse(try yaml(text)).work else {
      throw SpecMistakes([])
    }
    return spec
  }

  @Test("defaults are filled in")
  func defaults() throws {
    let spec = try JobSpec.parse(try yaml(Self.short))
    #expect(
      spec
        == JobSpec(
          name: "reference", experiment: "default",
          work: .train(
            TrainSpec(
              dataset: .synthetic(SyntheticDataset(features: 4, informative: 4)),
              model: [.dropout(rate: 0.25), .dense(DenseSpec(units: 1, activation: .sigmoid))],
              loss: .binaryCrossentropy, optimizer: .adam(),
              metrics: [.accuracy, .precision, .recall, .f1, .rocAUC]))))
  }

  @Test("default metrics fit the task")
  func metrics() throws {
    let data = "name: a\ndataset: {type: csv, path: a.csv, target: y"
    let many = try train(
      """
      \(data)}
      model: [{type: dense, units: 3, activation: softmax}]
      loss: sparse_categorical_crossentropy
      """)
    #expect(many.metrics == [.accuracy, .precision, .recall, .f1])
    let number = try train(
      """
      \(data), task: regression}
      model: [{type: dense, units: 1}]
      loss: mean_squared_error
      """)
    #expect(number.metrics == [.meanAbsoluteError, .r2])
    #expect(!number.split.stratify)
  }

  @Test("without a validation part the best checkpoint is by the training loss")
  func bestWithoutValidation() throws {
    let spec = try train("\(Self.short)\nsplit: {validation: 0}\nmetrics: []")
    #expect(spec.checkpoints.best == "loss")
    #expect(spec.metrics.isEmpty)
  }

  @Test("an optimizer may be a bare name, an object or an object without type")
  func optimizers() throws {
    #expect(try train("\(Self.short)\noptimizer: sgd").optimizer == .sgd())
    #expect(
      try train("\(Self.short)\noptimizer: {type: rmsprop, rho: 0.5}").optimizer
        == .rmsprop(rho: 0.5))
    #expect(
      try train("\(Self.short)\noptimizer: {learning_rate: 1}").optimizer
        == .adam(learningRate: 1))
  }

  @Test("whole numbers may be written 2.0, tags as any scalar, columns as numbers")
  func lenience() throws {
    let spec = try JobSpec.parse(
      try yaml(
        """
        name: a
        tags: {team: blue, ticket: 12, urgent: true, share: 0.5}
        dataset: {type: csv, path: "dir.d/My Data (1).csv", target: 64, exclude: [1, b]}
        model: [{type: dense, units: 2.0, activation: softmax}]
        loss: categorical_crossentropy
        checkpoints: {keep: 3}
        """))
    #expect(spec.tags == ["team": "blue", "ticket": "12", "urgent": "true", "share": "0.5"])
    guard case .train(let train) = spec.work, case .csv(let data) = train.dataset else {
      Issue.record("not a training on a CSV file")
      return
    }
    #expect(train.model == [.dense(DenseSpec(units: 2, activation: .softmax))])
    #expect(train.checkpoints.keepLast == 3)
    #expect(data.target == "64" && data.exclude == ["1", "b"])
    #expect(data.name == "My-Data--1-")
  }

  @Test(
    "a dataset is named after its file",
    arguments: [
      ("a.csv", "a"), ("/x/y.z/breast_cancer.csv", "breast_cancer"), ("b", "b"), (".csv", "csv"),
      ("/data/日本.csv", "csv"), ("..", "data"), ("v1.2.csv", "v1.2"),
    ])
  func datasetNames(path: String, name: String) {
    #expect(CSVDataset.defaultName(path: path) == name)
  }

  @Test("evaluations: the parent's experiment, the best checkpoint", arguments: ["best", "7"])
  func evaluations(checkpoint: String) throws {
    let spec = try JobSpec.parse(
      try yaml(
        """
        kind: evaluate
        run: 12
        checkpoint: \(checkpoint)
        dataset: {type: csv, path: /data/new.csv}
        """))
    #expect(spec.name == "evaluate" && spec.experiment.isEmpty && spec.kind == .evaluate)
    #expect(
      spec.work
        == .evaluate(
          EvaluateSpec(
            run: 12, checkpoint: checkpoint == "best" ? .best : .epoch(7),
            dataset: CSVDataset(name: "new", path: "/data/new.csv", target: ""))))
    #expect(spec.params.map(\.key).prefix(3) == ["run", "checkpoint", "dataset.type"])
  }

  @Test("params tell everything that shaped a run, in order")
  func params() throws {
    let spec = try JobSpec.parse(
      try yaml("\(Self.short)\nseed: 7\ntags: {a: b}\npriority: 3\nexperiment: e"))
    #expect(
      spec.params.map { "\($0.key)=\($0.value)" } == [
        "seed=7", "dataset.type=synthetic", "dataset.name=synthetic", "dataset.rows=10000",
        "dataset.features=4", "dataset.informative=4", "dataset.class_separation=2.5",
        "dataset.label_noise=0.01", "dataset.seed=0", "split.validation=0.1", "split.test=0.1",
        "split.stratify=true", "split.seed=0", "standardize=true", "model.0.type=dropout",
        "model.0.rate=0.25", "model.1.type=dense", "model.1.units=1",
        "model.1.activation=sigmoid", "model.1.initializer=glorot_uniform",
        "model.1.use_bias=true", "model.1.l1=0.0", "model.1.l2=0.0", "loss=binary_crossentropy",
        "optimizer.type=adam", "optimizer.learning_rate=0.001", "optimizer.beta_1=0.9",
        "optimizer.beta_2=0.999", "optimizer.epsilon=1e-07",
        #"metrics=["accuracy","precision","recall","f1","roc_auc"]"#, "epochs=10",
        "batch_size=32", "checkpoints.every=1", "checkpoints.keep=all",
        "checkpoints.best=val_loss", "threads=1",
      ])
  }

  @Test("a list too long for a param says how long it is")
  func longParam() throws {
    let columns = (0..<2_000).map { "column_\($0)" }.joined(separator: ", ")
    let spec = try JobSpec.parse(
      try yaml(
        """
        name: a
        dataset: {type: csv, path: a.csv, target: y, features: [\(columns)]}
        model: [{type: dense, units: 1, activation: sigmoid}]
        loss: binary_crossentropy
        """))
    let value = try #require(spec.params.first { $0.key == "dataset.features" }?.value)
    #expect(value.count == Limits.paramCharacters)
    #expect(value.hasPrefix(#"["column_0","column_1""#) && value.hasSuffix("… (2000 in all)"))
  }

  @Test("runs stay comparable whatever the seed, the labels and the place of the data")
  func comparability() throws {
    let base = try yaml(
      """
      name: a
      dataset: {type: csv, name: d, path: /a.csv, target: y}
      model: [{type: dense, units: 1, activation: sigmoid}]
      loss: binary_crossentropy
      """)
    let text = try JobSpec.parse(base).comparabilityText
    for change in [
      "seed=7", "name=b", "experiment=e", "tags.a=b", "priority=1", "on_lost=fail",
      "dataset.path=/b.csv",
    ] {
      let override = try SpecOverride.parse(change)
      let changed = try base.setting(override.path, to: override.value)
      #expect(try JobSpec.parse(changed).comparabilityText == text, "\(change)")
    }
    for change in [
      "threads=2", "epochs=11", "split.seed=1", "optimizer.learning_rate=0.002",
      "model.0.use_bias=false", "dataset.target=z", "metrics=[]",
    ] {
      let override = try SpecOverride.parse(change)
      let changed = try base.setting(override.path, to: override.value)
      #expect(try JobSpec.parse(changed).comparabilityText != text, "\(change)")
    }
    #expect(text.hasPrefix(#"{"batch_size":32,"checkpoints":{"best":"val_loss","every":1,"#))
    #expect(!text.contains("/a.csv"))
  }
}
