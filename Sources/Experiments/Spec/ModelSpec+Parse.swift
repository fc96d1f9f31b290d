// Reads the parts of a job spec about the network and its training: layers, optimizer, metrics and
// checkpoints.

/// What is known of a layer, which may have mistakes; `layer` is nil then.
struct LayerDraft {
  var isDense: Bool?
  var units: Int?
  var activation: ActivationName?
  var layer: LayerSpec?

  static let types = ["dense", "dropout"]

  static func read(_ reader: inout SpecReader) -> LayerDraft? {
    switch reader.read("type", .oneOf(types) { types.contains($0) ? $0 : nil }) {
    case "dense": return dense(&reader)
    case "dropout":
      let rate = reader.read("rate", .number(.from(0, below: 1)))
      return LayerDraft(isDense: false, layer: rate.map { .dropout(rate: $0) })
    default:
      reader.ignoreRest()
      return nil
    }
  }

  private static func dense(_ reader: inout SpecReader) -> LayerDraft {
    let penalty = SpecRule<Double>.number(.from(0, to: SpecFactors.largest))
    let units = reader.read("units", .whole(1...Limits.unitsPerLayer))
    let activation = reader.read("activation", .name, default: ActivationName.linear)
    let initializer = reader.read("initializer", .name, default: InitializerName.glorotUniform)
    let useBias = reader.read("use_bias", .flag, default: true)
    let l1 = reader.read("l1", penalty, default: 0)
    let l2 = reader.read("l2", penalty, default: 0)
    var draft = LayerDraft(isDense: true, units: units, activation: activation)
    if let units, let activation, let initializer, let useBias, let l1, let l2 {
      draft.layer = .dense(
        DenseSpec(
          units: units, activation: activation, initializer: initializer, useBias: useBias, l1: l1,
          l2: l2))
    }
    return draft
  }
}

/// Bounds of factors in formulas: training computes in float32, which ends near 1e38.
enum SpecFactors {
  static let largest = 1e30
  /// Below, an epsilon would be rounded to zero and divided by.
  static let smallestEpsilon = 1e-30
}

extension OptimizerSpec {
  /// The names that `typeName` has.
  package static let types = ["sgd", "adam", "rmsprop"]

  /// The optimizer in a field: a bare name, an object, or absent (Adam).
  static func read(_ key: String, of reader: inout SpecReader) -> OptimizerSpec? {
    let value = reader.raw(key) ?? .object([:])
    let object = value.objectValue == nil ? JSONValue.object(["type": value]) : value
    let isBare = object != value
    // a bare name's mistake is the field's own
    if isBare, let message = type.complaint(about: value) {
      reader.mistake(key, message)
      return nil
    }
    return SpecReader.read(object, at: reader.path(of: key), log: reader.log) { read(&$0) }
  }

  private static var type: SpecRule<String> { .oneOf(types) { types.contains($0) ? $0 : nil } }

  private static func read(_ reader: inout SpecReader) -> OptimizerSpec? {
    switch reader.read("type", type, default: "adam") {
    case "sgd": return sgd(&reader)
    case "adam": return adam(&reader)
    case "rmsprop": return rmsprop(&reader)
    default:
      reader.ignoreRest()
      return nil
    }
  }

  private static var rate: SpecRule<Double> { .number(.above(0, to: SpecFactors.largest)) }
  private static var decay: SpecRule<Double> { .number(.from(0, below: 1)) }
  private static var impulse: SpecRule<Double> { .number(.from(0, to: 1)) }
  private static var epsilon: SpecRule<Double> {
    .number(.from(SpecFactors.smallestEpsilon, to: 1))
  }

  private static func sgd(_ reader: inout SpecReader) -> OptimizerSpec? {
    let learningRate = reader.read("learning_rate", rate, default: 0.01)
    let momentum = reader.read("momentum", impulse, default: 0)
    let nesterov = reader.read("nesterov", .flag, default: false)
    if nesterov == true, momentum == 0 {
      reader.mistake("nesterov", "true needs a momentum above 0; momentum is 0")
    }
    guard let learningRate, let momentum, let nesterov else { return nil }
    return .sgd(learningRate: learningRate, momentum: momentum, nesterov: nesterov)
  }

  private static func adam(_ reader: inout SpecReader) -> OptimizerSpec? {
    let learningRate = reader.read("learning_rate", rate, default: 0.001)
    let beta1 = reader.read("beta_1", decay, default: 0.9)
    let beta2 = reader.read("beta_2", decay, default: 0.999)
    let epsilon = reader.read("epsilon", epsilon, default: 1e-7)
    guard let learningRate, let beta1, let beta2, let epsilon else { return nil }
    return .adam(learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon)
  }

  private static func rmsprop(_ reader: inout SpecReader) -> OptimizerSpec? {
    let learningRate = reader.read("learning_rate", rate, default: 0.001)
    let rho = reader.read("rho", decay, default: 0.9)
    let momentum = reader.read("momentum", impulse, default: 0)
    let epsilon = reader.read("epsilon", epsilon, default: 1e-7)
    let centered = reader.read("centered", .flag, default: false)
    guard let learningRate, let rho, let momentum, let epsilon, let centered else { return nil }
    return .rmsprop(
      learningRate: learningRate, rho: rho, momentum: momentum, epsilon: epsilon,
      centered: centered)
  }
}

/// The metrics asked for; which fit is only known with the task and the last layer.
enum MetricsDraft {
  case standard
  case listed([MetricName])
  case mistaken
}

extension SpecReader {
  mutating func metrics() -> MetricsDraft {
    let isListed = has("metrics")
    guard
      let names = list(
        "metrics", SpecRule<MetricName>.name, upTo: MetricName.allCases.count, default: [])
    else { return .mistaken }
    return isListed ? .listed(names) : .standard
  }
}

/// The checkpoint policy before it is known what `best` may be.
struct CheckpointDraft {
  /// Nil: wrong, and told so.
  let every: Int?
  let keepLast: Int??
  /// Nil: the default, which depends on whether there is a validation part.
  let best: String?
  let fullEvery: Int?

  static func read(_ reader: inout SpecReader) -> CheckpointDraft? {
    let every = reader.read("every", .whole(1...Limits.epochs), default: 1)
    let keep = reader.read("keep", .keep, default: .some(nil))
    let best = reader.readIfPresent("best", .text(upTo: Limits.keyCharacters))
    let fullEvery = reader.readIfPresent("full_every", .whole(1...Limits.epochs))
    guard best != nil || !reader.has("best"), fullEvery != nil || !reader.has("full_every") else {
      return nil
    }
    return CheckpointDraft(every: every, keepLast: keep, best: best, fullEvery: fullEvery)
  }
}

extension SpecRule<Int?> {
  /// `all`, or how many of the newest.
  fileprivate static var keep: SpecRule {
    converting("all or a whole number from 1 to \(Limits.epochs)") { value -> Int?? in
      if value == .string("all") { return .some(nil) }
      return value.intValue.flatMap { (1...Limits.epochs).contains($0) ? .some($0) : nil }
    }
  }
}

extension SpecRule {
  /// What is wrong with a value; nil if nothing.
  func complaint(about value: JSONValue) -> String? {
    do {
      _ = try read(value)
      return nil
    } catch {
      return error.message
    }
  }
}
