// What `assay show` prints: a heading, then one block per part of the run, the empty ones left out.

import Experiments
import Wire

struct RunReport {
  private let detail: RunDetail
  private let now: Timestamp
  private var run: Run { detail.run }

  init(_ detail: RunDetail, now: Timestamp) {
    self.detail = detail
    self.now = now
  }

  func lines(width: Int?, style: Style) -> [String] {
    let status = style.paint(StateText.text(run.status), StateText.tint(run.status))
    var lines = ["run \(run.id)  \(style.paint(ShownText.line(run.name), .bold))  \(status)"]
    if run.deletedAt != nil { lines[0] += "  " + style.paint("deleted", .caution) }
    lines += facts.lines(style: style)
    let blocks: [(title: String, lines: [String])] = [
      ("metrics", metrics.lines(width: width, style: style)),
      ("params", params.lines(style: style)),
      ("model", (detail.graph?.tableLines ?? []).map { "  " + $0 }),
      ("attempts", attempts.lines(width: width, style: style)),
      ("checkpoints", checkpoints),
      ("artifacts", artifacts.lines(width: width, style: style)),
      ("cost", cost.lines(style: style)),
    ]
    for block in blocks where !block.lines.isEmpty {
      lines += ["", style.paint(block.title, .bold)] + block.lines
    }
    return lines
  }

  private var facts: FieldList {
    var facts = FieldList(indent: 2)
    if let failure = run.failure {
      facts.add("failure", "\(failure.code): \(failure.message)", .bad)
    }
    facts.add("experiment", run.experiment)
    facts.add("id", run.uid.text)
    facts.add("job", run.jobId.map(String.init))
    facts.add("seed", run.seed.map(String.init))
    facts.add("beside", run.beside.map { $0 ? "ran beside other jobs" : "ran alone" })
    facts.add("created", Moments.localAndRelative(run.createdAt, now: now))
    facts.add("took", RunList.took(run, now: now))
    facts.add("exit code", detail.attempts.last?.exitCode.map(String.init))
    if let progress = run.progress, progress.epochs > 0, !run.status.isFinal {
      facts.add("epochs", "\(progress.epoch) of \(progress.epochs)")
    }
    if let lease = detail.lease { facts.add("lease", Self.text(lease)) }
    facts.add("dataset", run.dataset.map(Self.text))
    facts.add("from", detail.context.map(Self.text))
    facts.add("host", (detail.attempts.last?.environment).map(Self.text))
    facts.add(
      "tags", run.tags.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined(separator: ", "))
    facts.add("note", run.note)
    facts.add("deleted", run.deletedAt.map { Moments.localAndRelative($0, now: now) }, .caution)
    facts.add("parent", run.parentId.map { "run \($0)" })
    facts.add(
      "children", detail.children.isEmpty ? nil : NumberList.text("run", detail.children))
    return facts
  }

  private static func text(_ lease: Lease) -> String {
    let length = Quantities.duration(Double(lease.seconds))
    let heard = "last heard of \(Moments.localToTheSecond(lease.lastWriteAt))"
    return lease.expiresAt == nil ? "\(length), lapsed; \(heard)" : "\(length); \(heard)"
  }

  private var metrics: TextTable {
    var table = TextTable(
      [.left("metric"), .right("last"), .right("best"), .right("mean"), .right("points")], indent: 2
    )
    for (key, summary) in run.metrics.sorted(by: { MetricOrder.isBefore($0.key, $1.key) }) {
      let best = summary.best(MetricDirection(metric: key))
      table.add([
        .init(key), .init(MetricText.value(key, summary.last)), .init(MetricText.value(key, best)),
        .init(MetricText.value(key, summary.mean)), .init(Numbers.count(summary.count)),
      ])
    }
    return table
  }

  private var params: FieldList {
    var params = FieldList(indent: 2)
    for (key, value) in run.params.sorted(by: { ParamOrder.isBefore($0.key, $1.key) }) {
      params.add(key, value)
    }
    return params
  }

  /// Only where there was more than one, or the one ended badly.
  private var attempts: TextTable {
    var table = TextTable(
      [
        .right("attempt"), .left("state"), .left("began"), .right("took"), .left("from"),
        .left("failure", flexible: true),
      ], indent: 2)
    let isPlain = detail.attempts.count == 1 && detail.attempts[0].failure == nil
    for attempt in isPlain ? [] : detail.attempts {
      let ended = attempt.endedAt ?? now
      let failure = attempt.failure.map { "\($0.code): \($0.message)" }
      table.add([
        .init(String(attempt.number)), .init(attempt.state.rawValue.replacing("_", with: " ")),
        .init(Moments.localToTheSecond(attempt.startedAt ?? attempt.createdAt)),
        .init(attempt.startedAt.map { Quantities.duration(ended.seconds(since: $0)) } ?? ""),
        .init(attempt.resumedFromEpoch.map { "epoch \($0)" } ?? "the beginning"),
        .init(failure ?? ""),
      ])
    }
    return table
  }

