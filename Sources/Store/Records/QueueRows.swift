// Queues: every job is in one that is there.

import Experiments
import GRDB

enum QueueRows {
  /// - Throws: `queue_not_found`.
  static func require(_ db: Database, _ name: String) throws {
    guard try db.int64("SELECT 1 FROM queues WHERE name = ?", [name]) != nil else {
      throw StoreError.queueNotFound(name: name)
    }
  }

  /// Without their counts.
  static func all(_ db: Database) throws -> [JobQueue] {
    try db.rows("SELECT name, slots, paused FROM queues ORDER BY name <> 'default', name").map {
      JobQueue(name: $0[0], slots: $0[1], paused: $0[2])
    }
  }

  /// - Throws: `queue_not_found`.
  static func counted(_ db: Database, _ name: String) throws -> JobQueue {
    guard let queue = try counted(db).first(where: { $0.name == name }) else {
      throw StoreError.queueNotFound(name: name)
    }
    return queue
  }

  static func counted(_ db: Database) throws -> [JobQueue] {
    var queues = try all(db)
    let rows = try db.rows(
      """
      SELECT queue, state, COUNT(*) FROM jobs
      WHERE state IN ('held', 'queued', 'starting', 'running') GROUP BY queue, state
      """)
    for row in rows {
      guard let index = queues.firstIndex(where: { $0.name == row[0] as String }) else { continue }
      switch try row.name(1) as JobState {
      case .held: queues[index].held += row[2]
      case .queued: queues[index].queued += row[2]
      default: queues[index].running += row[2]
      }
    }
    return queues
  }
}
