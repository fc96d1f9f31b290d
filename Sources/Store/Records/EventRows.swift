// The diary: one row for everything that happened to a job, a run or a schedule.

import Experiments
import GRDB

enum EventRows {
  static func add(
    _ db: Database, _ kind: String, at time: Timestamp, job: Int64? = nil, run: Int64? = nil,
    data: [String: JSONValue] = [:]
  ) throws {
    try db.run(
      "INSERT INTO events (time, kind, job_id, run_id, data) VALUES (?, ?, ?, ?, ?)",
      [time.microseconds, kind, job, run, JSONValue.object(data).canonicalText])
  }
}
