// What is in the store as a whole: experiments, events, counts.

package import Experiments
import Foundation
import GRDB

extension Store {
  package struct ExperimentSummary: Sendable, Equatable {
    package let id: Int64
    package let name: String
    package let note: String
    /// Runs that are not deleted, and those of them that are running.
    package let runs: Int
    package let running: Int
    package let createdAt: Timestamp
    package let lastRunAt: Timestamp?
  }

  package struct Status: Sendable, Equatable {
    package let jobsByState: [JobState: Int]
    /// Those that are not deleted.
    package let runs: Int
    package let schedules: Int
    /// Of the file and its write-ahead log.
    package let databaseBytes: Int64
  }

  /// In order of their names.
  package func experiments() async throws -> [ExperimentSummary] {
    try await read { db in
      try db.rows(
        """
        SELECT e.id, e.name, e.note, COUNT(r.id), COUNT(r.id) FILTER (WHERE r.status = 'running'),
          e.created_at, MAX(r.created_at)
        FROM experiments e LEFT JOIN runs r ON r.experiment_id = e.id AND r.deleted_at IS NULL
        WHERE e.deleted_at IS NULL GROUP BY e.id ORDER BY e.name
        """
      ).map {
        ExperimentSummary(
          id: $0[0], name: $0[1], note: $0[2], runs: $0[3], running: $0[4], createdAt: $0.time(5),
          lastRunAt: $0.optionalTime(6))
      }
    }
  }

  /// What happened after the event with this id, oldest first.
  package func events(after id: Int64 = 0, limit: Int) async throws -> [Event] {
    try Bounds.page(limit)
    return try await read { db in
      try db.rows(
        """
        SELECT id, time, kind, job_id, run_id, data FROM events WHERE id > ? ORDER BY id LIMIT ?
        """, [id, limit]
      ).map {
        Event(
          id: $0[0], time: $0.time(1), kind: $0[2], jobId: $0[3], runId: $0[4],
          data: try JSONText.parse($0[5]))
      }
    }
  }

  package func status() async throws -> Status {
    let path = databasePath
    return try await read { db in
      var jobs: [JobState: Int] = [:]
      for row in try db.rows("SELECT state, COUNT(*) FROM jobs GROUP BY state") {
        jobs[try row.name(0)] = row[1]
      }
      let bytes = [path, path + "-wal"].reduce(into: Int64(0)) { sum, file in
        sum += Self.bytes(of: file)
      }
      return Status(
        jobsByState: jobs,
        runs: try Self.runs(db),
        schedules: Int(
          try db.int64("SELECT COUNT(*) FROM schedules WHERE deleted_at IS NULL") ?? 0),
        databaseBytes: bytes)
    }
  }

  /// Those that are not deleted. Both counts are read in an index, not in the table, which would
  /// push everything else out of the connection's cache.
  private static func runs(_ db: Database) throws -> Int {
    let all = try db.int64("SELECT COUNT(*) FROM runs") ?? 0
    let deleted = try db.int64("SELECT COUNT(*) FROM runs WHERE deleted_at IS NOT NULL") ?? 0
    return Int(all - deleted)
  }

  /// 0 for a file that does not exist, as a write-ahead log may not.
  static func bytes(of path: String) -> Int64 {
    do {
      let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? NSNumber
      return size?.int64Value ?? 0
    } catch {
      return 0
    }
  }
}
