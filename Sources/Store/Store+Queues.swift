// Queues, and what may start of them: the scheduler's view of jobs that wait.

package import Experiments
import GRDB

extension Store {
  /// What a scheduler needs to know to choose.
  package struct Waiting: Sendable {
    package let queues: [JobQueue]
    /// The first of each queue and need, in no order.
    package let candidates: [Candidate]
  }

  /// - Parameter limit: of each queue and need of resources.
  package func waiting(limit: Int) async throws -> Waiting {
    try await read { db in
      let queues = try QueueRows.all(db)
      let paused = Set(queues.filter(\.paused).map(\.name))
      return Waiting(
        queues: queues, candidates: try CandidateRows.first(db, limit, paused: paused))
    }
  }

  /// The exclusive job that is the next to start when nothing runs.
  package func nextExclusive(exceptIn paused: [String]) async throws -> Candidate? {
    let list = JSONValue.array(paused.map { .string($0) }).canonicalText
    return try await read { db in
      let row = try db.row(
        """
        SELECT id, priority, kind, queue, resources FROM jobs
        WHERE state = 'queued' AND exclusive = 1 AND waits_for = 0 AND not_before IS NULL
          AND queue NOT IN (SELECT value FROM json_each(?))
        ORDER BY priority DESC, id LIMIT 1
        """, [list])
      return try row.map {
        Candidate(
          id: $0[0], priority: $0[1], kind: try $0.name(2), queue: $0[3],
          resources: try ResourceText.amounts($0[4]), isExclusive: true)
      }
    }
  }

  /// Does what is due: jobs whose pause is over may start, and jobs that waited for one that is over
  /// are told so.
  /// - Returns: the time of the next pause's end, and whether there is more to do now.
  package func settleWaiting() async throws -> (next: Timestamp?, hasMore: Bool) {
    let isDue = try await read { [clock] db in
      let now = clock.now()
      let next = try Self.nextDue(db)
      let settles = try db.int64("SELECT 1 FROM job_settlements LIMIT 1") != nil
      return (next: next, isOver: next.map { $0 <= now } ?? false, settles: settles)
    }
    guard isDue.isOver || isDue.settles else { return (isDue.next, false) }
    return try await write { [clock] db, change in
      let now = clock.now()
      try db.run(
        """
        UPDATE jobs SET not_before = NULL WHERE id IN
          (SELECT id FROM jobs WHERE state = 'queued' AND not_before <= ? LIMIT ?)
        """, [now.microseconds, DependencyRows.atOnce])
      if db.changesCount > 0 { change.note(.jobs) }
      let hasMore = try DependencyRows.settle(
        db, limit: DependencyRows.atOnce, at: now, &change)
      let next = try Self.nextDue(db)
      return (next, hasMore || next.map { $0 <= now } ?? false)
    }
  }

  private static func nextDue(_ db: Database) throws -> Timestamp? {
    try db.int64(
      """
      SELECT not_before FROM jobs WHERE state = 'queued' AND not_before IS NOT NULL
      ORDER BY not_before LIMIT 1
      """
    ).map { Timestamp(microseconds: $0) }
  }

  /// The default queue first, then in order of their names, each with its open jobs.
  package func queues(counted: Bool = true) async throws -> [JobQueue] {
    try await read { try counted ? QueueRows.counted($0) : QueueRows.all($0) }
  }

  /// Makes the queue if it is not there, and sets its slots.
  /// - Parameter slots: nil: as many as the daemon runs.
  /// - Throws: `invalid_value`.
  package func setQueue(_ name: String, slots: Int?) async throws -> JobQueue {
    guard SpecName.isValid(name) else {
      throw StoreError.invalidValue(
        field: "name",
        message: "is \"\(name)\"; a queue's name is made of letters, digits, '-', '_' and '.'")
    }
    if let slots, !(1...1_024).contains(slots) {
      throw StoreError.invalidValue(
        field: "slots", message: "is \(slots); it must be from 1 to 1024")
    }
    return try await write { [clock] db, change in
      let now = clock.now()
      let isNew = try db.changed(
        """
        INSERT INTO queues (name, slots, created_at) VALUES (?, ?, ?)
        ON CONFLICT (name) DO UPDATE SET slots = excluded.slots WHERE slots IS NOT excluded.slots
        """, [name, slots, now.microseconds])
      if isNew {
        try EventRows.add(
          db, "queue_set", at: now,
          data: ["queue": .string(name), "slots": slots.map { .int(Int64($0)) } ?? .null])
        change.note(.jobs)
      }
      return try QueueRows.counted(db, name)
    }
  }

  /// While a queue is paused, none of its jobs starts; those that run go on.
  /// - Throws: `queue_not_found`.
  package func setPaused(queue name: String, _ paused: Bool) async throws -> JobQueue {
    try await write { [clock] db, change in
      try QueueRows.require(db, name)
      let isNew = try db.changed(
        "UPDATE queues SET paused = ? WHERE name = ? AND paused <> ?", [paused, name, paused])
      if isNew {
        try EventRows.add(
          db, paused ? "queue_paused" : "queue_resumed", at: clock.now(),
          data: ["queue": .string(name)])
        change.note(.jobs)
      }
      return try QueueRows.counted(db, name)
    }
  }

  /// - Throws: `queue_not_found`; `conflict` if jobs of it wait or run, or it is the default one.
  package func removeQueue(_ name: String) async throws {
    try await write { [clock] db, change in
      let queue = try QueueRows.counted(db, name)
      guard name != JobPolicy.defaultQueue else {
        throw StoreError.conflict("the queue \(name) cannot be removed")
      }
      let open = queue.running + queue.queued + queue.held
      guard open == 0 else {
        throw StoreError.conflict(
          "the queue \(name) has \(open) jobs that wait or run; move them with "
            + "assay edit JOB --queue NAME, or cancel them")
      }
      try db.run("DELETE FROM queues WHERE name = ?", [name])
      try EventRows.add(db, "queue_removed", at: clock.now(), data: ["queue": .string(name)])
      change.note(.jobs)
    }
  }
}
