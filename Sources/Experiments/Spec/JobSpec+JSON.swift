// A job spec as JSON, as flat params and as the text that says whether two runs are comparable: all
// three from one ordered description, so that none can lack a field that another has.

/// JSON whose members have an order.
indirect enum SpecTree {
  case value(JSONValue)
  case list([SpecTree])
  case members([Member])

  typealias Member = (key: String, value: SpecTree)

  var json: JSONValue {
    switch self {
    case .value(let value): value
    case .list(let elements): .array(elements.map(\.json))
    case .members(let members):
      .object(Dictionary(members.map { ($0.key, $0.value.json) }) { _, last in last })
    }
  }

  /// The leaves with their dotted paths, in order.
  func flattened(_ path: String = "") -> [(key: String, value: JSONValue)] {
    func below(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
    return switch self {
    case .value(let value): [(path, value)]
    case .list(let elements):
      elements.enumerated().flatMap { $1.flattened(below(String($0))) }
    case .members(let members): members.flatMap { $0.value.flattened(below($0.key)) }
    }
  }

  /// The same without a member of the outermost object or, with a dotted path, of one within.
  func without(_ path: String) -> SpecTree {
    guard case .members(let members) = self else { return self }
    let parts = path.split(separator: ".", maxSplits: 1).map(String.init)
    return .members(
      members.compactMap { member in
        guard member.key == parts[0] else { return member }
        return parts.count == 1 ? nil : (member.key, member.value.without(parts[1]))
      })
  }

  static func int(_ value: some BinaryInteger) -> SpecTree { .value(.int(Int64(value))) }
  static func number(_ value: Double) -> SpecTree { .value(.number(value)) }
  static func flag(_ value: Bool) -> SpecTree { .value(.bool(value)) }
  static func text(_ value: String) -> SpecTree { .value(.string(value)) }
  static func name(_ value: some RawRepresentable<String>) -> SpecTree { .text(value.rawValue) }
  static func texts(_ values: [String]) -> SpecTree { .value(.array(values.map { .string($0) })) }
}

extension JobSpec {
  /// The whole spec with all defaults but those of its policy; `JobSpec.parse` gives the same spec back.
  package var json: JSONValue {
    let head: [SpecTree.Member] = [
      ("kind", .name(kind)), ("name", .text(name)), ("experiment", .text(experiment)),
      ("tags", .value(.object(tags.mapValues { .string($0) }))), ("priority", .int(priority)),
      ("on_lost", .name(onLost)),
    ]
    let tail: [SpecTree.Member] =
      alerts.isEmpty ? [] : [("alerts", .list(alerts.map(\.tree)))]
    return SpecTree.members(head + policy.members + work.members + tail).json
  }

  /// Everything that shaped the run, flat: `optimizer.learning_rate`, `model.0.units`. In the order
  /// of the fields. Lists of names are JSON arrays; one that would be longer than a param may be
  /// (`Limits.paramCharacters`) ends in `… (N in all)` instead, the spec itself has it in full.
  package var params: [(key: String, value: String)] {
    if case .command(let spec) = work { return spec.params }
    return SpecTree.members(work.members).flattened().map { ($0.key, Self.paramText($0.value)) }
  }

  /// What must be equal for two runs to be of one series, as canonical text for hashing: the work
  /// without its seed and without the path of its data, whose hash stands for it.
  package var comparabilityText: String {
    var members: [SpecTree.Member] = [("kind", .name(kind))] + work.members
    if kind == .command { members.removeAll { CommandSpec.incomparable.contains($0.key) } }
    return SpecTree.members(members).without("seed").without("dataset.path").json.canonicalText
  }

  /// The same of a spec that is stored as JSON: its own text and nothing else, so that a spec of an
  /// earlier Assay, which has fewer fields, still has the text that it was hashed by.
  package static func comparabilityText(ofStored spec: JSONValue) -> String? {
    guard case .object(var members) = spec else { return nil }
    let other = ["name", "experiment", "tags", "priority", "on_lost", "seed", "alerts"]
    for key in other + JobPolicy.keys {
      members[key] = nil
    }
    if members["kind"] == .string(JobKind.command.rawValue) {
      for key in CommandSpec.incomparable { members[key] = nil }
    }
    if case .object(var dataset) = members["dataset"] {
      dataset["path"] = nil
      members["dataset"] = .object(dataset)
    }
    return JSONValue.object(members).canonicalText
  }

  private static func paramText(_ value: JSONValue) -> String {
    let text = value.plainText
    guard text.count > Limits.paramCharacters, let elements = value.arrayValue else { return text }
    let end = "… (\(elements.count) in all)"
    return text.prefix(Limits.paramCharacters - end.count) + end
  }
}

extension JobSpec.Work {
  fileprivate var members: [SpecTree.Member] {
    switch self {
    case .train(let spec): spec.members
    case .evaluate(let spec): spec.members
    case .command(let spec): spec.members
    }
  }
}

extension TrainSpec {
  fileprivate var members: [SpecTree.Member] {
    [
      ("seed", .int(seed)), ("dataset", dataset.tree),
      (
        "split",
        .members([
          ("validation", .number(split.validation)), ("test", .number(split.test)),
          ("stratify", .flag(split.stratify)), ("seed", .int(split.seed)),
        ])
      ),
      ("standardize", .flag(standardize)), ("model", .list(model.map(\.tree))),
      ("loss", .name(loss)), ("optimizer", optimizer.tree),
      ("metrics", .texts(metrics.map(\.rawValue))), ("epochs", .int(epochs)),
      ("batch_size", .int(batchSize)), ("checkpoints", checkpoints.tree),
      ("threads", .int(threads)),
    ]
  }
}

extension EvaluateSpec {
  fileprivate var members: [SpecTree.Member] {
    let choice: SpecTree =
      if case .epoch(let epoch) = checkpoint {
        .int(epoch)
      } else {
        .text(checkpoint.description)
      }
    return [("run", .int(run)), ("checkpoint", choice), ("dataset", dataset.tree)]
  }
}

extension DatasetSpec {
  fileprivate var tree: SpecTree {
    switch self {
    case .csv(let dataset): dataset.tree
    case .synthetic(let dataset): dataset.tree
    }
  }
}

extension CSVDataset {
  fileprivate var tree: SpecTree {
    let positive: [SpecTree.Member] = self.positive.map { [("positive", .text($0))] } ?? []
    return .members(
      [
        ("type", .text("csv")), ("name", .text(name)), ("path", .text(path)),
        ("target", .text(target)), ("features", .texts(features)), ("exclude", .texts(exclude)),
        ("categorical", .texts(categorical)), ("missing", .name(missing)),
        ("missing_values", .texts(missingValues)), ("task", .name(task)),
      ] + positive)
  }
}

extension SyntheticDataset {
  fileprivate var tree: SpecTree {
    .members([
      ("type", .text("synthetic")), ("name", .text(name)), ("rows", .int(rows)),
      ("features", .int(features)), ("informative", .int(informative)),
      ("class_separation", .number(classSeparation)), ("label_noise", .number(labelNoise)),
      ("seed", .int(seed)),
    ])
  }
}

extension LayerSpec {
  fileprivate var tree: SpecTree {
    switch self {
    case .dense(let layer):
      .members([
        ("type", .text("dense")), ("units", .int(layer.units)),
        ("activation", .name(layer.activation)), ("initializer", .name(layer.initializer)),
        ("use_bias", .flag(layer.useBias)), ("l1", .number(layer.l1)), ("l2", .number(layer.l2)),
      ])
    case .dropout(let rate): .members([("type", .text("dropout")), ("rate", .number(rate))])
    }
  }
}

extension OptimizerSpec {
  fileprivate var tree: SpecTree {
    let members: [SpecTree.Member] =
      switch self {
      case .sgd(let learningRate, let momentum, let nesterov):
        [
          ("learning_rate", .number(learningRate)), ("momentum", .number(momentum)),
          ("nesterov", .flag(nesterov)),
        ]
      case .adam(let learningRate, let beta1, let beta2, let epsilon):
        [
          ("learning_rate", .number(learningRate)), ("beta_1", .number(beta1)),
          ("beta_2", .number(beta2)), ("epsilon", .number(epsilon)),
        ]
      case .rmsprop(let learningRate, let rho, let momentum, let epsilon, let centered):
        [
          ("learning_rate", .number(learningRate)), ("rho", .number(rho)),
          ("momentum", .number(momentum)), ("epsilon", .number(epsilon)),
          ("centered", .flag(centered)),
        ]
      }
    return .members([("type", .text(typeName))] + members)
  }
}

extension CheckpointPolicy {
  fileprivate var tree: SpecTree {
    .members(
      [
        ("every", .int(every)), ("keep", keepLast.map { .int($0) } ?? .text("all")),
        ("best", .text(best)),
      ] + (fullEvery.map { [("full_every", .int($0))] } ?? []))
  }
}