  private var checkpoints: [String] {
    let all = detail.checkpoints
    guard !all.isEmpty else { return [] }
    let bytes = all.reduce(0) { $0 + $1.storedBytes }
    let epochs = NumberList.text("epoch", all.map { Int64($0.epoch) })
    var line = "  \(epochs), \(Quantities.bytes(bytes))"
    if let best = all.first(where: \.isBest) { line += "; best is \(best.epoch)" }
    if let latest = all.first(where: \.isLatest) { line += "; latest is \(latest.epoch)" }
    return [line]
  }

  private var artifacts: TextTable {
    var table = TextTable([.left("path"), .right("size"), .left("type")], indent: 2)
    for artifact in detail.artifacts {
      table.add([
        .init(artifact.path), .init(Quantities.bytes(artifact.bytes)), .init(artifact.mediaType),
      ])
    }
    return table
  }

  private var cost: FieldList {
    var list = FieldList(indent: 2)
    guard let cost = run.cost else { return list }
    let cpu = cost.cpuUserSeconds + cost.cpuSystemSeconds
    list.add("wall", Quantities.duration(cost.wallSeconds))
    list.add("CPU", Quantities.duration(cpu))
    list.add("memory", Quantities.bytes(cost.peakRssBytes) + " at most")
    list.add(
      "I/O",
      "\(Quantities.bytes(cost.readBytes)) read, \(Quantities.bytes(cost.writtenBytes)) written")
    list.add("training", cost.trainingSeconds.map(Quantities.duration))
    list.add("speed", cost.samplesPerSecond.map { Quantities.rate(samplesPerSecond: $0) })
    if let flops = cost.flopsPerStep, let steps = cost.stepsPerSecond {
      list.add("arithmetic", Quantities.factored(flops * steps) + "FLOP/s")
    }
    return list
  }
}

extension RunReport {
  private static func text(_ dataset: DatasetInfo) -> String {
    var parts = ["\(Numbers.count(dataset.rows)) rows"]
    let trained = [
      (dataset.trainRows, "train"), (dataset.validationRows, "validation"),
      (dataset.testRows, "test"),
    ]
    let split = trained.filter { $0.0 > 0 }.map { "\(Numbers.count($0.0)) \($0.1)" }
    if !split.isEmpty { parts[0] += " (\(split.joined(separator: ", ")))" }
    parts.append("\(Numbers.count(dataset.features)) features")
    if !dataset.classes.isEmpty { parts.append("\(dataset.classes.count) classes") }
    parts.append("sha256 \(dataset.sha256.prefix(12))")
    let place = dataset.path.map { " \($0)" } ?? ""
    return "\(dataset.name)\(place): \(parts.joined(separator: ", "))"
  }

  private static func text(_ context: SubmitContext) -> String {
    var text = "\(context.directory) by \(context.user)"
    guard let commit = context.gitCommit else { return text }
    text += ", git \(commit.prefix(10))"
    if let branch = context.gitBranch { text += " on \(branch)" }
    if context.gitDirty == true { text += ", with changes" }
    return text
  }

  private static func text(_ environment: Environment) -> String {
    let versions = environment.versions.sorted { $0.key < $1.key }.map { "\($0) \($1)" }
    return "\(environment.host), \(environment.cpu) x\(environment.cores), "
      + versions.joined(separator: ", ")
  }
}

/// The order in which metrics are listed: the losses first, train, validation, test.
enum MetricOrder {
  static func isBefore(_ a: String, _ b: String) -> Bool { rank(a) < rank(b) }

  private static func rank(_ key: String) -> (Int, Int, String) {
    let part = key.hasPrefix("val_") ? 1 : key.hasPrefix("test_") ? 2 : 0
    return (part, key.hasSuffix("loss") ? 0 : 1, key)
  }
}

/// Params by their dotted keys, numbers within them as numbers: `model.2.units` before `model.10.…`.
enum ParamOrder {
  static func isBefore(_ a: String, _ b: String) -> Bool {
    let a = a.split(separator: ".")
    let b = b.split(separator: ".")
    for (left, right) in zip(a, b) where left != right {
      if let left = Int(left), let right = Int(right) { return left < right }
      return left < right
    }
    return a.count < b.count
  }
}
