// Changing a job that waits: holding and releasing it, giving it another spec, and trying again what
// failed.

package import Experiments
import Checkpoints
import GRDB

extension Store {
  /// Takes a waiting job out of the queue, or puts it back in its old place.
  /// - Parameter name: who holds it.
  /// - Throws: `job_not_found`, `job_final`, `conflict` if it is active.
  package func setHeld(
    job id: Int64, _ held: Bool, by name: String? = nil
  ) async throws -> Job {
    try await write { [clock] db, change in
      let now = clock.now()
      let (from, to): (JobState, JobState) = held ? (.queued, .held) : (.held, .queued)
      if try JobRows.move(db, id, from: [from], to: to, at: now) {
        try db.run(
          "UPDATE jobs SET held_by = ?, hold_reason = NULL WHERE id = ?",
          [held ? name : nil, id])
        try EventRows.add(
          db, held ? "job_held" : "job_released", at: now, job: id,
          data: held ? name.map { ["by": .string($0)] } ?? [:] : [:])
        change.note(.jobs, job: id)
      }
      let job = try JobRows.one(db, id)
      if job.state.isFinal { throw StoreError.jobFinal(id, state: job.state) }
      guard job.state == to else {
        throw StoreError.conflict(
          "job \(id) is \(job.state.rawValue); only a waiting job can be held or released")
      }
      return job
    }
  }

  /// Gives a waiting job another spec, and its run the params of that.
  /// - Parameters:
  ///   - old: the spec that the change was made from.
  ///   - new: of the same kind.
  /// - Throws: `job_not_found`, `job_final`, `queue_not_found`, `invalid_value` (a dependency);
  ///   `conflict` if the job is active, was changed by somebody else, or its run has begun and would
  ///   become another one.
  package func edit(job id: Int64, from old: JSONValue, to new: JobSpec) async throws -> Job {
    try await write { [clock] db, change in
      let now = clock.now()
      guard let row = try db.row("SELECT state, spec FROM jobs WHERE id = ?", [id]) else {
        throw StoreError.jobNotFound(id)
      }
      let state: JobState = try row.name(0)
      if state.isFinal { throw StoreError.jobFinal(id, state: state) }
      guard state == .queued || state == .held else {
        throw StoreError.conflict(
          "job \(id) is \(state.rawValue); only a job that waits can be changed")
      }
      let stored = try JSONText.parse(row[1])
      let json = new.json
      if stored == json { return try JobRows.one(db, id) }
      guard stored == old else {
        throw StoreError.conflict("job \(id) was changed meanwhile; look at it and try again")
      }
      try JobWriter.rewrite(db, id, from: stored, to: new, at: now, &change)
      try EventRows.add(
        db, "job_edited", at: now, job: id,
        data: ["keys": .array(changedKeys(stored, json).map { .string($0) })])
      change.note(.jobs, job: id)
      return try JobRows.one(db, id)
    }
  }

  /// Lets a job start now that waits for the pause before its next retry.
  /// - Returns: nil if it does not wait for that.
  package func endPause(job id: Int64) async throws -> Job? {
    try await write { [clock] db, change in
      let isNew = try db.changed(
        """
        UPDATE jobs SET not_before = NULL
        WHERE id = ? AND state = 'queued' AND not_before IS NOT NULL
        """, [id])
      guard isNew else { return nil }
      try EventRows.add(db, "pause_ended", at: clock.now(), job: id)
      change.note(.jobs, job: id)
      return try JobRows.one(db, id)
    }
  }

  /// Where a job was submitted from, for another one like it.
  /// - Throws: `job_not_found`.
  package func context(job id: Int64) async throws -> SubmitContext {
    try await read { db in
      guard let text = try db.string("SELECT context FROM jobs WHERE id = ?", [id]) else {
        throw StoreError.jobNotFound(id)
      }
      return try RecordCoding.value(text)
    }
  }
}

