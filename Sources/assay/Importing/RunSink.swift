// Where imported runs go. The daemon in earnest, something that only counts for a dry run.

import Experiments
import Imports

/// Every method throws `Refusal` for what it does not take.
protocol RunSink: Sendable {
  /// The run with that id, also a deleted one; nil if there is none.
  func find(_ uid: Identifier) async throws -> Run?
  /// Opens the run; one that is there already gets the params and tags that it lacks.
  func open(_ run: FoundRun) async throws -> Run
  func addParams(run: Int64, _ params: [String: String]) async throws
  func setTags(run: Int64, _ tags: [String: String], note: String?) async throws
  func append(run: Int64, _ series: [PointSeries]) async throws
  func putArtifact(run: Int64, _ artifact: FoundArtifact) async throws
  func end(run: Int64, _ status: RunStatus, at time: Timestamp?) async throws
}

/// The daemon does not take a thing as it is. The others may still go on.
struct Refusal: Error {
  var why: String
}
