// Another try of a job whose attempt failed or timed out: the same job goes back into the queue with
// a new run, and waits there until its pause is over.

import Experiments
import GRDB

enum RetryRows {
  /// - Returns: whether the job is tried again; if not, nothing was changed.
  static func retry(
    _ db: Database, _ attempt: Attempt, _ jobState: JobState, _ runStatus: RunStatus,
    _ ending: Store.Ending, _ change: inout StoreChange
  ) throws -> Bool {
    guard jobState == .failed || jobState == .timedOut,
      let state = AttemptState(rawValue: jobState.rawValue),
      let row = try db.row(
        """
        SELECT spec, retries FROM jobs
        WHERE id = ? AND state IN ('starting', 'running') AND cancel_requested = 0
        """, [attempt.jobId])
    else { return false }
    let policy = JobPolicy(ofStored: try JSONText.parse(row[0])).retries
    let used: Int = row[1]
    guard policy.allows(after: state, exitCode: ending.exitCode, used: used) else { return false }
    let now = ending.now
    let due = now.adding(seconds: policy.pause(before: used + 1).seconds)
    guard
      try JobRows.move(db, attempt.jobId, from: [.starting, .running], to: .queued, at: now)
    else { return false }
    try RunWriter.move(
      db, attempt.runId, to: runStatus, at: ending.at, failure: ending.failure)
    let run = try RunWriter.copy(db, of: attempt.runId, uid: ending.makeIdentifier(now), at: now)
    try db.run(
      """
      UPDATE jobs SET retries = retries + 1, not_before = ?, lost_without_progress = 0
      WHERE id = ?
      """, [due > now ? due.microseconds : nil, attempt.jobId])
    var data: [String: JSONValue] = [
      "attempt": .int(attempt.id), "retry": .int(Int64(used + 1)), "of": .int(Int64(policy.max)),
      "not_before": .int(due.microseconds),
    ]
    if let failure = ending.failure {
      data["code"] = .string(failure.code)
      data["message"] = .string(failure.message)
    }
    try EventRows.add(
      db, "run_\(runStatus.rawValue)", at: ending.at, job: attempt.jobId, run: attempt.runId,
      data: data.filter { ["code", "message"].contains($0.key) })
    try EventRows.add(db, "job_retried", at: now, job: attempt.jobId, run: run, data: data)
    change.note(.jobs, job: attempt.jobId)
    change.note(.runs, run: attempt.runId)
    change.note(.runs, run: run)
    return true
  }
}
