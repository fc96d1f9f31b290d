// Runs on their way from one store to another.

package import Experiments

extension AssayClient {
  /// All that is known of a run apart from its points and the bytes of its content.
  package func archiveRun(_ name: String) async throws -> ArchiveRun {
    try await get(APIPath("runs", name, "archive"))
  }

  /// Brings in a run as it was elsewhere. One that is here already stays as it is.
  package func importRun(_ run: ArchiveRun) async throws -> ImportedRun {
    try await post(APIPath("import", "runs"), run)
  }
}
