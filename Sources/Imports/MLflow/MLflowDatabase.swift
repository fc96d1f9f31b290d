// Runs from MLflow's SQLite database. It is only read, in short transactions, so that an MLflow that
// works on it at the same time is never kept waiting for long.

package import Experiments
import GRDB

package final class MLflowDatabase: ImportSource {
  private let path: String
  private let options: MLflowOptions
  private let queue: DatabaseQueue
  private let schema: MLflowSchema

  /// - Throws: `source_unreadable`, `source_not_recognised`, `source_schema_unknown`.
  package init(_ path: String, options: MLflowOptions) throws(ImportError) {
    self.path = path
    self.options = options
    do {
      guard try Self.isSQLite(path) else {
        throw ImportError.notThatKind(
          path: path, expected: "a SQLite database of MLflow", hint: nil)
      }
      var configuration = Configuration()
      configuration.readonly = true
      configuration.busyMode = .timeout(30)
      queue = try DatabaseQueue(path: path, configuration: configuration)
      schema = try queue.read { try MLflowSchema($0, path: path) }
    } catch {
      throw Self.importError(error, path)
    }
  }

  package func total() throws(ImportError) -> Int64 {
    do {
      return try queue.read { try Int64.fetchOne($0, sql: "SELECT COUNT(*) FROM metrics") ?? 0 }
    } catch {
      throw Self.importError(error, path)
    }
  }

  package func read(
    known: (Identifier) throws -> String?, emit: (ImportItem) throws -> Void
  ) throws {
    do {
      try readRuns(known, emit)
    } catch let error as DatabaseError {
      throw Self.importError(error, path)
    }
  }

  private func readRuns(
    _ known: (Identifier) throws -> String?, _ emit: (ImportItem) throws -> Void
  ) throws {
    if !schema.hasRunIndex { try queue.read { try MLflowPoints.makeIndex($0) } }
    let list = try queue.read { try MLflowRuns.list($0, schema, deleted: options.deleted) }
    for skipped in list.skipped { try emit(.skipped(skipped)) }
    var placed: Set<Identifier> = []
    var artifacts = MLflowArtifacts(
      folder: options.artifactsFolder, storeFolder: Self.folder(of: path),
      wanted: options.artifacts)
    var points = MLflowPoints(infinities: options.infinities, hasRunIndex: schema.hasRunIndex)
    for uid in MLflowRecords.ordered(list.uids, parents: list.parents) {
      // The status first: if it says that the run is over, all of its points are there.
      guard let (facts, place) = try queue.read({ try MLflowRuns.facts($0, schema, uid) })
      else { continue }
      var (run, skipped) = MLflowRecords.run(
        facts, options: options.common, source: path, importable: placed)
      run.signature = options.signature(run.signature)
      try emit(.run(run))
      placed.insert(uid)
      for skipped in skipped { try emit(.skipped(skipped)) }
      if try known(uid) == run.signature {
        points.passOver(place.points)
      } else {
        try points.read(queue, run: uid, owner: MLflowRecords.owner(facts), emit: emit)
        try artifacts.read(
          run: uid, owner: MLflowRecords.owner(facts), uri: place.artifactURI,
          emit: emit)
      }
      try emit(
        .end(uid, facts.status, at: MLflowRecords.timestamp(facts.endMilliseconds)))
      try emit(.progress(points.done))
    }
    try artifacts.finish(emit: emit)
  }

  private static func isSQLite(_ path: String) throws(ImportError) -> Bool {
    let file = try SourceFile(path)
    let magic = Array("SQLite format 3\0".utf8)
    var bytes = [UInt8](repeating: 0, count: magic.count)
    let count = try file.read(into: &bytes)
    return count == magic.count && bytes == magic
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func importError(_ error: any Error, _ path: String) -> ImportError {
    switch error {
    case let error as ImportError: error
    case let error as DatabaseError:
      .unreadable(path: path, reason: error.message ?? "SQLite's error \(error.resultCode)")
    default: .unreadable(path: path, reason: "\(error)")
    }
  }
}
