// The words in which a broken spec is refused: all mistakes at once, each with its place.

import Experiments
import Testing

struct BrokenSpec: Sendable, CustomTestStringConvertible {
  let name: String
  /// YAML that replaces or adds top-level fields of `base`; a field set to `~` is left out.
  let changes: String
  let mistakes: [String]

  var testDescription: String { name }

  static let base = """
    name: reference
    dataset: {type: synthetic, rows: 600, features: 20}
    model:
      - {type: dense, units: 64, activation: relu}
      - {type: dense, units: 32, activation: relu}
      - {type: dense, units: 1, activation: sigmoid}
    loss: binary_crossentropy
    """
  static let activations = "linear, relu, sigmoid, softmax, tanh"
  static let identifier = """
    is not a name: 1 to 200 letters (a-z, A-Z), digits, '-', '_' or '.', beginning with a letter \
    or digit
    """

  static let all = [
    BrokenSpec(
      name: "the example of the documentation",
      changes: """
        optimizer: {type: adam, learning_rat: 0.001}
        loss: categorical_crossentropy
        model:
          - {type: dense, units: 64, activation: relu}
          - {type: dense, units: 32, activation: relu}
          - {type: dense, units: 1, activation: sigmod}
        """,
      mistakes: [
        "optimizer.learning_rat: unknown key; did you mean learning_rate?",
        "model.2.activation: \"sigmod\" is none of \(activations); did you mean sigmoid?",
        "loss: categorical_crossentropy needs a softmax layer with 2 or more units at the end; "
          + "model.2 has 1",
      ]),
    BrokenSpec(
      name: "nothing of what is required",
      changes: "name: ~\ndataset: ~\nmodel: ~\nloss: ~",
      mistakes: [
        "name: missing; needs" + identifier.dropFirst("is not".count),
        "dataset: missing; needs an object",
        "model: missing; needs a list of layers with 1 to 256 elements",
        "loss: missing; needs one of binary_crossentropy, categorical_crossentropy, "
          + "sparse_categorical_crossentropy, mean_squared_error",
      ]),
    BrokenSpec(
      name: "wrong shapes",
      changes: """
        name: [reference]
        tags: [a, b]
        dataset: iris.csv
        split: 0.2
        model: {type: dense, units: 1}
        optimizer: 0.01
        metrics: accuracy
        checkpoints: best
        """,
      mistakes: [
        "name: [\"reference\"] \(identifier)",
        "tags: [\"a\",\"b\"] is not an object",
        "dataset: \"iris.csv\" is not an object",
        "split: 0.2 is not an object",
        "model: {\"type\":\"dense\",\"units\":1} is not a list of layers with 1 to 256 elements",
        "optimizer: 0.01 is none of sgd, adam, rmsprop",
        "metrics: \"accuracy\" is not a list with 0 to 7 elements",
        "checkpoints: \"best\" is not an object",
      ]),
    BrokenSpec(
      name: "numbers written as texts and texts as numbers",
      changes: """
        name: 7
        epochs: "64"
        batch_size: 2.5
        standardize: "true"
        threads: ~
        optimizer: {learning_rate: "0.1"}
        dataset: {type: csv, path: a.csv, target: yes, positive: no}
        """,
      mistakes: [
        "name: 7 \(identifier); write \"7\" in quotes",
        "dataset.target: true is not a text of 1 to 8000 characters; write it in quotes (YAML "
          + "reads yes, no, on and off as true and false)",
        "dataset.positive: false is not a text of 0 to 8000 characters; write it in quotes (YAML "
          + "reads yes, no, on and off as true and false)",
        "standardize: \"true\" is not true or false; write true without quotes",
        "optimizer.learning_rate: \"0.1\" is not a number above 0, at most 1e+30; write 0.1 "
          + "without quotes",
        "epochs: \"64\" is not a whole number from 1 to 1000000; write 64 without quotes",
        "batch_size: 2.5 is not a whole number from 1 to 1048576",
      ]),
    BrokenSpec(
      name: "not a number",
      changes: "optimizer: {learning_rate: .nan, beta_1: .inf}\nepochs: .nan\nseed: -1",
      mistakes: [
        "seed: -1 is not a whole number from 0 to 9223372036854775807",
        "optimizer.learning_rate: NaN is not a number above 0, at most 1e+30",
        "optimizer.beta_1: Infinity is not a number from 0 to below 1",
        "epochs: NaN is not a whole number from 1 to 1000000",
      ]),
    BrokenSpec(
      name: "names that do not exist",
      changes: """
        kind: train
        loss: binary_cross_entropy
        optimizer: adm
        on_lost: retry
        dataset: {type: syntetic}
        metrics: [acuracy, auc, accuracy, accuracy]
        """,
      mistakes: [
        "on_lost: \"retry\" is none of resume, requeue, fail",
        "dataset.type: \"syntetic\" is none of csv, synthetic; did you mean synthetic?",
        "loss: \"binary_cross_entropy\" is none of binary_crossentropy, categorical_crossentropy, "
          + "sparse_categorical_crossentropy, mean_squared_error; did you mean "
          + "binary_crossentropy?",
        "optimizer: \"adm\" is none of sgd, adam, rmsprop; did you mean adam?",
        "metrics.0: \"acuracy\" is none of accuracy, precision, recall, f1, roc_auc, "
          + "mean_absolute_error, r2; did you mean accuracy?",
        "metrics.1: \"auc\" is none of accuracy, precision, recall, f1, roc_auc, "
          + "mean_absolute_error, r2",
        "metrics.3: \"accuracy\" is listed twice",
      ]),
    BrokenSpec(
      name: "unknown kind", changes: "kind: painting",
      mistakes: ["kind: \"painting\" is none of train, command, evaluate"]),
    BrokenSpec(
      name: "unknown keys",
      changes: """
        los: binary_crossentropy
        loss: ~
        colour: red
        model:
          - {type: dense, unit: 3}
          - {type: dropout, units: 3, rate: 1}
          - {kind: dense, units: 3}
          - {type: dense, units: 1, activation: sigmoid}
        """,
      mistakes: [
        "model.0.unit: unknown key; did you mean units?",
        "model.1.units: unknown key; allowed here: type, rate",
        "colour: unknown key; allowed here: kind, name, experiment, tags, priority, on_lost, "
          + "queue, after, after_failed, retries, timeout, idle_timeout, exclusive, resources, hold, "
          + "seed, dataset, split, standardize, model, loss, optimizer, metrics, epochs, batch_size, "
          + "checkpoints, threads, alerts",
        "los: unknown key; did you mean loss?",
        "model.1.rate: 1 is not a number from 0 to below 1",
        "model.2.type: missing; needs one of dense, dropout",
      ]),
    BrokenSpec(
      name: "keys of another optimizer",
      changes: "optimizer: {type: sgd, beta_1: 0.9, nesterov: true}",
      mistakes: [
        "optimizer.beta_1: unknown key; allowed here: type, learning_rate, momentum, nesterov",
        "optimizer.nesterov: true needs a momentum above 0; momentum is 0",
      ]),
    BrokenSpec(
      name: "columns that contradict each other",
      changes: """
        dataset:
          type: csv
          path: ""
          target: y
          features: [a, y, a, b]
          exclude: [b, c]
          categorical: [c, colr]
        """,
      mistakes: [
        "dataset.path: \"\" is not a text of 1 to 4096 characters",
        "dataset.features.2: \"a\" is listed twice",
      ]),
    BrokenSpec(
      name: "columns in the wrong lists",
      changes: """
        dataset:
          type: csv
          path: a.csv
          target: y
          features: [colour, y, b]
          exclude: [b, c]
          categorical: [c, color]
        """,
      mistakes: [
        "dataset.features.1: \"y\" is the target",
        "dataset.exclude.0: \"b\" is in features too",
        "dataset.categorical.0: \"c\" is in exclude too",
        "dataset.categorical.1: \"color\" is not in features; did you mean colour?",
      ]),
    BrokenSpec(
      name: "more informative features than features, and too much",
      changes: "dataset: {type: synthetic, rows: 2000000000, features: 8, informative: 9}",
      mistakes: [
        "dataset.informative: 9 is more than all features, which are 8",
        "dataset: 2000000000 rows of 8 features are too many; rows × features may be at most "
          + "2147483648",
      ]),
    BrokenSpec(
      name: "nothing left for training", changes: "split: {validation: 0.5, test: 0.5}",
      mistakes: [
        "split: validation 0.5 and test 0.5 leave no rows for training; their sum must be below 1"
      ]),
    BrokenSpec(
      name: "a last layer for another loss",
      changes: """
        dataset: {type: csv, path: a.csv, target: y, positive: a}
        model: [{type: dense, units: 10, activation: softmax}]
        metrics: [roc_auc]
        """,
      mistakes: [
        "dataset.positive: only two classes have a positive one; model.0 has 10 units",
        "loss: binary_crossentropy needs a sigmoid layer with 1 unit at the end; model.0 has 10 "
          + "and is softmax",
        "metrics.0: roc_auc needs a sigmoid layer with 1 unit at the end; model.0 is another",
      ]),
    BrokenSpec(
      name: "softmax over one unit",
      changes: """
        dataset: {type: csv, path: a.csv, target: y}
        loss: sparse_categorical_crossentropy
        model: [{type: dense, units: 1}]
        """,
      mistakes: [
        "loss: sparse_categorical_crossentropy needs a softmax layer with 2 or more units at the "
          + "end; model.0 has 1 and is linear"
      ]),
    BrokenSpec(
      name: "more outputs than synthetic data has classes",
      changes: """
        loss: sparse_categorical_crossentropy
        model: [{type: dense, units: 3, activation: softmax}]
        """,
      mistakes: ["loss: synthetic data has 2 classes; model.0 has 3 units"]),
    BrokenSpec(
      name: "dropout at the end",
      changes: "model: [{type: dense, units: 1}, {type: dropout, rate: 0.5}]",
      mistakes: ["model: the last layer must be dense; model.1 is dropout"]),
    BrokenSpec(
      name: "no layers", changes: "model: []",
      mistakes: ["model: 0 elements are not a list of layers with 1 to 256 elements"]),
    BrokenSpec(
      name: "a regression taken for a classification",
      changes: """
        dataset: {type: csv, path: a.csv, target: y, task: regression, positive: a}
        split: {stratify: true}
        metrics: [accuracy, r2]
        """,
      mistakes: [
        "dataset.positive: a regression has no classes; leave it out",
        "split.stratify: a regression has no classes to stratify by; leave it out",
        "loss: binary_crossentropy is for classes; dataset.task is regression; use "
          + "mean_squared_error",
        "metrics.0: accuracy is for a classification; the task is regression",
      ]),
    BrokenSpec(
      name: "a regression with many outputs",
      changes: """
        dataset: {type: csv, path: a.csv, target: y, task: regression}
        loss: mean_squared_error
        model: [{type: dense, units: 2, activation: softmax}]
        """,
      mistakes: [
        "loss: mean_squared_error needs a layer with 1 unit that is not softmax at the end; "
          + "model.0 has 2 and is softmax"
      ]),
    BrokenSpec(
      name: "a metric of a regression", changes: "metrics: [f1, r2]",
      mistakes: ["metrics.1: r2 is for a regression; the task is classification"]),
    BrokenSpec(
      name: "best by what is not measured",
      changes: "metrics: [f1]\ncheckpoints: {best: val_f2, keep: 0, every: 0}",
      mistakes: [
        "checkpoints.every: 0 is not a whole number from 1 to 1000000",
        "checkpoints.keep: 0 is not all or a whole number from 1 to 1000000",
        "checkpoints.best: \"val_f2\" is none of loss, f1, val_loss, val_f1; did you mean val_f1?",
      ]),
    BrokenSpec(
      name: "best by a misspelt metric", changes: "metrics: [f1]\ncheckpoints: {best: vall_f1}",
      mistakes: [
        "checkpoints.best: \"vall_f1\" is none of loss, f1, val_loss, val_f1; did you mean val_f1?"
      ]),
    BrokenSpec(
      name: "best on a validation part that is not there",
      changes: "split: {validation: 0}\ncheckpoints: {best: val_f1}",
      mistakes: ["checkpoints.best: val_f1 needs validation rows; split.validation is 0"]),
    BrokenSpec(
      name: "names that cannot be typed",
      changes: "name: my job\nexperiment: .hidden\npriority: 101\ntags: {a: [1], b: 2, c: true}",
      mistakes: [
        "name: \"my job\" \(identifier)", "experiment: \".hidden\" \(identifier)",
        "tags.a: [1] is not a text of up to 8000 characters, a number, true or false",
        "priority: 101 is not a whole number from -100 to 100",
      ]),
  ]
}

