// Answers of routes that are neither a record of `Experiments` nor beside their request's type.

package import Experiments

/// `GET /api/v1/health`.
package struct Health: Codable, Sendable {
  package var ok: Bool
  package var version: String
  package var pid: Int64

  package init(ok: Bool, version: String, pid: Int64) {
    self.ok = ok
    self.version = version
    self.pid = pid
  }
}

/// `GET /api/v1/runs/{run}/log`: a piece of the log of all the run's attempts, one after another.
/// Bytes that are not UTF-8 are replaced by U+FFFD; a character is never cut in two.
package struct LogPage: Codable, Sendable {
  package var runId: Int64
  /// Byte offset of the text's beginning, and of what follows it.
  package var offset: Int64
  package var next: Int64
  /// Whether the log ends here and, the run being final, nothing will follow.
  package var end: Bool
  package var text: String

  package init(runId: Int64, offset: Int64, next: Int64, end: Bool, text: String) {
    self.runId = runId
    self.offset = offset
    self.next = next
    self.end = end
    self.text = text
  }
}

/// An item of `GET /api/v1/experiments`.
package struct ExperimentSummary: Codable, Sendable, Equatable {
  package var name: String
  /// Runs that are not deleted, and those of them that are running.
  package var runs: Int
  package var running: Int
  package var lastRunAt: Timestamp?

  package init(name: String, runs: Int, running: Int, lastRunAt: Timestamp?) {
    self.name = name
    self.runs = runs
    self.running = running
    self.lastRunAt = lastRunAt
  }
}

/// `GET /api/v1/resolve?names=2-6,@nightly`: the runs that the names mean, in order, each once.
package struct ResolvedRuns: Codable, Sendable {
  package var runIds: [Int64]

  package init(runIds: [Int64]) { self.runIds = runIds }
}

/// `POST /api/v1/schedules/{id}/run`. No job if one of the schedule's is still under way.
package struct ScheduleFiring: Codable, Sendable {
  package var schedule: Schedule
  package var job: Job?

  package init(schedule: Schedule, job: Job?) {
    self.schedule = schedule
    self.job = job
  }
}

/// `POST /api/v1/attempts/{attempt}/log?offset=N` (the body is the bytes): the offset at which the
/// attempt's log goes on.
package struct LogReply: Codable, Sendable {
  package var next: Int64

  package init(next: Int64) { self.next = next }
}
