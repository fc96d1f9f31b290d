// Reads the event files of one run in order. A damaged file ends at its damage, with what came
// before kept.

import Experiments

struct EventReader {
  private let run: FoundRun
  private let owner: String
  /// Bytes of the runs and files before.
  private var done: Int64
  private var reported: Int64 = 0
  private var batch = SeriesBatch()
  /// The plugin of a tag: only its first event has to name it.
  private var plugins: [String: String] = [:]
  private var params: [String: String] = [:]
  private var status: RunStatus = .finished
  private var endedAt: Timestamp?
  private var lastTime: Int64?
  /// What is not imported, with how often it came.
  private var passedOver: [String: Int] = [:]
  private var refused: [String: (why: String, count: Int)] = [:]

  init(run: FoundRun, done: Int64) {
    self.run = run
    self.done = done
    owner = "run \(run.name ?? run.uid.text)"
  }

  mutating func read(_ item: FolderFiles.Item, emit: (ImportItem) throws -> Void) throws {
    defer { done += Int64(item.size) }
    do {
      let file = try RecordFile(item.file)
      while try file.next({ record in try take(record, at: file.offset) }) {
        if batch.isFull {
          try emit(.points(run.uid, batch.drain()))
          try emit(.progress(done + Int64(file.offset)))
        }
      }
    } catch let damage as RecordFile.Damage {
      try emit(
        .skipped(
          Skipped(
            "\(item.file) from byte \(damage.offset) on",
            why: "it is damaged: \(damage.what); everything before is imported")))
    } catch let error as ImportError {
      try emit(.skipped(Skipped(item.file, why: error.message, missingIn: run.uid)))
    }
  }

  mutating func finish(_ emit: (ImportItem) throws -> Void) throws {
    if batch.count > 0 { try emit(.points(run.uid, batch.drain())) }
    var fitting = Fitting(owner: owner)
    let fittingParams = fitting.params(params)
    if !fittingParams.isEmpty { try emit(.params(run.uid, fittingParams)) }
    for skipped in fitting.skipped { try emit(.skipped(skipped)) }
    for (what, count) in passedOver.sorted(by: { $0.key < $1.key }) {
      try emit(
        .skipped(
          Skipped("\(what) of \(owner)", why: "it is no scalar (\(Self.times(count)))")))
    }
    for (key, reason) in refused.sorted(by: { $0.key < $1.key }) {
      try emit(
        .skipped(
          Skipped(
            "\(Fitting.shown(key)) of \(owner)",
            why: "\(reason.why) (\(Self.times(reason.count)))")))
    }
    try emit(
      .end(run.uid, status, at: endedAt ?? lastTime.map { Timestamp(microseconds: $0) }))
  }

  private mutating func take(_ record: RecordFile.Record, at offset: Int) throws {
    guard case .bytes(let bytes) = record else {
      passedOver["a record of more than \(RecordFile.largest >> 20) MiB", default: 0] += 1
      return
    }
    do {
      let event = try EventMessage(bytes)
      if let time = Self.microseconds(event.wallTime) { lastTime = max(time, lastTime ?? time) }
      for summary in event.summaries { try take(summary, event) }
    } catch {
      throw RecordFile.Damage(offset: offset, what: "a record is no event")
    }
  }

  private mutating func take(
    _ summary: EventMessage.Summary, _ event: EventMessage
  ) throws(ProtobufFields.Malformed) {
    if let plugin = summary.plugin, plugins[summary.tag] == nil { plugins[summary.tag] = plugin }
    let plugin = plugins[summary.tag]
    if plugin == Hyperparameters.plugin {
      if let content = summary.pluginContent { try take(Hyperparameters.content(content)) }
    } else if let value = summary.scalar, plugin == nil || plugin == "scalars" {
      if let why = Fitting.refusal(ofKey: summary.tag) {
        refused[summary.tag, default: (why, 0)].count += 1
      } else {
        batch.add(
          key: summary.tag, step: event.step, time: Self.microseconds(event.wallTime), value: value)
      }
    } else {
      let kind = plugin.map { $0 == "scalars" ? summary.kind : $0 } ?? summary.kind
      passedOver["\(kind) \(Fitting.shown(summary.tag))", default: 0] += 1
    }
  }

  private mutating func take(_ content: Hyperparameters.Content) {
    params.merge(content.params) { $1 }
    for key in content.skipped { passedOver["hyperparameter \(key)", default: 0] += 1 }
    status = content.status ?? status
    if let end = content.endSeconds.flatMap(Self.microseconds) {
      endedAt = Timestamp(microseconds: end)
    }
  }

  /// When the file's first event was written; nil if there is none that can be read.
  static func beginning(of file: String) -> Timestamp? {
    var time: Int64?
    do {
      _ = try RecordFile(file).next { record in
        if case .bytes(let bytes) = record { time = microseconds(try EventMessage(bytes).wallTime) }
      }
    } catch {
      return nil  // the reading itself says what is wrong
    }
    return time.map { Timestamp(microseconds: $0) }
  }

  /// Nil for what is no time.
  private static func microseconds(_ seconds: Double) -> Int64? {
    let value = (seconds * 1e6).rounded()
    return value > 0 && value < 4e18 ? Int64(value) : nil
  }

  private static func times(_ count: Int) -> String { count == 1 ? "once" : "\(count) times" }
}
