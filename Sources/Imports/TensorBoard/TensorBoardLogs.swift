// TensorBoard's event files below a folder: every folder that has some is a run, named by its path.
// Scalars are read in both of their forms, and hyperparameters; the rest is counted and reported.

package import Experiments

package struct TensorBoardLogs: ImportSource {
  private let folder: String
  private let options: ImportOptions
  private let runs: [(path: String, files: [FolderFiles.Item])]
  private let unreadable: [Skipped]

  /// - Parameters:
  ///   - path: a folder, or one event file.
  ///   - absolutePath: the same from the root, which names the runs unless `options.name` does.
  /// - Throws: `source_not_recognised` if there are no event files.
  package init(
    _ path: String, absolutePath: String, options: ImportOptions
  ) throws(ImportError) {
    folder = absolutePath
    self.options = options
    let facts = try SourceFile.Facts(path)
    if facts.isFolder {
      let found = FolderFiles(in: path)
      unreadable = found.skipped
      var runs: [String: [FolderFiles.Item]] = [:]
      for item in found.items where Self.isEventFile(item.path) {
        runs[Self.folder(of: item.path), default: []].append(item)
      }
      self.runs = runs.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    } else {
      unreadable = []
      runs = [
        (
          "",
          [
            FolderFiles.Item(
              path: Self.name(of: path), file: path, size: facts.size,
              modifiedNanoseconds: facts.modifiedNanoseconds)
          ]
        )
      ]
    }
    guard !runs.isEmpty else {
      throw .notThatKind(
        path: path, expected: "a folder with event files of TensorBoard",
        hint: "their names contain \"tfevents\"")
    }
  }

  package func total() -> Int64 {
    runs.reduce(0) { $0 + $1.files.reduce(0) { $0 + Int64($1.size) } }
  }

  package func read(
    known: (Identifier) throws -> String?, emit: (ImportItem) throws -> Void
  ) throws {
    for skipped in unreadable { try emit(.skipped(skipped)) }
    var done: Int64 = 0
    for (path, files) in runs {
      let run = run(path, files)
      var reader = EventReader(run: run, done: done)
      try emit(.run(run))
      if try known(run.uid) == run.signature {
        try emit(.end(run.uid, .finished, at: nil))
      } else {
        for file in files { try reader.read(file, emit: emit) }
        try reader.finish(emit)
      }
      done += files.reduce(0) { $0 + Int64($1.size) }
      try emit(.progress(done))
    }
  }

  private func run(_ path: String, _ files: [FolderFiles.Item]) -> FoundRun {
    let source = options.name ?? folder
    let name = path.isEmpty ? options.name ?? Self.name(of: folder) : path
    var run = FoundRun(
      uid: SourceIdentity.uid(["tensorboard", source, path]), name: name,
      experiment: options.experiment ?? Self.name(of: source),
      signature: SourceIdentity.signature(
        files.map { "\($0.path) \($0.size) \($0.modifiedNanoseconds)" }))
    run.tags = ["assay.source": "tensorboard \(path.isEmpty ? source : source + "/" + path)"]
    run.createdAt = files.first.flatMap { EventReader.beginning(of: $0.file) }
    run.startedAt = run.createdAt
    var fitting = Fitting(owner: name)
    run.name = fitting.name(name)
    return run
  }

  private static func isEventFile(_ path: String) -> Bool {
    name(of: path).contains("tfevents")
  }

  private static func folder(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
  }

  static func name(of path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }
}