@Suite struct SpecMistakesTests {
  private func changed(_ changes: String) throws -> JSONValue {
    var members = try yaml(BrokenSpec.base).objectValue ?? [:]
    for (key, value) in try yaml(changes).objectValue ?? [:] {
      members[key] = value == .null ? nil : value
    }
    return .object(members)
  }

  @Test("all mistakes are told at once, in words", arguments: BrokenSpec.all)
  func words(of broken: BrokenSpec) throws {
    #expect(mistakes(try changed(broken.changes)) == broken.mistakes)
  }

  @Test("the base that is broken is whole itself")
  func base() throws { #expect(mistakes(try yaml(BrokenSpec.base)) == []) }

  @Test("what is not an object is no spec", arguments: ["3", "[]", "null", "\"a\""])
  func noObject(text: String) throws {
    #expect(mistakes(try json(text)) == [": \(text) is not an object"])
  }

  @Test("an evaluation's mistakes")
  func evaluate() throws {
    let spec = try yaml(
      """
      kind: evaluate
      run: 0
      checkpoint: newest
      dataset: {type: synthetic, rows: 10}
      epochs: 3
      """)
    #expect(
      mistakes(spec) == [
        "epochs: unknown key; allowed here: kind, name, experiment, tags, priority, on_lost, "
          + "queue, after, after_failed, retries, timeout, idle_timeout, exclusive, resources, hold, "
          + "run, checkpoint, dataset, alerts",
        "run: 0 is not a whole number from 1 to 9223372036854775807",
        "checkpoint: \"newest\" is not best, latest or the number of an epoch",
        "dataset.type: \"synthetic\" is none of csv",
      ])
  }

