// Takes what a reader finds and writes it to a sink. Everything may be written again: a run keeps the
// id that its source gives it, and gets its mark of completeness last, so that an import that was
// killed is finished by repeating it.

import Experiments
import Imports

struct RunUpload {
  /// The tag that tells what state of the source a run was imported whole from.
  static let signatureTag = "assay.import"

  private let sink: any RunSink
  private(set) var report = ImportReport()
  private var open: [Identifier: OpenedRun] = [:]

  private struct OpenedRun {
    var run: Run
    var imported: FoundRun
    var isNew: Bool
    /// Something of it could not be read or was refused, and may be had another time.
    var isIncomplete = false
    /// Nothing is written: it has not changed since, or it is not to be touched.
    var isPassedOver: Bool

    var name: String { "run \(imported.name ?? imported.uid.text)" }
  }

  init(to sink: any RunSink) { self.sink = sink }

  /// What the sink refuses is reported as skipped.
  mutating func write(_ item: ImportItem) async throws {
    do {
      try await take(item)
    } catch let refusal as Refusal {
      report.skip(name(of: item), why: refusal.why)
      switch item {
      // A run that could not be opened has nothing that could be written to.
      case .run(let run): open[run.uid] = nil
      case .params(let uid, _), .tags(let uid, _), .points(let uid, _), .artifact(let uid, _):
        open[uid]?.isIncomplete = true
      case .end, .skipped, .progress: break
      }
    }
  }

  private func name(of item: ImportItem) -> String {
    func run(_ uid: Identifier) -> String { open[uid]?.name ?? "run \(uid)" }
    return switch item {
    case .run(let imported): "run \(imported.name ?? imported.uid.text)"
    case .params(let uid, _): "params of \(run(uid))"
    case .tags(let uid, _): "tags of \(run(uid))"
    case .points(let uid, let series):
      "\(series.reduce(0) { $0 + $1.count }) points of \(run(uid))"
    case .artifact(let uid, let artifact): "artifact \(artifact.path) of \(run(uid))"
    case .end(let uid, _, _): "the end of \(run(uid))"
    case .skipped, .progress: ""
    }
  }

  private mutating func take(_ item: ImportItem) async throws {
    switch item {
    case .run(let run): try await begin(run)
    case .skipped(let skipped):
      report.skip(skipped)
      if let run = skipped.missingIn { open[run]?.isIncomplete = true }
    case .progress: break
    case .params(let uid, let params): try await add(params, to: uid)
    case .tags(let uid, let tags):
      guard let open = open[uid], !open.isPassedOver else { return }
      try await sink.setTags(run: open.run.id, tags, note: nil)
    case .points(let uid, let series): try await add(series, to: uid)
    case .artifact(let uid, let artifact): try await add(artifact, to: uid)
    case .end(let uid, let status, let time): try await end(uid, status, at: time)
    }
  }

  private mutating func begin(_ imported: FoundRun) async throws {
    guard (1...Limits.nameCharacters).contains(imported.experiment.count) else {
      throw Refusal(
        why: "its experiment's name has \(imported.experiment.count) characters, and 1 to "
          + "\(Limits.nameCharacters) are possible; give another one with --experiment")
    }
    guard let found = try await sink.find(imported.uid) else {
      let run = try await sink.open(imported)
      open[imported.uid] = OpenedRun(
        run: run, imported: imported, isNew: true, isPassedOver: false)
      return
    }
    var opened = OpenedRun(run: found, imported: imported, isNew: false, isPassedOver: false)
    if found.deletedAt != nil {
      opened.isPassedOver = true
      report.skip(
        opened.name,
        why: "run \(found.id) is deleted in Assay; bring it back with: assay rm --undo \(found.id)")
    } else if found.jobId != nil {
      opened.isPassedOver = true
      report.skip(opened.name, why: "run \(found.id) has the same id and is that of a job")
    } else if found.tags[Self.signatureTag] == imported.signature {
      opened.isPassedOver = true
      report.unchanged += 1
    } else {
      try await refresh(opened)
    }
    open[imported.uid] = opened
  }

  /// Brings what describes a run up to date with its source. What is another param there stays.
  private mutating func refresh(_ opened: OpenedRun) async throws {
    let (run, imported) = (opened.run, opened.imported)
    let tags = imported.tags.filter { run.tags[$0.key] != $0.value }
    let note = run.note.isEmpty ? imported.note : nil
    if !tags.isEmpty || note != nil { try await sink.setTags(run: run.id, tags, note: note) }
    try await addNew(imported.params, to: opened)
  }

  private mutating func addNew(_ params: [String: String], to opened: OpenedRun) async throws {
    for (key, value) in params.sorted(by: { $0.key < $1.key }) {
      guard let kept = opened.run.params[key], kept != value else { continue }
      report.skip(
        "param \(key) of \(opened.name)",
        why: "it is \(value.prefix(60)) now, and run \(opened.run.id) keeps \(kept.prefix(60))")
    }
    let new = params.filter { opened.run.params[$0.key] == nil }
    if !new.isEmpty { try await sink.addParams(run: opened.run.id, new) }
  }

  private mutating func add(_ params: [String: String], to uid: Identifier) async throws {
    guard var opened = open[uid], !opened.isPassedOver else { return }
    try await addNew(params, to: opened)
    opened.run.params.merge(params) { kept, _ in kept }
    open[uid] = opened
  }

  private mutating func add(_ series: [PointSeries], to uid: Identifier) async throws {
    guard let opened = open[uid], !opened.isPassedOver else { return }
    // A source without times has those of its run's beginning, the same whenever it is read.
    let origin = opened.run.createdAt.microseconds
    var dated = series
    for index in dated.indices where dated[index].times.contains(PointSeries.noTime) {
      dated[index].times = dated[index].times.map { $0 == PointSeries.noTime ? origin : $0 }
    }
    try await sink.append(run: opened.run.id, dated)
    report.points += Int64(series.reduce(0) { $0 + $1.count })
  }

  private mutating func add(_ artifact: FoundArtifact, to uid: Identifier) async throws {
    guard let opened = open[uid], !opened.isPassedOver else { return }
    try await sink.putArtifact(run: opened.run.id, artifact)
    report.artifacts += 1
    report.artifactBytes += artifact.bytes
  }

  private mutating func end(
    _ uid: Identifier, _ status: RunStatus, at time: Timestamp?
  ) async throws {
    guard let opened = open.removeValue(forKey: uid), !opened.isPassedOver else { return }
    let run = opened.run
    if status.isFinal {
      if !run.status.isFinal {
        try await sink.end(run: run.id, status, at: time)
      } else if run.status != status {
        report.skip(
          "the status of \(opened.name)",
          why: "it is \(status.rawValue) now, and run \(run.id) has ended as \(run.status.rawValue)"
        )
      }
    }
    // Last: without it the run is read again.
    if !opened.isIncomplete {
      try await sink.setTags(
        run: run.id, [Self.signatureTag: opened.imported.signature], note: nil)
    }
    if opened.isNew { report.imported += 1 } else { report.updated += 1 }
    report.runs.append(run.id)
  }
}
