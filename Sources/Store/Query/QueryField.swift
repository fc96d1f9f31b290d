// What of a run an expression, an order or a column speaks of, and the names that people write for
// it: Assay's own and those of MLflow's filter strings.

import Experiments

enum QueryField: Hashable, Sendable {
  case metric(String, MetricPart)
  case param(String)
  case tag(String)
  case attribute(QueryAttribute)

  /// The word as a field; a metric stands for its last value.
  /// - Throws: what is wrong with it, with the names that there are.
  init(word: String, at position: Int) throws(QueryMistake) {
    guard let dot = word.firstIndex(of: ".") else {
      self = .attribute(try Self.attribute(word, at: position))
      return
    }
    let key = String(word[word.index(after: dot)...])
    guard !key.isEmpty else {
      throw QueryMistake(reason: "expected a key after \"\(word)\"", position: position)
    }
    switch word[..<dot].lowercased() {
    case "metrics", "metric": self = .metric(key, .last)
    case "params", "param", "parameters", "parameter": self = .param(key)
    case "tags", "tag": self = .tag(key)
    case "attributes", "attribute", "attr", "run":
      self = .attribute(try Self.attribute(key, at: position))
    case "dataset", "datasets":
      self = .attribute(try Self.attribute("dataset." + key, at: position))
    case "cost": self = .attribute(try Self.attribute("cost." + key, at: position))
    default:
      throw QueryMistake(
        reason: "\"\(word.prefix(40))\" is no field; keys begin with metrics., params. or tags.",
        position: position)
    }
  }

  private static func attribute(
    _ name: String, at position: Int
  ) throws(QueryMistake) -> QueryAttribute {
    if let attribute = QueryAttribute(name: name.lowercased()) { return attribute }
    let group = name.split(separator: ".").first.map { $0 + "." } ?? ""
    let names = QueryAttribute.named.map(\.rawValue)
    let near = names.filter { $0.hasPrefix(group) && $0.contains(".") }
    throw QueryMistake(
      reason: "\"\(name.prefix(40))\" is no field; there are "
        + (name.contains(".") && !near.isEmpty
        ? near
        : ["metrics.KEY", "params.KEY", "tags.KEY", "cost.…"] + names.filter { !$0.contains(".") })
        .joined(separator: ", "),
      position: position)
  }

  /// What it can be compared with.
  var type: QueryType {
    switch self {
    case .metric: .number
    case .param: .any
    case .tag: .text
    case .attribute(let attribute): attribute.type
    }
  }
}

/// What of a metric's points is meant. All but a step's value stand in its summary.
enum MetricPart: Hashable, Sendable {
  case last, min, max, mean, count
  /// The greatest or smallest, by the direction that the metric's name tells; else the last.
  case best
  /// Of one step the last point, of the newest attempt that wrote it.
  case step(Int64)

  var isStep: Bool { if case .step = self { true } else { false } }

  /// The names of the functions, as in `min(metrics.loss)`.
  static let functions: [String: MetricPart] = [
    "last": .last, "min": .min, "max": .max, "mean": .mean, "count": .count, "best": .best,
  ]

  /// The same with `best` replaced by what it means for that metric.
  func resolved(for key: String) -> MetricPart {
    guard self == .best else { return self }
    switch MetricDirection(metric: key) {
    case .higher: return .max
    case .lower: return .min
    case .none: return .last
    }
  }
}

enum QueryAttribute: String, CaseIterable, Hashable, Sendable {
  case status, name, id, uid, experiment, seed, started, ended, created, duration, note, job, user
  case parent, failure, dataset
  case datasetSHA256 = "dataset.sha256"
  case datasetType = "dataset.type"
  case datasetPath = "dataset.path"
  case datasetRows = "dataset.rows"
  case datasetFeatures = "dataset.features"
  case wallSeconds = "cost.wall_seconds"
  case cpuSeconds = "cost.cpu_seconds"
  case cpuUserSeconds = "cost.cpu_user_seconds"
  case cpuSystemSeconds = "cost.cpu_system_seconds"
  case peakRSSBytes = "cost.peak_rss_bytes"
  case readBytes = "cost.read_bytes"
  case writtenBytes = "cost.written_bytes"
  case trainingSeconds = "cost.training_seconds"
  case stepsPerSecond = "cost.steps_per_second"
  case samplesPerSecond = "cost.samples_per_second"
  case flopsPerStep = "cost.flops_per_step"
  /// MLflow's, in milliseconds since 1970 UTC.
  case startTime = "start_time"
  case endTime = "end_time"
  /// When it was deleted. Every list is of deleted runs or of the others, so it has no name.
  case deleted = ""

  /// Names that mean the same: MLflow's.
  private static let aliases: [String: QueryAttribute] = [
    "run_name": .name, "run name": .name, "run_id": .uid, "run id": .uid,
    "experiment_name": .experiment, "user_id": .user, "dataset.name": .dataset,
    "dataset.digest": .datasetSHA256,
  ]

  static let named = allCases.filter { $0 != .deleted }

  init?(name: String) {
    guard !name.isEmpty, let attribute = Self.aliases[name] ?? Self(rawValue: name) else {
      return nil
    }
    self = attribute
  }

  var type: QueryType {
    switch self {
    case .status: .status
    case .name, .uid, .experiment, .note, .user, .failure, .dataset, .datasetSHA256, .datasetType,
      .datasetPath:
      .text
    case .started, .ended, .created, .deleted: .time
    case .duration, .wallSeconds, .cpuSeconds, .cpuUserSeconds, .cpuSystemSeconds,
      .trainingSeconds:
      .span
    case .id, .seed, .job, .parent, .datasetRows, .datasetFeatures, .peakRSSBytes, .readBytes,
      .writtenBytes, .stepsPerSecond, .samplesPerSecond, .flopsPerStep, .startTime, .endTime:
      .number
    }
  }
}

enum QueryType: Equatable {
  case number, text, time, status
  /// Seconds: a number, or a span such as `90m`.
  case span
  /// A param: a number where both sides are numbers, else a text.
  case any
}
