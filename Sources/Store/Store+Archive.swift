// Runs on their way between stores: what an archive says of one, and bringing one in as it was,
// without a job. A run that was made here is never changed by an import.

package import Experiments
import Checkpoints
import GRDB

extension Store {
  /// All that is known of a run apart from its points and the bytes of its content, as of one
  /// moment.
  /// - Throws: `run_not_found`.
  package func archiveRun(_ id: Int64) async throws -> ArchiveRun {
    try await read { db in
      let run = try RunRows.one(db, id)
      let row = try db.row(
        """
        SELECT COALESCE(p.uid, o.parent_uid), n.info, r.best_metric, r.keep_last,
          COALESCE(j.spec, o.spec), COALESCE(j.context, o.context), r.whole_every
        FROM runs r LEFT JOIN runs p ON p.id = r.parent_run_id
          LEFT JOIN run_origins o ON o.run_id = r.id LEFT JOIN jobs j ON j.id = r.job_id
          LEFT JOIN environments n ON n.id = r.environment_id
        WHERE r.id = ?
        """, [id])
      guard let row else { throw StoreError.runNotFound(name: "\(id)") }
      // One for each epoch: the whole state where there is one, else the snapshot.
      let checkpoints = try CheckpointRows.all(db, run: id).map {
        ArchiveCheckpoint(
          kind: $0.kind.rawValue, epoch: $0.epoch, step: $0.step, sha256: $0.sha256,
          bytes: $0.rawBytes)
      }
      let artifacts = try db.rows(
        "SELECT path, media_type, sha256, bytes FROM artifacts WHERE run_id = ? ORDER BY path", [id]
      ).map { ArchiveArtifact(path: $0[0], mediaType: $0[1], sha256: $0[2], bytes: $0[3]) }
      return ArchiveRun(
        uid: run.uid, name: run.name, experiment: run.experiment, status: run.status,
        seed: run.seed, note: run.note, createdAt: run.createdAt, startedAt: run.startedAt,
        endedAt: run.endedAt,
        parentUid: row[0] as String? == nil ? nil : try row.identifier(0), params: run.params,
        tags: run.tags, metrics: run.metrics, progress: run.progress, failure: run.failure,
        cost: run.cost, dataset: run.dataset, environment: try RecordCoding.optional(row[1]),
        comparabilityKey: run.comparabilityKey, bestMetric: row[2], keepLast: row[3],
        wholeEvery: row[6], epochHashes: try Self.archivedHashes(db, run: id),
        spec: try (row[4] as String?).map { try JSONText.parse($0) },
        context: try RecordCoding.optional(row[5]), checkpoints: checkpoints, artifacts: artifacts)
    }
  }

  /// In order of their epochs; nil where there are none.
  private static func archivedHashes(_ db: Database, run: Int64) throws -> [EpochHash]? {
    let rows = try db.rows(
      "SELECT epoch, step, sha256 FROM epoch_hashes WHERE run_id = ? ORDER BY epoch DESC LIMIT ?",
      [run, Limits.archivedEpochs])
    let hashes = rows.reversed().map { EpochHash(epoch: $0[0], step: $0[1], sha256: $0[2]) }
    return hashes.isEmpty ? nil : hashes
  }

  /// Brings in a run that is over. One whose `uid` is here already stays as it is, and the outcome
  /// says which kind it is; to one that came by an import hashes of epochs that it lacks are added. Its
  /// parent is found by its `uid`, whichever of the two comes first.
  /// - Throws: `invalid_value`, `limit_exceeded`.
  package func importRun(_ new: ArchiveRun) async throws -> ImportedRun {
    try Self.check(new)
    return try await write { [clock] db, change in
      let now = clock.now()
      if let known = try Self.known(db, new.uid) {
        if known.outcome == .known { try Self.addHashes(db, known.run.id, new) }
        return known
      }
      let id = try Self.insert(db, new, at: now)
      try Self.linkParents(db, id, new)
      try EventRows.add(db, "run_imported", at: now, run: id)
      change.note(.runs, run: id)
      return ImportedRun(outcome: .created, run: try RunRows.one(db, id))
    }
  }

  private static func known(_ db: Database, _ uid: Identifier) throws -> ImportedRun? {
    let row = try db.row(
      """
      SELECT r.id, r.deleted_at IS NOT NULL, o.run_id IS NOT NULL
      FROM runs r LEFT JOIN run_origins o ON o.run_id = r.id WHERE r.uid = ?
      """, [uid.text])
    guard let row else { return nil }
    let outcome: ImportedRun.Outcome = row[1] ? .deleted : row[2] ? .known : .native
    return ImportedRun(outcome: outcome, run: try RunRows.one(db, row[0]))
  }

