// Puts a job into the queue together with its first run.

import Checkpoints
import Experiments
import GRDB

enum JobWriter {
  /// - Returns: the job's id, also if it was there already.
  static func insert(
    _ db: Database, _ job: Store.NewJob, run uid: Identifier, at now: Timestamp,
    _ change: inout StoreChange
  ) throws -> Int64 {
    let spec = job.spec.json.canonicalText
    if let row = try db.row("SELECT id, spec FROM jobs WHERE uid = ?", [job.uid.text]) {
      guard spec == row[1] as String else {
        throw StoreError.conflict(
          "job \(row[0] as Int64) was submitted with the id \(job.uid) and another spec")
      }
      return row[0]
    }
    let policy = job.spec.policy
    try QueueRows.require(db, policy.queue)
    let place = try place(db, job.spec, at: now)
    try db.run(
      """
      INSERT INTO jobs (uid, kind, name, experiment_id, schedule_id, due_at, spec, spec_sha256,
        state, priority, on_lost, context, created_at, queue, resources, exclusive, after_failed,
        held_by, retry_of)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        job.uid.text, job.spec.kind.rawValue, place.name, place.experimentId, job.scheduleId,
        job.dueAt?.microseconds, spec, ContentHash.sha256Hex(job.spec.comparabilityText),
        policy.isHeld ? JobState.held.rawValue : JobState.queued.rawValue, job.spec.priority,
        job.spec.onLost.rawValue, try RecordCoding.text(job.context),
        now.microseconds, policy.queue, ResourceText.text(policy.resources), policy.isExclusive,
        policy.afterFailed.rawValue, policy.isHeld ? job.context.user : nil,
        job.retryOf,
      ])
    let id = db.lastInsertedRowID
    let run = try RunWriter.insert(
      db, newRun(job.spec, uid: uid, job: id, place: place), at: now)
    try EventRows.add(db, "job_submitted", at: now, job: id, run: run)
    change.note(.jobs, job: id)
    change.note(.runs, run: run)
    try DependencyRows.insert(db, job: id, policy, at: now, &change)
    return id
  }

  /// Where a job's runs belong.
  struct Place {
    var name: String
    var experimentId: Int64
    var parentId: Int64?
  }

  /// An evaluation belongs to the run that it scores, and is named after it unless it has a name of
  /// its own.
  static func place(_ db: Database, _ spec: JobSpec, at now: Timestamp) throws -> Place {
    switch spec.work {
    case .train, .command:
      return Place(
        name: spec.name, experimentId: try ExperimentRows.id(db, spec.experiment, at: now),
        parentId: nil)
    case .evaluate(let work):
      let parent = try db.row(
        "SELECT name, experiment_id FROM runs WHERE id = ? AND deleted_at IS NULL", [work.run])
      guard let parent else { throw StoreError.runNotFound(name: "\(work.run)") }
      let isNamed = !spec.name.isEmpty && spec.name != EvaluateSpec.defaultName
      return Place(
        name: isNamed ? spec.name : parent[0],
        experimentId: spec.experiment.isEmpty
          ? parent[1] : try ExperimentRows.id(db, spec.experiment, at: now),
        parentId: work.run)
    }
  }

  static func newRun(
    _ spec: JobSpec, uid: Identifier, job: Int64, place: Place
  ) -> RunWriter.NewRun {
    var run = RunWriter.NewRun(
      uid: uid, experimentId: place.experimentId, jobId: job, parentId: place.parentId,
      name: place.name, params: spec.params, tags: spec.tags)
    if case .train(let work) = spec.work {
      run.seed = Int64(work.seed)
      run.bestMetric = work.checkpoints.best
      run.keepLast = work.checkpoints.keepLast
      run.wholeEvery = work.checkpoints.wholeEvery
    }
    return run
  }
}
