// Runs and what is kept of them. `name` is a run as people name it: `12`, a hexadecimal id or its
// beginning, `@latest`, `@NAME` of a baseline of one run.

package import Experiments
import NIOCore
package import Wire

extension AssayClient {
  package func runs(_ query: RunListQuery = RunListQuery()) async throws -> Page<Run> {
    try await get(Self.list(APIPath("runs"), query))
  }

  /// The runs as rows of the columns that the query selects.
  package func runTable(_ query: RunListQuery) async throws -> Page<RunTableRow> {
    try await get(Self.list(APIPath("runs", "table"), query))
  }

  /// The runs in groups that agree in `fields`, with statistics of the columns that the query
  /// selects.
  package func runGroups(_ query: RunListQuery, by fields: [String]) async throws -> Page<RunGroup>
  {
    try await get(
      Self.list(APIPath("runs", "groups"), query)
        .query("group_by", fields.joined(separator: ",")))
  }

  private static func list(_ path: APIPath, _ query: RunListQuery) -> APIPath {
    let statuses = query.statuses.map(\.rawValue).joined(separator: ",")
    return path.query("experiment", query.experiment)
      .query("status", statuses.isEmpty ? nil : statuses)
      .query("where", query.whereText)
      .query("order_by", query.orderBy.isEmpty ? nil : query.orderBy.joined(separator: ","))
      .query("limit", query.limit).query("cursor", query.cursor)
      .query("deleted", query.deleted ? "true" : nil)
      .query("select", query.select?.joined(separator: ","))
      .query("count", query.count ? "true" : nil)
  }

  package func run(_ name: String) async throws -> Run {
    try await get(APIPath("runs", name))
  }

  package func detail(_ name: String) async throws -> RunDetail {
    try await get(APIPath("runs", name, "detail"))
  }

  package func changeRun(_ name: String, _ change: RunChange) async throws -> Run {
    try await patch(APIPath("runs", name), change)
  }

  /// The series as it counts; the summaries of all series stand in the run itself.
  /// - Parameter points: thinned out to so many points at most; nil: all.
  package func history(
    _ name: String, key: String, points: Int? = nil
  ) async throws -> MetricHistory {
    try await get(APIPath("runs", name, "metrics", key).query("points", points))
  }

  /// Writes points into a run without an attempt.
  package func addMetrics(_ name: String, _ batch: MetricsBatch) async throws -> PointsAdded {
    try await post(APIPath("runs", name, "metrics"), batch)
  }

  package func experiments() async throws -> Page<ExperimentSummary> {
    try await get(APIPath("experiments"))
  }

  /// The numbers of the runs that the names mean: `["2-6", "@nightly"]`.
  package func resolve(
    _ names: [String], experiment: String? = nil
  ) async throws -> [Int64] {
    let answer: ResolvedRuns = try await get(
      APIPath("resolve").query("names", names.joined(separator: ","))
        .query("experiment", experiment))
    return answer.runIds
  }

  package func checkpoints(_ name: String) async throws -> Page<Checkpoint> {
    try await get(APIPath("runs", name, "checkpoints"))
  }

  /// What the run's whole state was at the end of each epoch, kept or not.
  package func epochHashes(_ name: String) async throws -> Page<EpochHash> {
    try await get(APIPath("runs", name, "epochs"))
  }

  /// Reads every checkpoint of the run and compares all hashes.
  package func verifyCheckpoints(_ name: String) async throws -> Page<CheckpointVerification> {
    try await post(APIPath("runs", name, "checkpoints", "verify"))
  }

  /// A checkpoint as a safetensors file, in memory.
  package func checkpointBytes(
    _ name: String, _ choice: CheckpointChoice
  ) async throws -> [UInt8] {
    try await getBytes(Self.checkpointPath(name, choice))
  }

  /// Writes a checkpoint as a safetensors file to `path`, which appears whole or not at all.
  /// Answers its size in bytes.
  @discardableResult
  package func checkpointFile(
    _ name: String, _ choice: CheckpointChoice, to path: String
  ) async throws -> Int64 {
    try await download(Self.checkpointPath(name, choice), to: path)
  }

  package func artifacts(_ name: String) async throws -> Page<Artifact> {
    try await get(APIPath("runs", name, "artifacts"))
  }

  package func artifact(_ name: String, path: String) async throws -> [UInt8] {
    try await getBytes(APIPath("runs", name, "artifacts").appending(path: path))
  }

  /// Writes an artifact to `file`, which appears whole or not at all. Answers its size in bytes.
  @discardableResult
  package func artifactFile(
    _ name: String, path: String, to file: String
  ) async throws -> Int64 {
    try await download(APIPath("runs", name, "artifacts").appending(path: path), to: file)
  }

  /// A piece of the log, beginning at a byte offset.
  package func log(
    _ name: String, offset: Int64 = 0, limit: Int? = nil
  ) async throws -> LogPage {
    try await get(
      APIPath("runs", name, "log").query("offset", offset).query("limit", limit))
  }

  private static func checkpointPath(_ name: String, _ choice: CheckpointChoice) -> APIPath {
    APIPath("runs", name, "checkpoints", choice.description, "file")
  }
}
