// What somebody who watches the daemon wants to know of the store, read in one look.

package import Experiments
import GRDB

extension Store {
  package struct Gauges: Sendable {
    package let jobsByState: [JobState: Int]
    package let attemptsByState: [String: Int]
    /// When the job that has waited longest in the queue was submitted.
    package let oldestQueuedAt: Timestamp?
    package let runs: Int
    package let schedules: Int
    package let brokenSchedules: Int
    package let lastEventId: Int64
    package let fileBytes: Int64
    package let walBytes: Int64
    /// Since the store was opened.
    package let pointsTaken: Int
    package let writesWaiting: Int
  }

  package func gauges() async throws -> Gauges {
    let path = databasePath
    let points = pointsTaken
    let waiting = queue.waitingCount
    return try await read { db in
      var jobs: [JobState: Int] = [:]
      for row in try db.rows("SELECT state, COUNT(*) FROM jobs GROUP BY state") {
        jobs[try row.name(0)] = row[1]
      }
      var attempts: [String: Int] = [:]
      for row in try db.rows("SELECT state, COUNT(*) FROM attempts GROUP BY state") {
        attempts[row[0]] = row[1]
      }
      func count(_ table: String) throws -> Int {
        Int(try db.int64("SELECT COUNT(*) FROM \(table)") ?? 0)
      }
      return Gauges(
        jobsByState: jobs, attemptsByState: attempts,
        oldestQueuedAt: try db.int64("SELECT MIN(created_at) FROM jobs WHERE state = 'queued'")
          .map { Timestamp(microseconds: $0) },
        runs: try count("runs") - count("runs WHERE deleted_at IS NOT NULL"),
        schedules: try count("schedules WHERE deleted_at IS NULL"),
        brokenSchedules: try count("schedules WHERE deleted_at IS NULL AND problem IS NOT NULL"),
        lastEventId: try db.int64("SELECT MAX(id) FROM events") ?? 0,
        fileBytes: Self.bytes(of: path), walBytes: Self.bytes(of: path + "-wal"),
        pointsTaken: points, writesWaiting: waiting)
    }
  }
}
