// Artifacts: files kept with a run, as chunks like checkpoints.

package import Experiments
import Checkpoints
import GRDB

extension Store {
  /// Makes uploaded chunks an artifact of the attempt's run, in place of one of the same path. The
  /// same one again changes nothing.
  /// - Throws: `chunk_missing` with all that are, `artifact_path_invalid` and others of a manifest's
  ///   errors, `attempt_not_found`, `attempt_fenced`.
  package func addArtifact(
    attempt id: Int64, _ manifest: ArtifactManifest
  ) async throws -> Artifact {
    try await addArtifact(manifest) { try ContentWriter.attempt($0, id) }
  }

  /// The same for somebody who is none of the run's attempts.
  /// - Throws: `chunk_missing` with all that are, `artifact_path_invalid` and others of a manifest's
  ///   errors, `run_not_found`, `run_deleted`.
  package func addArtifact(
    run id: Int64, _ manifest: ArtifactManifest
  ) async throws -> Artifact {
    try await addArtifact(manifest) { try ContentWriter.outsider($0, run: id) }
  }

  private func addArtifact(
    _ manifest: ArtifactManifest,
    by writer: @escaping @Sendable (Database) throws -> ContentWriter
  ) async throws -> Artifact {
    try await working { try ArtifactCoder.check(manifest) }
    return try await write { [clock] db, change in
      let now = clock.now()
      let attempt = try writer(db)
      try LeaseRows.renew(db, run: attempt.runId, at: now, &change)
      if let old = try Self.artifacts(
        db, "run_id = ? AND path = ?", [attempt.runId, manifest.path]
      )
      .first {
        let chunks = try db.int64s(
          "SELECT DISTINCT chunk_id FROM artifact_chunks WHERE artifact_id = ?", [old.id])
        guard old.sha256 != manifest.sha256 || old.mediaType != manifest.mediaType else {
          return old
        }
        let new = try Self.chunks(of: manifest, db)
        try db.run("DELETE FROM artifact_chunks WHERE artifact_id = ?", [old.id])
        try db.run("DELETE FROM artifacts WHERE id = ?", [old.id])
        try Self.insert(db, manifest, new, run: attempt.runId, at: now)
        try ChunkRows.collect(db, dereferenced: Set(chunks), at: now)
      } else {
        let chunks = try Self.chunks(of: manifest, db)
        try Self.insert(db, manifest, chunks, run: attempt.runId, at: now)
      }
      change.note(.artifacts, run: attempt.runId, job: attempt.jobId)
      return try Self.artifact(db, run: attempt.runId, path: manifest.path)
    }
  }

  /// In order of their paths.
  /// - Throws: `run_not_found`.
  package func artifacts(run id: Int64) async throws -> [Artifact] {
    try await read { db in
      try RunRows.require(db, id)
      return try Self.artifacts(db, "run_id = ? ORDER BY path", [id])
    }
  }

  /// An artifact with its content, verified.
  /// - Throws: `run_not_found`, `artifact_not_found`, `artifact_damaged`.
  package func artifactBytes(
    run id: Int64, path: String
  ) async throws -> (artifact: Artifact, bytes: [UInt8]) {
    try await readAndWork { db in
      try RunRows.require(db, id)
      let artifact = try Self.artifact(db, run: id, path: path)
      let names = try db.strings(
        """
        SELECT lower(hex(c.sha256)) FROM artifact_chunks a JOIN chunks c ON c.id = a.chunk_id
        WHERE a.artifact_id = ? ORDER BY a.position
        """, [artifact.id])
      let manifest = ArtifactManifest(
        path: path, mediaType: artifact.mediaType, chunks: names, sha256: artifact.sha256,
        bytes: artifact.bytes)
      var bytes: [UInt8] = []
      do {
        try ArtifactCoder.read(
          manifest: manifest,
          chunk: { try ChunkRows.raw(db, $0, part: "artifact \"\(path)\"") },
          write: { bytes += $0 })
      } catch let error as CheckpointError {
        throw StoreError.artifactDamaged(run: id, path: path, reason: error.message)
      } catch StoreError.chunkMissing(let names) {
        throw StoreError.artifactDamaged(
          run: id, path: path, reason: StoreError.chunkMissing(names).message)
      }
      return (artifact, bytes)
    }
  }

  private static func chunks(of manifest: ArtifactManifest, _ db: Database) throws
    -> [ChunkRows.Info]
  {
    try ChunkRows.resolve(
      db, [(manifest.chunks, Int(manifest.bytes))], part: "artifact \"\(manifest.path)\"")
  }

  private static func insert(
    _ db: Database, _ manifest: ArtifactManifest, _ chunks: [ChunkRows.Info], run: Int64,
    at now: Timestamp
  ) throws {
    try db.run(
      """
      INSERT INTO artifacts (run_id, path, media_type, sha256, bytes, created_at)
      VALUES (?, ?, ?, ?, ?, ?)
      """,
      [
        run, manifest.path, manifest.mediaType, manifest.sha256, manifest.bytes, now.microseconds,
      ])
    let artifact = db.lastInsertedRowID
    for (position, chunk) in chunks.enumerated() {
      try db.run(
        "INSERT INTO artifact_chunks (artifact_id, position, chunk_id) VALUES (?, ?, ?)",
        [artifact, position, chunk.id])
    }
  }

  private static func artifact(_ db: Database, run: Int64, path: String) throws -> Artifact {
    guard let artifact = try artifacts(db, "run_id = ? AND path = ?", [run, path]).first else {
      throw StoreError.artifactNotFound(run: run, path: path)
    }
    return artifact
  }

  /// - Parameter condition: of a few fixed forms.
  private static func artifacts(
    _ db: Database, _ condition: String, _ arguments: StatementArguments
  ) throws -> [Artifact] {
    try db.rows(
      """
      SELECT id, run_id, path, media_type, sha256, bytes, created_at FROM artifacts
      WHERE \(condition)
      """, arguments
    ).map {
      Artifact(
        id: $0[0], runId: $0[1], path: $0[2], mediaType: $0[3], sha256: $0[4], bytes: $0[5],
        createdAt: $0.time(6))
    }
  }
}
