// Chunks and checkpoints. A checkpoint becomes visible whole or not at all, and every read verifies
// the hashes of what it gives.

import Checkpoints
package import Experiments
import GRDB

extension Store {
  /// Keeps a chunk, once it has been decoded and found to be what its hash says.
  /// - Throws: `chunk_damaged`, `chunk_too_large`, `invalid_value`.
  package func putChunk(
    sha256: String, rawBytes: Int, codec: ChunkCodec, stored: [UInt8]
  ) async throws {
    let chunk = EncodedChunk(sha256: sha256, rawBytes: rawBytes, codec: codec, stored: stored)
    try await working {
      _ = try ChunkRows.key(sha256)
      _ = try ChunkCoder.decode(chunk, part: "the upload")
    }
    try await write { [clock] db, _ in try ChunkRows.insert(db, chunk, at: clock.now()) }
  }

  /// Which of these are not stored, in the order given.
  /// - Throws: `invalid_value`.
  package func missingChunks(_ sha256s: [String]) async throws -> [String] {
    try await read { db in try sha256s.filter { try ChunkRows.info(db, $0) == nil } }
  }

  /// Makes uploaded chunks a checkpoint of the attempt's run, in place of one of the same epoch, and
  /// deletes what the run's policy does not keep: that may be this one, if it is an old epoch that
  /// comes late. The same one again changes nothing.
  /// - Throws: `chunk_missing` with all that are, `manifest_invalid` and others of a manifest's
  ///   errors, `attempt_not_found`, `attempt_fenced`.
  package func addCheckpoint(
    attempt id: Int64, _ manifest: CheckpointManifest
  ) async throws -> Checkpoint {
    try await addCheckpoint(manifest) { try ContentWriter.attempt($0, id) }
  }

  /// The same for somebody who is none of the run's attempts.
  /// - Throws: `chunk_missing` with all that are, `manifest_invalid` and others of a manifest's
  ///   errors, `run_not_found`, `run_deleted`, `conflict` while the run's job is under way.
  package func addCheckpoint(
    run id: Int64, _ manifest: CheckpointManifest
  ) async throws -> Checkpoint {
    try await addCheckpoint(manifest) { try ContentWriter.checkpointer($0, run: id) }
  }

  private func addCheckpoint(
    _ manifest: CheckpointManifest,
    by writer: @escaping @Sendable (Database) throws -> ContentWriter
  ) async throws -> Checkpoint {
    let text = try await working {
      try CheckpointCoder.check(manifest)
      return try RecordCoding.text(manifest)
    }
    return try await write { [clock] db, change in
      let now = clock.now()
      let attempt = try writer(db)
      let old = try db.row(
        """
        SELECT id, sha256 FROM checkpoints
        WHERE run_id = ? AND epoch = ? AND kind = 'checkpoint'
        """, [attempt.runId, manifest.epoch])
      var gone: Set<Int64> = []
      if old?[1] != manifest.sha256 {
        let chunks = try Self.chunks(of: manifest, db)
        gone = try old.map { try CheckpointRows.remove(db, $0[0]) } ?? []
        try Self.insert(db, manifest, text: text, chunks, attempt, at: now)
        change.note(.checkpoints, run: attempt.runId, job: attempt.jobId)
      }
      let all = try CheckpointRows.all(db, run: attempt.runId)
      guard let checkpoint = all.first(where: { $0.epoch == manifest.epoch }) else {
        throw StoreError.checkpointNotFound(run: attempt.runId, choice: "\(manifest.epoch)")
      }
      gone.formUnion(try CheckpointRows.applyPolicy(db, run: attempt.runId))
      try ChunkRows.collect(db, dereferenced: gone, at: now)
      return checkpoint
    }
  }

  private static func chunks(of manifest: CheckpointManifest, _ db: Database) throws
    -> [ChunkRows.Info]
  {
    let lists = manifest.tensors.map { tensor in
      let width = TensorType(rawValue: tensor.dtype)?.byteCount ?? 1
      return (names: tensor.chunks, bytes: tensor.shape.reduce(width, *))
    }
    return try ChunkRows.resolve(db, lists, part: "the checkpoint of epoch \(manifest.epoch)")
  }

