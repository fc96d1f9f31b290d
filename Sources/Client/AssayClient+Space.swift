// The space that the store takes, and getting some of it back.

package import Experiments
package import Wire

extension AssayClient {
  package func usage() async throws -> StoreUsage {
    try await get(APIPath("usage"))
  }

  /// Works for some seconds at most: unless the report says `done`, there is more to do.
  package func collectGarbage(
    now: Bool = false, dryRun: Bool = false
  ) async throws -> GarbageReport {
    try await post(
      APIPath("gc").query("now", now ? "true" : nil).query("dry_run", dryRun ? "true" : nil))
  }

  /// Has the run removed for good; it takes no undo any more.
  @discardableResult
  package func purgeRun(_ name: String) async throws -> Run {
    try await delete(APIPath("runs", name))
  }

  package func changeExperiment(
    _ name: String, _ change: ExperimentChange
  ) async throws -> ResolvedRuns {
    try await patch(APIPath("experiments", name), change)
  }
}