/// Top-level keys in which the specs differ.
private func changedKeys(_ old: JSONValue, _ new: JSONValue) -> [String] {
  let (a, b) = (old.objectValue ?? [:], new.objectValue ?? [:])
  return Set(a.keys).union(b.keys).filter { a[$0] != b[$0] }.sorted()
}

extension JobWriter {
  /// Puts another spec into a job that waits.
  fileprivate static func rewrite(
    _ db: Database, _ id: Int64, from old: JSONValue, to spec: JobSpec, at now: Timestamp,
    _ change: inout StoreChange
  ) throws {
    guard old["kind"]?.stringValue ?? JobKind.train.rawValue == spec.kind.rawValue else {
      throw StoreError.conflict("job \(id) cannot become one of kind \(spec.kind.rawValue)")
    }
    let policy = spec.policy
    try QueueRows.require(db, policy.queue)
    let run = try JobRows.run(db, job: id)
    let place = try place(db, spec, at: now)
    try updateRun(db, run, job: id, from: old, to: spec, place)
    try db.run(
      """
      UPDATE jobs SET spec = ?, spec_sha256 = ?, name = ?, experiment_id = ?, priority = ?,
        on_lost = ?, queue = ?, resources = ?, exclusive = ?, after_failed = ?
      WHERE id = ? AND state IN ('queued', 'held')
      """,
      [
        spec.json.canonicalText, ContentHash.sha256Hex(spec.comparabilityText), place.name,
        place.experimentId, spec.priority, spec.onLost.rawValue, policy.queue,
        ResourceText.text(policy.resources), policy.isExclusive, policy.afterFailed.rawValue, id,
      ])
    let before = JobPolicy(ofStored: old)
    if before.after != policy.after {
      try DependencyRows.release(db, id)
      try DependencyRows.insert(db, job: id, policy, at: now, &change)
    }
    change.note(.runs, run: run)
  }

  /// A run that has begun keeps what it was begun with.
  private static func updateRun(
    _ db: Database, _ id: Int64, job: Int64, from old: JSONValue, to spec: JobSpec, _ place: Place
  ) throws {
    let row = try db.row("SELECT uid FROM runs WHERE id = ?", [id])
    guard let row else { throw StoreError.runNotFound(name: "\(id)") }
    let run = newRun(spec, uid: try row.identifier(0), job: job, place: place)
    let stored = Dictionary(
      try db.rows("SELECT key, value FROM params WHERE run_id = ?", [id]).map {
        ($0[0] as String, $0[1] as String)
      }, uniquingKeysWith: { first, _ in first })
    let params = Dictionary(run.params, uniquingKeysWith: { first, _ in first })
    if stored != params {
      guard try db.int64("SELECT 1 FROM attempts WHERE run_id = ? LIMIT 1", [id]) == nil else {
        throw StoreError.conflict(
          "run \(id) of job \(job) has begun, so only when it goes on can be changed; "
            + "cancel the job and submit another")
      }
      try db.run("DELETE FROM params WHERE run_id = ?", [id])
      for (key, value) in run.params {
        try db.run(
          "INSERT INTO params (run_id, key, value, number) VALUES (?, ?, ?, ?)",
          [id, key, value, RunWriter.number(value)])
      }
    }
    try db.run(
      """
      UPDATE runs SET name = ?, experiment_id = ?, parent_run_id = ?, seed = ?, best_metric = ?,
        keep_last = ?, whole_every = ?
      WHERE id = ?
      """,
      [
        place.name, place.experimentId, place.parentId, run.seed, run.bestMetric, run.keepLast,
        run.wholeEvery, id,
      ])
    for (key, value) in old["tags"]?.objectValue ?? [:] where run.tags[key] != value.stringValue {
      try db.run(
        "DELETE FROM tags WHERE run_id = ? AND key = ? AND value = ?",
        [id, key, value.plainText])
    }
    _ = try RunParams.add(db, run: id, tags: run.tags)
  }
}