  private static func insert(
    _ db: Database, _ manifest: CheckpointManifest, text: String, _ chunks: [ChunkRows.Info],
    _ attempt: ContentWriter, at now: Timestamp
  ) throws {
    let distinct = Dictionary(chunks.map { ($0.id, $0.storedBytes) }) { first, _ in first }
    try db.run(
      """
      INSERT INTO checkpoints (run_id, epoch, step, attempt, sha256, raw_bytes, stored_bytes,
        manifest, created_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        attempt.runId, manifest.epoch, manifest.step, attempt.number, manifest.sha256,
        manifest.rawBytes, distinct.values.reduce(0, +), text, now.microseconds,
      ])
    let checkpoint = db.lastInsertedRowID
    for (position, chunk) in chunks.enumerated() {
      try db.run(
        "INSERT INTO checkpoint_chunks (checkpoint_id, position, chunk_id) VALUES (?, ?, ?)",
        [checkpoint, position, chunk.id])
    }
  }

  /// In order of their epochs.
  /// - Throws: `run_not_found`.
  package func checkpoints(run id: Int64) async throws -> [Checkpoint] {
    try await read { db in
      try RunRows.require(db, id)
      return try CheckpointRows.all(db, run: id)
    }
  }

  /// - Throws: `run_not_found`, `checkpoint_not_found`.
  package func checkpointManifest(
    run id: Int64, _ choice: CheckpointChoice
  ) async throws -> (Checkpoint, CheckpointManifest) {
    try await read { db in
      try RunRows.require(db, id)
      return try CheckpointRows.choose(db, run: id, choice)
    }
  }

  /// The content of a checkpoint, verified.
  /// - Throws: `run_not_found`, `checkpoint_not_found`, `checkpoint_damaged`.
  package func checkpointTensors(
    run id: Int64, _ choice: CheckpointChoice
  ) async throws -> [Tensor] {
    try await readAndWork { db in
      try RunRows.require(db, id)
      let (checkpoint, manifest) = try CheckpointRows.choose(db, run: id, choice)
      return try Self.verifying(checkpoint) {
        try CheckpointCoder.decode(manifest: manifest) {
          try ChunkRows.raw(db, $0, part: "the checkpoint of epoch \(checkpoint.epoch)")
        }
      }
    }
  }

  /// The checkpoint as the bytes of a safetensors file, verified.
  /// - Throws: `run_not_found`, `checkpoint_not_found`, `checkpoint_damaged`.
  package func checkpointFile(
    run id: Int64, _ choice: CheckpointChoice
  ) async throws -> (Checkpoint, [UInt8]) {
    try await readAndWork { db in
      try RunRows.require(db, id)
      let (checkpoint, manifest) = try CheckpointRows.choose(db, run: id, choice)
      var bytes: [UInt8] = []
      bytes.reserveCapacity(Int(manifest.rawBytes))
      try Self.verifying(checkpoint) {
        try CheckpointCoder.export(
          manifest: manifest,
          chunk: { try ChunkRows.raw(db, $0, part: "the checkpoint of epoch \(checkpoint.epoch)") },
          write: { bytes += $0 })
      }
      return (checkpoint, bytes)
    }
  }

  /// Reads every checkpoint of a run and compares all hashes; `problem` is nil where all is well.
  /// - Throws: `run_not_found`.
  package func verifyCheckpoints(
    run id: Int64
  ) async throws -> [(checkpoint: Checkpoint, problem: String?)] {
    try await readAndWork { db in
      try RunRows.require(db, id)
      return try CheckpointRows.all(db, run: id).map { checkpoint in
        do {
          let manifest = try CheckpointRows.manifest(db, checkpoint)
          try Self.verifying(checkpoint) {
            try CheckpointCoder.verify(manifest: manifest) {
              try ChunkRows.raw(db, $0, part: "the checkpoint of epoch \(checkpoint.epoch)")
            }
          }
          return (checkpoint, nil)
        } catch StoreError.checkpointDamaged(_, _, let reason) {
          return (checkpoint, reason)
        } catch StoreError.databaseDamaged(let reason) {
          return (checkpoint, reason)
        }
      }
    }
  }

  /// Runs `body` and names the checkpoint in what it finds damaged.
  private static func verifying<Value>(
    _ checkpoint: Checkpoint, _ body: () throws -> Value
  ) throws -> Value {
    func damaged(_ reason: String) -> StoreError {
      .checkpointDamaged(run: checkpoint.runId, epoch: checkpoint.epoch, reason: reason)
    }
    do {
      return try body()
    } catch let error as CheckpointError {
      throw damaged(error.message)
    } catch let error as StoreError {
      if case .chunkMissing = error { throw damaged(error.message) }
      throw error
    }
  }
}
