// A spec as JSON is the same spec again, whatever it holds.

import Experiments
import Foundation
import Testing

@Suite struct SpecRoundTripTests {
  @Test("300 random specs come back from their JSON, in memory and as text")
  func randomSpecs() throws {
    let schema = try JSONSchema(named: "job-spec")
    let encoder = JSONEncoder()
    for seed in 0..<300 as Range<UInt64> {
      var generator = SpecGenerator(seed: seed)
      let spec = generator.spec()
      #expect(try JobSpec.parse(spec.json) == spec, "seed \(seed)")
      #expect(schema.problems(spec.json) == [], "seed \(seed)")
      let text = try encoder.encode(spec.json)
      let read = try JobSpec.parse(try JSONDecoder().decode(JSONValue.self, from: text))
      #expect(read == spec, "seed \(seed)")
      #expect(read.comparabilityText == spec.comparabilityText, "seed \(seed)")
    }
  }
}

/// Makes valid specs, each from its seed.
struct SpecGenerator {
  private var random: SeededGenerator

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  mutating func spec() -> JobSpec {
    if int(0...4) == 0 {
      return JobSpec(
        name: name(), experiment: name(), tags: ["a": text()], priority: int(-100...100),
        onLost: one(), work: .command(command()))
    }
    let isTraining = int(0...4) > 0
    let tags = (0..<int(0...3)).map { ("key.\($0)", text()) }
    var spec = JobSpec(
      name: name(), experiment: isTraining || flag() ? name() : "",
      tags: Dictionary(uniqueKeysWithValues: tags), priority: int(-100...100), onLost: one(),
      policy: flag() ? JobPolicy() : policy(),
      work: isTraining ? .train(train()) : .evaluate(evaluate()))
    spec.alerts = (0..<int(0...2)).map { _ in alert() }
    return spec
  }

  private mutating func policy() -> JobPolicy {
    JobPolicy(
      queue: name(), after: flag() ? [] : [Int64(int(1...9)), Int64(int(10...Int.max))],
      afterFailed: one(),
      retries: flag()
        ? RetryPolicy()
        : RetryPolicy(
          max: int(0...1000), delay: span(), factor: 1 + fraction(), maxDelay: span(),
          on: flag() ? [] : [int(0...100), int(101...255)]),
      timeout: flag() ? nil : span(), idleTimeout: flag() ? nil : span(), isExclusive: flag(),
      resources: flag() ? [:] : ["gpu": int(1...1024), "license_2": 1], isHeld: flag())
  }

  private mutating func span() -> TimeSpan {
    let units: [Int64] = [1, 1_000, 60_000, 3_600_000, 86_400_000]
    return TimeSpan(milliseconds: Int64(int(1...100)) * units[int(0...4)])
  }

  private mutating func alert() -> AlertSpec {
    let rule: AlertSpec.Rule =
      switch int(0...3) {
      case 0: .noProgress(seconds: int(1...604_800))
      case 1: .diverged(metric: flag() ? "loss" : nil)
      default:
        .bound(metric: "loss", side: one(), bound: Double(int(-9...9)) / 8, points: int(1...99))
      }
    return AlertSpec(rule: rule, action: one())
  }

  private mutating func train() -> TrainSpec {
    let dataset: DatasetSpec = flag() ? .synthetic(synthetic()) : .csv(csv())
    let isSynthetic = if case .synthetic = dataset { true } else { false }
    var loss = LossName.meanSquaredError
    var units = 1
    var activation = ActivationName.linear
    if dataset.task == .classification {
      loss = one()
      switch loss {
      case .binaryCrossentropy: activation = .sigmoid
      case .categoricalCrossentropy, .sparseCategoricalCrossentropy:
        units = isSynthetic ? 2 : int(2...20)
        activation = .softmax
      case .meanSquaredError: activation = one()
      }
    }
    var metrics = MetricName.allCases.shuffled(using: &random).filter {
      $0.isClassification == (dataset.task == .classification)
    }
    if units != 1 || activation != .sigmoid { metrics.removeAll { $0 == .rocAUC } }
    metrics.removeLast(int(0...metrics.count))
    var split = SplitSpec(
      validation: fraction() / 2, test: fraction() / 2, stratify: flag(), seed: int(0...Int.max))
    if dataset.task == .regression { split.stratify = false }
    if int(0...3) == 0 { split.validation = 0 }
    let measured = ["loss"] + metrics.map(\.rawValue)
    let best = measured[int(0...measured.count - 1)]
    let layers = (0..<int(0...4)).map { _ in layer() }
    var adjusted = dataset
    if units > 2, case .csv(var data) = dataset {
      data.positive = nil
      adjusted = .csv(data)
    }
    return TrainSpec(
      seed: int(0...Int.max), dataset: adjusted, split: split, standardize: flag(),
      model: layers + [.dense(dense(units: units, activation: activation))], loss: loss,
      optimizer: optimizer(), metrics: metrics, epochs: int(1...Limits.epochs),
      batchSize: int(1...Limits.batchSize),
      checkpoints: CheckpointPolicy(
        every: int(1...100), keepLast: flag() ? nil : int(1...100),
        best: split.validation > 0 && flag() ? "val_\(best)" : best),
      threads: int(1...256))
  }

