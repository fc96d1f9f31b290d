// The runs of a table, made as they are first named, with their points gathered until there are
// enough to hand over.

import Experiments

struct TableRuns {
  private let kind: String
  private let source: String
  private let options: ImportOptions
  private let facts: SourceFile.Facts
  private let fileName: String
  private var runs: [String: FoundRun] = [:]
  private var order: [String] = []
  private var batches: [Identifier: SeriesBatch] = [:]
  private var lastTimes: [Identifier: Int64] = [:]
  private var waiting = 0
  private var unchanged: Set<Identifier> = []
  private var refused: [String: (why: String, count: Int)] = [:]

  /// - Parameter absolutePath: names the source unless `options.name` does.
  init(kind: String, path: String, absolutePath: String, options: ImportOptions) throws(ImportError)
  {
    self.kind = kind
    self.options = options
    source = options.name ?? absolutePath
    fileName = TensorBoardLogs.name(of: options.name ?? absolutePath)
    facts = try SourceFile.Facts(path)
  }

  /// The run of that name in the file; nil where the file has only one.
  /// - Parameter time: of its first point, if that has one.
  mutating func run(
    _ name: String?, time: Int64?, known: (Identifier) throws -> String?,
    emit: (ImportItem) throws -> Void
  ) throws -> Identifier {
    if let run = runs[name ?? ""] { return run.uid }
    let stem = fileName.lastIndex(of: ".").map { String(fileName[..<$0]) } ?? fileName
    let owner = "run \(name ?? stem)"
    var run = FoundRun(
      uid: SourceIdentity.uid([kind, source, name ?? ""]), name: nil,
      experiment: options.experiment ?? stem,
      signature: SourceIdentity.signature(["\(facts.size)", "\(facts.modifiedNanoseconds)"]))
    var fitting = Fitting(owner: owner)
    run.name = fitting.name(name ?? stem)
    run.tags = ["assay.source": "\(kind) \(source)"]
    run.createdAt = Timestamp(microseconds: time ?? facts.modifiedNanoseconds / 1_000)
    try emit(.run(run))
    for skipped in fitting.skipped { try emit(.skipped(skipped)) }
    if try known(run.uid) == run.signature { unchanged.insert(run.uid) }
    runs[name ?? ""] = run
    order.append(name ?? "")
    return run.uid
  }

  mutating func add(
    _ run: Identifier, key: String, step: Int64, time: Int64?, value: Double, epoch: Int64?,
    emit: (ImportItem) throws -> Void
  ) throws {
    guard !unchanged.contains(run) else { return }
    if let why = Fitting.refusal(ofKey: key) {
      refused[key, default: (why, 0)].count += 1
      return
    }
    if let time { lastTimes[run] = max(time, lastTimes[run] ?? time) }
    batches[run, default: SeriesBatch()].add(
      key: key, step: step, time: time, value: value, epoch: epoch)
    waiting += 1
    if waiting >= SeriesBatch.size { try flush(emit) }
  }

  mutating func finish(_ emit: (ImportItem) throws -> Void) throws {
    try flush(emit)
    for (key, reason) in refused.sorted(by: { $0.key < $1.key }) {
      try emit(
        .skipped(
          Skipped("\(reason.count) points of metric \(Fitting.shown(key))", why: reason.why)))
    }
    for name in order {
      guard let run = runs[name] else { continue }
      let last = lastTimes[run.uid].map { Timestamp(microseconds: $0) }
      try emit(.end(run.uid, .finished, at: last ?? run.createdAt))
    }
  }

  private mutating func flush(_ emit: (ImportItem) throws -> Void) throws {
    for name in order {
      guard let uid = runs[name]?.uid, var batch = batches[uid], batch.count > 0 else { continue }
      batches[uid] = nil
      try emit(.points(uid, batch.drain()))
    }
    waiting = 0
  }
}
