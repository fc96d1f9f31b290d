// Runs from the folder `mlruns` that MLflow kept before it had databases: a file per param and tag,
// and per metric one with a line per point.

package import Experiments

package struct MLflowFolder: ImportSource {
  private let root: String
  private let options: MLflowOptions

  package init(_ root: String, options: MLflowOptions) throws(ImportError) {
    self.root = root
    self.options = options
  }

  /// Whether the folder has an experiment in it.
  static func isStore(_ path: String) -> Bool {
    guard let names = try? SourceFile.names(in: path) else { return false }
    return names.contains { exists("\(path)/\($0)/meta.yaml") }
  }

  package func total() throws(ImportError) -> Int64 { Int64(try list().runs.count) }

  /// A run's folder, with what its own `meta.yaml` and that of its experiment say.
  private struct Entry {
    var uid: Identifier
    var folder: String
    var meta: MLflowMeta
    var experiment: String
    var experimentId: String
    var isDeleted: Bool
  }

  private struct List {
    var runs: [Entry] = []
    var skipped: [Skipped] = []
  }

  package func read(
    known: (Identifier) throws -> String?, emit: (ImportItem) throws -> Void
  ) throws {
    let list = try list()
    for skipped in list.skipped { try emit(.skipped(skipped)) }
    let entries = Dictionary(list.runs.map { ($0.uid, $0) }) { first, _ in first }
    var parents: [Identifier: Identifier] = [:]
    for entry in list.runs {
      if let parent = try text(entry.folder + "/tags/" + MLflowRecords.parentTag) {
        parents[entry.uid] = Identifier(parent)
      }
    }
    var artifacts = MLflowArtifacts(
      folder: options.artifactsFolder, storeFolder: root, wanted: options.artifacts)
    var done: Int64 = 0
    var placed: Set<Identifier> = []
    let order = MLflowRecords.ordered(list.runs.map(\.uid), parents: parents)
    for uid in order {
      guard let entry = entries[uid] else { continue }
      try read(entry, importable: placed, &artifacts, known, emit)
      placed.insert(uid)
      done += 1
      try emit(.progress(done))
    }
    try artifacts.finish(emit: emit)
  }

  private func read(
    _ entry: Entry, importable: Set<Identifier>, _ artifacts: inout MLflowArtifacts,
    _ known: (Identifier) throws -> String?, _ emit: (ImportItem) throws -> Void
  ) throws {
    let name = entry.meta["run_name"] ?? entry.meta["name"]
    var facts = MLflowRecords.Facts(
      uid: entry.uid, name: name, experiment: entry.experiment,
      status: entry.meta["status"].flatMap(MLflowRecords.status) ?? .running,
      isDeleted: entry.isDeleted,
      startMilliseconds: entry.meta["start_time"].flatMap { Int64($0) },
      endMilliseconds: entry.meta["end_time"].flatMap { Int64($0) }, user: entry.meta["user_id"])
    let owner = MLflowRecords.owner(facts)
    var unreadable: [Skipped] = []
    facts.params = try entries(entry.folder + "/params", owner, &unreadable)
    facts.tags = try entries(entry.folder + "/tags", owner, &unreadable)
    addDatasets(entry, to: &facts)
    let metrics = files(in: entry.folder + "/metrics")
    unreadable += metrics.skipped
    facts.signature = SourceIdentity.signature(
      ["\(facts.status)", "\(facts.endMilliseconds ?? 0)"]
        + metrics.items.map { "\($0.path) \($0.size) \($0.modifiedNanoseconds)" }
        + [facts.params, facts.tags].flatMap { entries in
          entries.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        })
    var (run, skipped) = MLflowRecords.run(
      facts, options: options.common, source: root, importable: importable)
    run.signature = options.signature(run.signature)
    try emit(.run(run))
    for skipped in skipped { try emit(.skipped(skipped)) }
    for var skipped in unreadable {
      skipped.missingIn = entry.uid
      try emit(.skipped(skipped))
    }
    if try known(entry.uid) != run.signature {
      for metric in metrics.items { try readPoints(metric, run: entry.uid, owner, emit) }
      try artifacts.read(
        run: entry.uid, owner: owner, uri: Self.artifactURI(entry),
        emit: emit)
    }
    try emit(.end(entry.uid, facts.status, at: MLflowRecords.timestamp(facts.endMilliseconds)))
  }

  /// The run's own folder where it has one, wherever the store was when its URI was written.
  private static func artifactURI(_ entry: Entry) -> String? {
    exists(entry.folder + "/artifacts") ? entry.folder + "/artifacts" : entry.meta["artifact_uri"]
  }

  /// Lines of `milliseconds value step`; in old stores without a step.
  private func readPoints(
    _ metric: FolderFiles.Item, run: Identifier, _ owner: String,
    _ emit: (ImportItem) throws -> Void
  ) throws {
    if let why = Fitting.refusal(ofKey: metric.path) {
      return try emit(
        .skipped(Skipped("metric \(Fitting.shown(metric.path)) of \(owner)", why: why)))
    }
    var batch = SeriesBatch()
    let blocks = try LineBlocks(metric.file, quoted: false)
    while try blocks.next({ bytes in
      var number = blocks.line - 1
      for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
        number += 1
        let parts = String(decoding: line, as: UTF8.self).split { $0 == " " || $0 == "\r" }
        if parts.isEmpty { continue }
        guard parts.count != 1, let time = Int64(parts[0]),
          let value = CellValues.number(String(parts[1])),
          let step = parts.count > 2 ? Int64(parts[2]) : 0
        else {
          try emit(
            .skipped(Skipped("\(metric.file):\(number)", why: "the line is no point of a metric")))
          continue
        }
        batch.add(
          key: metric.path, step: step, time: MLflowRecords.timestamp(time)?.microseconds,
          value: value)
        if batch.isFull { try emit(.points(run, batch.drain())) }
      }
    }) {}
    if batch.count > 0 { try emit(.points(run, batch.drain())) }
  }

  private func entries(
    _ folder: String, _ owner: String, _ unreadable: inout [Skipped]
  ) throws -> [String: String] {
    var entries: [String: String] = [:]
    let found = files(in: folder)
    unreadable += found.skipped
    for item in found.items {
      do {
        entries[item.path] = try SourceFile.text(item.file)
      } catch {
        unreadable.append(Skipped("\(item.path) of \(owner)", why: error.message))
      }
    }
    return entries
  }

  private func addDatasets(_ entry: Entry, to facts: inout MLflowRecords.Facts) {
    var number = 1
    for input in files(in: entry.folder + "/inputs").items where input.path.hasSuffix("meta.yaml") {
      guard let meta = try? MLflowMeta(SourceFile.text(input.file)),
        let id = meta["source_id"],
        let dataset = try? MLflowMeta(
          SourceFile.text("\(root)/\(entry.experimentId)/datasets/\(id)/meta.yaml"))
      else { continue }
      MLflowRecords.add(
        dataset: [
          ("name", dataset["name"]), ("digest", dataset["digest"]),
          ("source_type", dataset["source_type"]), ("source", dataset["source"]),
        ], number: number, to: &facts.tags)
      number += 1
    }
  }

  private func list() throws(ImportError) -> List {
    var list = List()
    for folder in try experimentFolders() {
      let experiment = MLflowMeta(try SourceFile.text(folder.path + "/meta.yaml"))
      let name = experiment["name"] ?? folder.name
      let isDeleted = folder.isTrash || experiment["lifecycle_stage"] == "deleted"
      for runName in try SourceFile.names(in: folder.path) {
        let path = folder.path + "/" + runName
        guard Self.exists(path + "/meta.yaml"), let uid = Identifier(runName) else { continue }
        let meta = MLflowMeta(try SourceFile.text(path + "/meta.yaml"))
        let isRunDeleted = meta["lifecycle_stage"] == "deleted"
        if (isDeleted || isRunDeleted) && !options.deleted {
          let why = isRunDeleted ? "it" : "its experiment \(name)"
          list.skipped.append(
            Skipped("run \(runName)", why: "\(why) is deleted in MLflow; --deleted imports it"))
        } else {
          list.runs.append(
            Entry(
              uid: uid, folder: path, meta: meta, experiment: name, experimentId: folder.name,
              isDeleted: isDeleted || isRunDeleted))
        }
      }
    }
    list.runs.sort {
      ($0.meta["start_time"].flatMap { Int64($0) } ?? 0, $0.uid.text)
        < ($1.meta["start_time"].flatMap { Int64($0) } ?? 0, $1.uid.text)
    }
    return list
  }

  private func experimentFolders() throws(ImportError) -> [(
    name: String, path: String, isTrash: Bool
  )] {
    var folders: [(name: String, path: String, isTrash: Bool)] = []
    for (parent, isTrash) in [(root, false), (root + "/.trash", true)] {
      guard Self.exists(parent) else { continue }
      for name in try SourceFile.names(in: parent) where Self.exists("\(parent)/\(name)/meta.yaml")
      {
        folders.append((name, parent + "/" + name, isTrash))
      }
    }
    return folders
  }

  private func files(in folder: String) -> (items: [FolderFiles.Item], skipped: [Skipped]) {
    guard Self.exists(folder) else { return ([], []) }
    let found = FolderFiles(in: folder)
    return (found.items, found.skipped)
  }

  /// Nil if there is no such file.
  private func text(_ path: String) throws(ImportError) -> String? {
    Self.exists(path) ? try SourceFile.text(path) : nil
  }

  private static func exists(_ path: String) -> Bool {
    do {
      _ = try SourceFile.Facts(path)
      return true
    } catch {
      return false
    }
  }
}
