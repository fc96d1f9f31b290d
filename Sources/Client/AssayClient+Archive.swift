// Runs on their way from one store to another.

package import Experiments
import AsyncHTTPClient
import NIOCore
import NIOHTTP1

extension AssayClient {
  /// All that is known of a run apart from its points and the bytes of its content.
  package func archiveRun(_ name: String) async throws -> ArchiveRun {
    try await get(APIPath("runs", name, "archive"))
  }

  /// Brings in a run as it was elsewhere. One that is here already stays as it is.
  package func importRun(_ run: ArchiveRun) async throws -> ImportedRun {
    try await post(APIPath("import", "runs"), run)
  }

  /// Hands over a checkpoint as a safetensors file, piece by piece.
  /// - Parameter restart: called before the first piece, also before that of a second try.
  package func checkpointPieces(
    _ name: String, _ choice: CheckpointChoice, restart: () throws -> Void,
    write: (UnsafeRawBufferPointer) throws -> Void
  ) async throws {
    try await pieces(
      APIPath("runs", name, "checkpoints", choice.description, "file"), restart, write)
  }

  /// The same of an artifact.
  package func artifactPieces(
    _ name: String, path: String, restart: () throws -> Void,
    write: (UnsafeRawBufferPointer) throws -> Void
  ) async throws {
    try await pieces(
      APIPath("runs", name, "artifacts").appending(path: path), restart, write)
  }

  private func pieces(
    _ path: APIPath, _ restart: () throws -> Void,
    _ write: (UnsafeRawBufferPointer) throws -> Void
  ) async throws {
    try await retryingOnce(path) {
      let response = try await self.http.execute(
        self.request(.GET, path), deadline: .now() + self.timeAmount)
      guard response.status == .ok else {
        let body = try await response.body.collect(upTo: 1 << 20)
        throw Self.error(body, status: Int(response.status.code), path)
      }
      try restart()
      for try await piece in response.body {
        try piece.withUnsafeReadableBytes { try write($0) }
      }
    }
  }
}
