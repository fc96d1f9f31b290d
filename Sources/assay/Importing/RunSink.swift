// Where imported runs go. The daemon in earnest, something that only counts for a dry run.

import Experiments
import Imports

protocol RunSink: Sendable {
  /// The run with that id, also a deleted one; nil if there is none.
  func find(_ uid: Identifier) async throws -> Run?
  /// Opens the run; one that is there already gets the params and tags that it lacks.
  func open(_ run: ImportedRun) async throws -> Run
  func addParams(run: Int64, _ params: [String: String]) async throws
  func setTags(run: Int64, _ tags: [String: String], note: String?) async throws
  func append(run: Int64, _ series: [PointSeries]) async throws
  /// - Throws: `ArtifactRefusal` if it is the file's own fault.
  func putArtifact(run: Int64, _ artifact: ImportedArtifact) async throws
  func end(run: Int64, _ status: RunStatus, at time: Timestamp?) async throws
}

/// A file that cannot be imported, which is no reason to stop.
struct ArtifactRefusal: Error {
  var why: String
}
