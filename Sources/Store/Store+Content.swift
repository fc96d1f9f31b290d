// Chunks and checkpoints. A checkpoint becomes visible whole or not at all, and every read verifies
// the hashes of what it gives.

package import Checkpoints
package import Experiments
import GRDB

extension Store {
  /// Keeps a chunk, once it has been decoded and found to be what its hash says.
  /// - Parameter base: the chunk that it is the difference to, which must be stored.
  /// - Throws: `chunk_damaged`, `chunk_too_large`, `chunk_missing` if the base is,
  ///   `chunk_chain_too_long`, `invalid_value`.
  package func putChunk(
    sha256: String, rawBytes: Int, codec: ChunkCodec, base: String? = nil, stored: [UInt8]
  ) async throws {
    let chunk = EncodedChunk(
      sha256: sha256, rawBytes: rawBytes, codec: codec, base: base, stored: stored)
    try await addChunks([chunk]) { _, _ in }
  }

  /// Keeps chunks, each once it has been decoded and found to be what its hash says, and makes them a
  /// checkpoint of the attempt's run, all at once.
  /// - Parameters:
  ///   - chunks: none after one that is a difference to it.
  ///   - manifest: nil if more chunks are to come first.
  ///   - hashes: as `addEpochHashes` takes them.
  /// - Throws: as `putChunk`, `addCheckpoint` and `addEpochHashes`.
  package func addContent(
    attempt id: Int64, chunks: [EncodedChunk], checkpoint manifest: CheckpointManifest?,
    epochs hashes: [EpochHash] = []
  ) async throws {
    try Self.check(hashes)
    let parts = try await working { try manifest.map { try Self.parts(of: $0) } }
    try await addChunks(chunks) { [clock] db, change in
      let writer = try ContentWriter.attempt(db, id)
      try Self.add(db, hashes, run: writer.runId)
      if let parts { _ = try Self.add(db, parts, writer, at: clock.now(), &change) }
    }
  }

  /// - Parameter also: what else belongs to the transaction.
  private func addChunks(
    _ chunks: [EncodedChunk], also: @escaping WriteQueue.Body<Void>
  ) async throws {
    for chunk in chunks where chunk.codec.needsBase != (chunk.base != nil) {
      throw StoreError.invalidValue(
        field: "base",
        message: chunk.codec.needsBase
          ? "is needed with the codec \(chunk.codec.rawValue)"
          : "cannot be given with the codec \(chunk.codec.rawValue)")
    }
    let new = try await readAndWork { db in try ChunkUpload(db, chunks).verified() }
    try await write { [clock, maxBytes] db, change in
      if !new.isEmpty { try Quota.check(db, maxBytes: maxBytes) }
      let now = clock.now()
      for chunk in chunks {
        try ChunkRows.insert(db, chunk, isVerified: new.contains(chunk.sha256), at: now)
      }
      try also(db, &change)
    }
  }

  /// Which of these are not stored, in the order given.
  /// - Throws: `invalid_value`.
  package func missingChunks(_ sha256s: [String]) async throws -> [String] {
    try await read { db in try sha256s.filter { try ChunkRows.info(db, $0) == nil } }
  }

