// Jobs that could start if there were room. Of a hundred thousand that wait, only the first few of
// each queue and each need of resources are ever read.

package import Experiments
import GRDB

extension Store {
  /// A job that waits for nothing but room.
  package struct Candidate: Sendable, Equatable {
    package let id: Int64
    package let priority: Int
    package let kind: JobKind
    package let queue: String
    package let resources: [String: Int]
    package let isExclusive: Bool
  }
}

enum CandidateRows {
  /// As the index `jobs_ready` has it.
  private static let isReady = "state = 'queued' AND waits_for = 0 AND not_before IS NULL"

  /// The first `limit` of each lane: one queue that is not paused, one need of resources.
  static func first(
    _ db: Database, _ limit: Int, paused: Set<String>
  ) throws -> [Store.Candidate] {
    var candidates: [Store.Candidate] = []
    var lane = try nextQueue(db, after: "")
    while let (queue, text) = lane {
      if paused.contains(queue) {
        lane = try nextQueue(db, after: queue)
        continue
      }
      let resources = try ResourceText.amounts(text)
      let rows = try db.rows(
        """
        SELECT id, priority, kind, exclusive FROM jobs
        WHERE \(isReady) AND queue = ? AND resources = ? ORDER BY priority DESC, id LIMIT ?
        """, [queue, text, limit])
      candidates += try rows.map {
        Store.Candidate(
          id: $0[0], priority: $0[1], kind: try $0.name(2), queue: queue, resources: resources,
          isExclusive: $0[3])
      }
      lane = try nextLane(db, after: (queue, text))
    }
    return candidates
  }

  /// Whether the job may still be started as what it was chosen.
  static func isStill(_ db: Database, _ candidate: Store.Candidate) throws -> Bool {
    try db.int64(
      """
      SELECT 1 FROM jobs
      WHERE id = ? AND \(isReady) AND queue = ? AND resources = ? AND exclusive = ?
      """,
      [
        candidate.id, candidate.queue, ResourceText.text(candidate.resources),
        candidate.isExclusive,
      ]) != nil
  }

  /// Notes with the run, and with those that run now, whether they run at the same time.
  static func markBeside(_ db: Database, run: Int64, attempt: Int64) throws {
    let others = try db.int64s(
      "SELECT run_id FROM attempts WHERE state IN ('starting', 'running') AND id <> ?", [attempt])
    guard !others.isEmpty else {
      return try db.run("UPDATE runs SET beside = COALESCE(beside, 0) WHERE id = ?", [run])
    }
    try db.run(
      "UPDATE runs SET beside = 1 WHERE id IN (SELECT value FROM json_each(?))",
      [(others + [run]).jsonList])
  }

  /// Two steps, since SQLite walks over all equal rows for a comparison of pairs.
  private static func nextLane(
    _ db: Database, after lane: (queue: String, resources: String)
  ) throws -> (queue: String, resources: String)? {
    let row = try db.row(
      """
      SELECT queue, resources FROM jobs WHERE \(isReady) AND queue = ? AND resources > ?
      ORDER BY resources LIMIT 1
      """, [lane.queue, lane.resources])
    if let row { return (row[0], row[1]) }
    return try nextQueue(db, after: lane.queue)
  }

  private static func nextQueue(
    _ db: Database, after queue: String
  ) throws -> (queue: String, resources: String)? {
    let row = try db.row(
      """
      SELECT queue, resources FROM jobs WHERE \(isReady) AND queue > ?
      ORDER BY queue, resources LIMIT 1
      """, [queue])
    return row.map { ($0[0], $0[1]) }
  }
}