  private mutating func command() -> CommandSpec {
    let words = (0..<int(1...5)).map { _ in text() }
    return CommandSpec(
      command: words, directory: flag() ? "/srv/\(text())" : "",
      env: flag() ? ["A": text(), "lower.case": ""] : [:],
      secretEnv: flag() ? ["TOKEN"] : [], parse: one(), keep: flag() ? ["out", text()] : [],
      limits: flag()
        ? CommandLimits(memory: int(1...1 << 40), fileSize: int(1...1 << 40))
        : CommandLimits(cpuTime: int(1...1_000_000), openFiles: int(8...1_048_576)),
      nice: int(0...19))
  }

  private mutating func evaluate() -> EvaluateSpec {
    var data = csv()
    if flag() { data.target = "" }
    let checkpoint = [CheckpointChoice.best, .latest, .epoch(int(0...100))][int(0...2)]
    return EvaluateSpec(run: Int64(int(1...1_000_000)), checkpoint: checkpoint, dataset: data)
  }

  private mutating func csv() -> CSVDataset {
    let columns = (0..<int(3...8)).map { "column \($0), \(text())" }
    let features = flag() ? [] : Array(columns[1...])
    let task: TaskKind = one()
    return CSVDataset(
      name: name(), path: "/data/\(text()).csv", target: columns[0], features: features,
      exclude: features.isEmpty ? [columns[1]] : [], categorical: [columns[2]], missing: one(),
      missingValues: flag() ? [] : ["", "-999", text()], task: task,
      positive: task == .classification && flag() ? text() : nil)
  }

  private mutating func synthetic() -> SyntheticDataset {
    let features = int(1...1000)
    return SyntheticDataset(
      name: name(), rows: int(10...1_000_000), features: features, informative: int(1...features),
      classSeparation: fraction() * 10, labelNoise: fraction() / 2, seed: int(0...Int.max))
  }

  private mutating func layer() -> LayerSpec {
    flag() ? .dropout(rate: fraction()) : .dense(dense(units: int(1...500), activation: one()))
  }

  private mutating func dense(units: Int, activation: ActivationName) -> DenseSpec {
    DenseSpec(
      units: units, activation: activation, initializer: one(), useBias: flag(), l1: fraction(),
      l2: Double(int(0...3)))
  }

  private mutating func optimizer() -> OptimizerSpec {
    let rate = fraction() + 1e-9
    switch int(0...2) {
    case 0:
      return .sgd(learningRate: rate, momentum: fraction() / 2 + 0.1, nesterov: flag())
    case 1:
      return .adam(learningRate: rate, beta1: fraction(), beta2: fraction(), epsilon: 1e-7)
    default:
      return .rmsprop(
        learningRate: rate, rho: fraction(), momentum: fraction(), epsilon: 1, centered: flag())
    }
  }

  private mutating func int(_ range: ClosedRange<Int>) -> Int {
    Int.random(in: range, using: &random)
  }
  private mutating func flag() -> Bool { Bool.random(using: &random) }
  /// Often a round number, sometimes all 53 bits.
  private mutating func fraction() -> Double {
    flag() ? Double(int(0...99)) / 100 : Double.random(in: 0..<1, using: &random)
  }
  private mutating func one<Name: CaseIterable>() -> Name where Name.AllCases == [Name] {
    Name.allCases[int(0...Name.allCases.count - 1)]
  }
  private mutating func name() -> String { "n\(int(0...9999))._-A" }
  private mutating func text() -> String {
    ["plain", "with space", "ä\"\\\n\t", "日本語", "64", "true", "0.10", "{}"][int(0...7)]
  }
}
