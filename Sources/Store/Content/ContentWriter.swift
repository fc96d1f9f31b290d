// Who adds content to a run: one of its attempts, or somebody who is none (a person with
// `assay artifact put`, an import), which counts as attempt 0.

import Experiments
import GRDB

struct ContentWriter {
  let runId: Int64
  /// The job whose watchers are to be told.
  let jobId: Int64?
  let number: Int64

  /// - Throws: `attempt_not_found`, `attempt_fenced`.
  static func attempt(_ db: Database, _ id: Int64) throws -> ContentWriter {
    let attempt = try AttemptRows.live(db, id)
    return ContentWriter(runId: attempt.runId, jobId: attempt.jobId, number: attempt.number)
  }

  /// - Throws: `run_not_found`, `run_deleted`.
  static func outsider(_ db: Database, run id: Int64) throws -> ContentWriter {
    try RunRows.requireUsable(db, id)
    let job = try db.int64("SELECT job_id FROM runs WHERE id = ?", [id])
    return ContentWriter(runId: id, jobId: job, number: 0)
  }

  /// One that adds checkpoints: those of a job that is under way are its own, since it may go on
  /// from the newest.
  /// - Throws: also `conflict`.
  static func checkpointer(_ db: Database, run id: Int64) throws -> ContentWriter {
    let writer = try outsider(db, run: id)
    guard let job = writer.jobId else { return writer }
    let state = try JobRows.state(db, job)
    guard state.isFinal else {
      throw StoreError.conflict(
        "run \(id) takes no checkpoint from outside while its job \(job) is \(state.rawValue)")
    }
    return writer
  }
}
