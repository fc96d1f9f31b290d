// Validates a job spec: every mistake is found in one pass, defaults are filled in, and nothing
// that is not understood is passed over. docs/job-spec.md describes the keys for users,
// schemas/job-spec.json for machines; tests hold the three together.

extension JobSpec {
  /// The spec that `value` (a YAML or JSON document) describes.
  ///
  /// Whether files exist and what is in them is not looked at.
  /// - Throws: all mistakes at once: unknown keys, then the rest in the order of the fields.
  package static func parse(_ value: JSONValue) throws(SpecMistakes) -> JobSpec {
    let log = MistakeLog()
    var fields: [String] = []
    let spec = SpecReader.read(value, at: "", log: log) { reader in
      let spec = JobSpec.read(&reader)
      fields = reader.known
      return spec
    }
    guard let spec, log.isEmpty else { throw SpecMistakes(log.sorted(by: fields)) }
    return spec
  }

  /// The kinds of job that a spec can describe.
  package static let kinds: [JobKind] = [.train, .command, .evaluate]

  private static func read(_ reader: inout SpecReader) -> JobSpec? {
    let kind = reader.read(
      "kind", .oneOf(kinds.map(\.rawValue)) { name in kinds.first { $0.rawValue == name } },
      default: .train)
    guard let kind else {
      reader.ignoreRest()
      return nil
    }
    let isEvaluation = kind == .evaluate
    let standardName: String? =
      switch kind {
      case .evaluate: EvaluateSpec.defaultName
      case .command: CommandSpec.name(for: reader.peek("command"))
      case .train, .serve: nil
      }
    let name = reader.read("name", .identifier(), default: standardName)
    let experiment = reader.read(
      "experiment", .identifier(orEmpty: isEvaluation),
      default: isEvaluation ? "" : defaultExperiment)
    let tags = reader.object("tags") { $0.entries(.tag, upTo: Limits.tagsPerRun) }
    let priority = reader.read("priority", .whole(priorities), default: 0)
    let onLost = reader.read(
      "on_lost", .name, default: kind == .command ? LostPolicy.fail : .resume)
    let policy = JobPolicy.read(&reader)
    let work: Work? =
      switch kind {
      case .command: CommandSpec.read(&reader).map { .command($0) }
      case .evaluate: EvaluateSpec.read(&reader).map { .evaluate($0) }
      case .train, .serve: TrainSpec.read(&reader).map { .train($0) }
      }
    let alerts = AlertSpec.readAll(&reader)
    guard let name, let experiment, let tags, let priority, let onLost, let policy, let work,
      let alerts
    else { return nil }
    var spec = JobSpec(
      name: name, experiment: experiment, tags: tags, priority: priority, onLost: onLost,
      policy: policy, work: work)
    spec.alerts = alerts
    return spec
  }

  package static let defaultExperiment = "default"
  package static let priorities = -100...100
}

extension TrainSpec {
  /// Threads of BLAS that one job may ask for.
  package static let threadLimit = 256

  static func read(_ reader: inout SpecReader) -> TrainSpec? {
    let seed = reader.read("seed", .whole(0...Int.max), default: 0)
    let dataset = reader.object("dataset", required: true) { DatasetSpec.read(&$0) }
    let split = reader.object("split") { SplitSpec.read(&$0, dataset: dataset) }
    let standardize = reader.read("standardize", .flag, default: true)
    let layers = reader.objects("model", count: 1...Limits.layers, of: "layers") {
      LayerDraft.read(&$0)
    }
    let loss = reader.read("loss", SpecRule<LossName>.name)
    let optimizer = OptimizerSpec.read("optimizer", of: &reader)
    let metrics = reader.metrics()
    let epochs = reader.read("epochs", .whole(1...Limits.epochs), default: 10)
    let batchSize = reader.read("batch_size", .whole(1...Limits.batchSize), default: 32)
    let policy = reader.object("checkpoints") { CheckpointDraft.read(&$0) }
    let threads = reader.read("threads", .whole(1...threadLimit), default: 1)

    let checks = SpecChecks(
      reader: reader, dataset: dataset, split: split, layers: layers, loss: loss)
    let measured = checks.metrics(metrics)
    let checkpoints = checks.checkpoints(policy, metrics: measured)
    checks.network()
    checks.positiveClass()
    let model = layers?.compactMap { $0?.layer }
    guard let seed, let dataset, let split, let standardize, let model, let loss, let optimizer,
      let measured, let epochs, let batchSize, let checkpoints, let threads
    else { return nil }
    return TrainSpec(
      seed: seed, dataset: dataset, split: split, standardize: standardize, model: model,
      loss: loss, optimizer: optimizer, metrics: measured, epochs: epochs, batchSize: batchSize,
      checkpoints: checkpoints, threads: threads)
  }
}

extension EvaluateSpec {
  package static let defaultName = "evaluate"

  static func read(_ reader: inout SpecReader) -> EvaluateSpec? {
    let run = reader.read("run", .whole(1...Int.max))
    let checkpoint = reader.read("checkpoint", .checkpoint, default: .best)
    let dataset = reader.object("dataset", required: true) { reader -> CSVDataset? in
      let type = reader.read("type", .oneOf(["csv"]) { $0 == "csv" ? $0 : nil })
      guard type != nil || !reader.has("type") else {
        reader.ignoreRest()
        return nil
      }
      let dataset = CSVDataset.read(&reader, needsTarget: false)
      return type == nil ? nil : dataset
    }
    guard let run, let checkpoint, let dataset else { return nil }
    return EvaluateSpec(run: Int64(run), checkpoint: checkpoint, dataset: dataset)
  }
}

extension SpecRule<CheckpointChoice> {
  fileprivate static var checkpoint: SpecRule {
    converting("best, latest or the number of an epoch") { value in
      CheckpointChoice(value.intValue.map { String($0) } ?? value.stringValue ?? "")
    }
  }
}
