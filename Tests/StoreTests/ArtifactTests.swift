import Checkpoints
import Experiments
import Foundation
import GRDB
import Store
import Testing

@Suite struct ArtifactTests {
  private func add(
    _ test: TestStore, _ attempt: Attempt, _ path: String, _ bytes: [UInt8]
  ) async throws -> Artifact {
    let (manifest, chunks) = try ArtifactCoder.encode(
      path: path, mediaType: "text/csv", bytes: bytes)
    try await test.put(chunks)
    return try await test.store.addArtifact(attempt: attempt.id, manifest)
  }

  @Test func anArtifactReadsBack() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      var random = SeededGenerator(state: 3)
      let big = (0..<(2 * Limits.chunkBytes + 5)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      for (path, bytes) in [("a/predictions.csv", big), ("empty.txt", []), ("b", [1, 2, 3])] {
        let artifact = try await add(test, attempt, path, bytes)
        #expect(artifact.bytes == bytes.count && artifact.path == path)
        #expect(try await add(test, attempt, path, bytes) == artifact)
        let read = try await test.store.artifactBytes(run: attempt.runId, path: path)
        #expect(read.artifact == artifact && read.bytes == bytes)
      }
      let paths = try await test.store.artifacts(run: attempt.runId).map(\.path)
      #expect(paths == ["a/predictions.csv", "b", "empty.txt"])
      await expect("artifact_not_found") {
        try await test.store.artifactBytes(run: attempt.runId, path: "c")
      }
    }
  }

  @Test func aNewOneOfThePathTakesItsPlace() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      let old = try await add(test, attempt, "a", [1, 2, 3])
      let new = try await add(test, attempt, "a", [4, 5])
      #expect(new.id != old.id)
      #expect(try await test.store.artifactBytes(run: attempt.runId, path: "a").bytes == [4, 5])
      let chunks = try await test.store.read {
        try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM chunks")
      }
      #expect(chunks == 1)
    }
  }

  @Test func whatDoesNotFitIsRefused() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      let sha256 = ContentHash.sha256Hex([1])
      func manifest(_ path: String, _ chunks: [String], _ bytes: Int64) -> ArtifactManifest {
        ArtifactManifest(
          path: path, mediaType: "text/plain", chunks: chunks, sha256: sha256, bytes: bytes)
      }
      for (manifest, code) in [
        (manifest("../etc/passwd", [sha256], 1), "artifact_path_invalid"),
        (manifest("a", [sha256], 1), "chunk_missing"), (manifest("a", [], 1), "manifest_invalid"),
        (manifest("a", [sha256], 1 << 40), "artifact_too_large"),
      ] {
        await expect(code) { try await test.store.addArtifact(attempt: attempt.id, manifest) }
      }
      #expect(try await test.store.artifacts(run: attempt.runId).isEmpty)
    }
  }

  @Test func aDamagedOneIsFound() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      _ = try await add(test, attempt, "a", [1, 2, 3])
      try await test.store.write { db, _ in
        try db.execute(sql: "UPDATE chunks SET data = x'010204'")
      }
      await expect("artifact_damaged") {
        try await test.store.artifactBytes(run: attempt.runId, path: "a")
      }
    }
  }
}