  /// Makes uploaded chunks a checkpoint of the attempt's run, or a snapshot, or both if the manifest
  /// says what its weights are, in place of one of the same epoch; and deletes what the run's policy
  /// does not keep: that may be this one, if it is an old epoch that comes late. The same one again
  /// changes nothing.
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
    let parts = try await working { try Self.parts(of: manifest) }
    return try await write { [clock] db, change in
      let writer = try writer(db)
      try LeaseRows.renew(db, run: writer.runId, at: clock.now(), &change)
      return try Self.add(db, parts, writer, at: clock.now(), &change)
    }
  }

  /// A manifest, checked, and the snapshot that comes with it, each with its text.
  private static func parts(
    of manifest: CheckpointManifest
  ) throws -> [(manifest: CheckpointManifest, text: String)] {
    try CheckpointCoder.check(manifest)
    return try [manifest, manifest.snapshot].compactMap { $0 }.map {
      ($0, try RecordCoding.text($0))
    }
  }

  private static func add(
    _ db: Database, _ parts: [(manifest: CheckpointManifest, text: String)],
    _ writer: ContentWriter, at now: Timestamp, _ change: inout StoreChange
  ) throws -> Checkpoint {
    var gone: Set<Int64> = []
    var isRepeated = false
    for (manifest, text) in parts {
      let old = try db.row(
        "SELECT id, sha256 FROM checkpoints WHERE run_id = ? AND epoch = ? AND kind = ?",
        [writer.runId, manifest.epoch, manifest.kind.rawValue])
      isRepeated = isRepeated || old != nil
      guard old?[1] != manifest.sha256 else { continue }
      let chunks = try Self.chunks(of: manifest, db)
      if let old { gone.formUnion(try CheckpointRows.remove(db, old[0])) }
      try Self.insert(db, manifest, text: text, chunks, writer, at: now)
      change.note(.checkpoints, run: writer.runId, job: writer.jobId)
    }
    let (epoch, step) = (parts[0].manifest.epoch, parts[0].manifest.step)
    let best = try CheckpointRetention.noteBest(
      db, run: writer.runId, added: (epoch, step), attempt: writer.number, isRepeated: isRepeated)
    let checkpoint = try CheckpointRows.one(db, run: writer.runId, epoch: epoch, best: best)
    // What comes from outside the training stays until somebody removes it.
    if writer.number != 0 {
      gone.formUnion(
        try CheckpointRetention.apply(db, run: writer.runId, added: epoch, best: best))
    }
    try ChunkRows.collect(db, dereferenced: gone, at: now)
    return checkpoint
  }

  /// Keeps the hashes that the whole states of epochs have, whether the states are kept or not. The
  /// newest attempt's counts.
  /// - Throws: `invalid_value`, `attempt_not_found`, `attempt_fenced`.
  package func addEpochHashes(attempt id: Int64, _ hashes: [EpochHash]) async throws {
    try Self.check(hashes)
    try await write { db, _ in
      let attempt = try AttemptRows.live(db, id)
      try Self.add(db, hashes, run: attempt.runId)
    }
  }

  private static func check(_ hashes: [EpochHash]) throws {
    for hash in hashes where !ContentHash.isHex(hash.sha256) {
      throw StoreError.invalidValue(
        field: "sha256",
        message: "must be 64 hexadecimal digits, not \"\(hash.sha256.prefix(80))\"")
    }
  }

  private static func add(_ db: Database, _ hashes: [EpochHash], run: Int64) throws {
    for hash in hashes {
      try db.run(
        """
        INSERT INTO epoch_hashes (run_id, epoch, step, sha256) VALUES (?, ?, ?, ?)
        ON CONFLICT (run_id, epoch) DO UPDATE SET step = excluded.step, sha256 = excluded.sha256
        """, [run, hash.epoch, hash.step, hash.sha256])
    }
  }

  /// In order of their epochs.
  /// - Throws: `run_not_found`.
  package func epochHashes(run id: Int64) async throws -> [EpochHash] {
    try await read { db in
      try RunRows.require(db, id)
      return try db.rows(
        "SELECT epoch, step, sha256 FROM epoch_hashes WHERE run_id = ? ORDER BY epoch", [id]
      ).map { EpochHash(epoch: $0[0], step: $0[1], sha256: $0[2]) }
    }
  }

  private static func chunks(of manifest: CheckpointManifest, _ db: Database) throws
    -> [ChunkRows.Info]
  {
    let lists = manifest.tensors.map { tensor in
      let width = TensorType(rawValue: tensor.dtype)?.byteCount ?? 1
      return (names: tensor.chunks, bytes: tensor.shape.reduce(width, *))
    }
    return try ChunkRows.resolve(
      db, lists, part: "the \(manifest.kind.rawValue) of epoch \(manifest.epoch)")
  }

  private static func insert(
    _ db: Database, _ manifest: CheckpointManifest, text: String, _ chunks: [ChunkRows.Info],
    _ writer: ContentWriter, at now: Timestamp
  ) throws {
    let distinct = Dictionary(chunks.map { ($0.id, $0.storedBytes) }) { first, _ in first }
    try db.run(
      """
      INSERT INTO checkpoints (run_id, kind, epoch, step, attempt, sha256, raw_bytes, stored_bytes,
        manifest, created_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        writer.runId, manifest.kind.rawValue, manifest.epoch, manifest.step, writer.number,
        manifest.sha256, manifest.rawBytes, distinct.values.reduce(0, +), text, now.microseconds,
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
      return try Self.verified(db, checkpoint, manifest) { chunk in
        try CheckpointCoder.decode(manifest: manifest, chunk: chunk)
      }
    }
  }

  /// A size that is read may be anything; memory is taken ahead up to here.
  private static let mostReserved: Int64 = 1 << 28

  /// The checkpoint as the bytes of a safetensors file, verified.
  /// - Throws: `run_not_found`, `checkpoint_not_found`, `checkpoint_damaged`.
  package func checkpointFile(
    run id: Int64, _ choice: CheckpointChoice
  ) async throws -> (Checkpoint, [UInt8]) {
    try await readAndWork { db in
      try RunRows.require(db, id)
      let (checkpoint, manifest) = try CheckpointRows.choose(db, run: id, choice)
      let bytes = try Self.verified(db, checkpoint, manifest) { chunk in
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(clamping: min(max(0, manifest.rawBytes), Self.mostReserved)))
        try CheckpointCoder.export(manifest: manifest, chunk: chunk) { bytes += $0 }
        return bytes
      }
      return (checkpoint, bytes)
    }
  }

  /// Reads what is kept of every epoch of a run and compares all hashes; says of each what is
  /// wrong, or nil.
  /// - Throws: `run_not_found`.
  package func verifyCheckpoints(
    run id: Int64
  ) async throws -> [(checkpoint: Checkpoint, problem: String?)] {
    try await readAndWork { db in
      try RunRows.require(db, id)
      return try CheckpointRows.all(db, run: id).map { checkpoint in
        // The snapshot beside a whole state has a hash of its own.
        for part in try CheckpointRows.records(db, run: id, epoch: checkpoint.epoch) {
          do {
            let manifest = try CheckpointRows.manifest(db, part)
            try Self.verified(db, part, manifest) {
              try CheckpointCoder.verify(manifest: manifest, chunk: $0)
            }
          } catch StoreError.checkpointDamaged(_, _, let reason) {
            return (checkpoint, reason)
          } catch StoreError.databaseDamaged(let reason) {
            return (checkpoint, reason)
          }
        }
        return (checkpoint, nil)
      }
    }
  }

  /// Runs `body`, which compares the hash of the whole, with the chunks' bytes as they come; if it
  /// finds something wrong, reads again and compares the hash of each chunk and base, so that the
  /// error names the one that is damaged.
  private static func verified<Value>(
    _ db: Database, _ checkpoint: Checkpoint, _ manifest: CheckpointManifest,
    _ body: ((String) throws -> [UInt8]) throws -> Value
  ) throws -> Value {
    let part = "the \(checkpoint.kind.rawValue) of epoch \(checkpoint.epoch)"
    return try verifying(checkpoint) {
      do {
        return try body { try ChunkRows.raw(db, $0, part: part, verifying: false) }
      } catch is CheckpointError {
        return try body { try ChunkRows.raw(db, $0, part: part) }
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