  @Test("lengths at the limit pass, beyond it they do not")
  func lengths() throws {
    func check(_ path: String, _ make: (Int) -> JSONValue, limit: Int) throws {
      let base = try yaml(BrokenSpec.base)
      #expect(mistakes(try base.setting(path, to: make(limit))) == [])
      let found = mistakes(try base.setting(path, to: make(limit + 1)))
      #expect(found.count == 1 && found.allSatisfy { $0.hasPrefix(path) }, "\(found)")
      #expect(found.allSatisfy { $0.count < 400 }, "a message stays short")
    }
    func text(_ count: Int) -> JSONValue { .string(String(repeating: "a", count: count)) }
    let last = JSONValue.object([
      "type": .string("dense"), "units": .int(1), "activation": .string("sigmoid"),
    ])
    try check("name", text, limit: Limits.nameCharacters)
    try check("experiment", text, limit: Limits.nameCharacters)
    try check("tags.team", text, limit: Limits.tagCharacters)
    try check(
      "tags",
      { count in
        .object(Dictionary(uniqueKeysWithValues: (0..<count).map { ("k\($0)", .int(1)) }))
      }, limit: Limits.tagsPerRun)
    try check(
      "model",
      { count in
        .array(
          Array(repeating: .object(["type": .string("dense"), "units": .int(3)]), count: count - 1)
            + [last])
      }, limit: Limits.layers)
    let key = String(repeating: "k", count: Limits.keyCharacters + 1)
    let found = mistakes(try yaml(BrokenSpec.base).setting("tags.\(key)", to: .int(1)))
    #expect(found.count == 1 && found.allSatisfy { $0.contains("1 to 250 characters") })
  }

  @Test("a text with NUL is refused, for C and SQL end at it")
  func nul() throws {
    let spec = try yaml(BrokenSpec.base).setting("tags.a", to: .string("x\0y"))
    #expect(mistakes(spec).count == 1)
  }
}