  private static func insert(
    _ db: Database, _ new: ArchiveRun, at now: Timestamp
  ) throws -> Int64 {
    let id = try RunWriter.insert(
      db,
      RunWriter.NewRun(
        uid: new.uid, experimentId: try ExperimentRows.id(db, new.experiment, at: now),
        jobId: nil, parentId: nil, name: new.name, seed: new.seed, bestMetric: new.bestMetric,
        keepLast: new.keepLast, wholeEvery: new.wholeEvery,
        params: new.params.map { ($0.key, $0.value) }, tags: new.tags),
      at: new.createdAt)
    try db.run(
      """
      UPDATE runs SET status = ?, note = ?, dataset_id = ?, environment_id = ?,
        comparability_key = ?, progress = ?, cost = ?, failure_code = ?, failure_message = ?,
        started_at = ?, ended_at = ?
      WHERE id = ?
      """,
      [
        new.status.rawValue, new.note, try new.dataset.map { try dataset(db, $0, at: now) },
        try new.environment.map { try environment(db, $0) }, new.comparabilityKey,
        try new.progress.map { try RecordCoding.text($0) },
        try new.cost.map { try RecordCoding.text($0) }, new.failure?.code, new.failure?.message,
        new.startedAt?.microseconds, new.endedAt?.microseconds, id,
      ])
    try db.run(
      """
      INSERT INTO run_origins (run_id, parent_uid, spec, context, imported_at)
      VALUES (?, ?, ?, ?, ?)
      """,
      [
        id, new.parentUid?.text, new.spec?.canonicalText,
        try new.context.map { try RecordCoding.text($0) }, now.microseconds,
      ])
    try addHashes(db, id, new)
    return id
  }

  private static func addHashes(_ db: Database, _ run: Int64, _ new: ArchiveRun) throws {
    for hash in new.epochHashes ?? [] {
      try db.run(
        "INSERT OR IGNORE INTO epoch_hashes (run_id, epoch, step, sha256) VALUES (?, ?, ?, ?)",
        [run, hash.epoch, hash.step, hash.sha256])
    }
  }

  /// Ties the new run to its parent, and to it those that were waiting for it.
  private static func linkParents(_ db: Database, _ id: Int64, _ new: ArchiveRun) throws {
    if let uid = new.parentUid,
      let parent = try db.int64("SELECT id FROM runs WHERE uid = ?", [uid.text]), parent != id
    {
      try db.run("UPDATE runs SET parent_run_id = ? WHERE id = ?", [parent, id])
    }
    let ancestors = Set(try ancestors(db, of: id))
    let waiting = try db.int64s(
      "SELECT run_id FROM run_origins WHERE parent_uid = ? ORDER BY run_id", [new.uid.text])
    // An archive that says that two runs belong to each other is not believed.
    for child in waiting where !ancestors.contains(child) {
      try db.run(
        "UPDATE runs SET parent_run_id = ? WHERE id = ? AND parent_run_id IS NULL", [id, child])
    }
  }

  /// The run itself and all that it belongs to.
  private static func ancestors(_ db: Database, of id: Int64) throws -> [Int64] {
    try db.int64s(
      """
      WITH RECURSIVE up (id) AS (
        SELECT ? UNION SELECT r.parent_run_id FROM runs r JOIN up ON r.id = up.id
        WHERE r.parent_run_id IS NOT NULL)
      SELECT id FROM up
      """, [id])
  }

  private static func check(_ new: ArchiveRun) throws {
    guard new.status.isFinal else {
      throw StoreError.invalidValue(
        field: "status", message: "is \(new.status.rawValue); only runs that are over can come in")
    }
    guard new.parentUid != new.uid else {
      throw StoreError.invalidValue(field: "parent_uid", message: "is the run itself")
    }
    try Bounds.name(new.name, of: "name")
    try Bounds.name(new.experiment, of: "experiment")
    try Bounds.length(new.note, of: "note", atMost: Limits.tagCharacters)
    try Bounds.count(new.tags.count, of: "tags", atMost: Limits.tagsPerRun)
    let texts = [
      ("params", new.params, Limits.paramCharacters), ("tags", new.tags, Limits.tagCharacters),
    ]
    for (field, entries, limit) in texts {
      for (key, value) in entries {
        guard !key.isEmpty else {
          throw StoreError.invalidValue(field: field, message: "must not have an empty key")
        }
        try Bounds.length(key, of: field, atMost: Limits.keyCharacters)
        try Bounds.length(value, of: "\(field).\(key)", atMost: limit)
      }
    }
    if let keep = new.keepLast, keep < 1 {
      throw StoreError.invalidValue(field: "keep_last", message: "is \(keep), below 1")
    }
    if let every = new.wholeEvery, every < 1 {
      throw StoreError.invalidValue(field: "whole_every", message: "is \(every), below 1")
    }
    try Bounds.count(
      new.epochHashes?.count ?? 0, of: "epoch_hashes", atMost: Limits.archivedEpochs)
    for hash in new.epochHashes ?? []
    where !ContentHash.isHex(hash.sha256) || hash.epoch < 0 || hash.step < 0 {
      throw StoreError.invalidValue(
        field: "epoch_hashes",
        message: "has no 64 hexadecimal digits, or a negative number, at epoch \(hash.epoch)")
    }
    let times = [new.createdAt, new.startedAt, new.endedAt].compactMap { $0?.microseconds }
    guard times.allSatisfy({ (0..<(1 << 60)).contains($0) }) else {
      throw StoreError.invalidValue(field: "created_at", message: "is out of range")
    }
    if let hash = new.dataset?.sha256, !ContentHash.isHex(hash) {
      throw StoreError.invalidValue(
        field: "dataset.sha256", message: "must be 64 hexadecimal digits")
    }
    if let key = new.comparabilityKey, !ContentHash.isHex(key) {
      throw StoreError.invalidValue(
        field: "comparability_key", message: "must be 64 hexadecimal digits")
    }
  }
}
