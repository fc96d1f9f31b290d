// Hooks: what is done when something happens. Which event is for which hook is settled after the
// event, in a transaction of its own that also notes how far the hook has looked: so an event makes
// nobody wait, each makes one delivery per hook, and none is forgotten by a crash.

package import Experiments
import Foundation
import GRDB

extension Store {
  package struct NewHook: Sendable {
    package var name: String
    package var events: [String]
    /// One of the two.
    package var command: String?
    package var url: String?
    /// Absolute.
    package var secretFile: String?
    package var timeoutSeconds: Int

    package init(
      name: String, events: [String], command: String?, url: String?, secretFile: String?,
      timeoutSeconds: Int
    ) {
      self.name = name
      self.events = events
      self.command = command
      self.url = url
      self.secretFile = secretFile
      self.timeoutSeconds = timeoutSeconds
    }
  }

  /// A delivery that is due, with all that it takes.
  package struct DueDelivery: Sendable {
    package let id: Int64
    package let uid: Identifier
    package let hookId: Int64
    package let hook: NewHook
    package let event: Event
    /// Those that were made before.
    package let attempts: Int
  }

  /// From now on events make deliveries for it.
  /// - Throws: `invalid_value`, `limit_exceeded`, `name_taken`.
  package func addHook(_ hook: NewHook) async throws -> Hook {
    try Self.check(hook)
    let events = JSONValue.array(hook.events.map { .string($0) }).canonicalText
    return try await write { [clock] db, change in
      let now = clock.now()
      let isTaken = try db.int64(
        "SELECT 1 FROM hooks WHERE name = ? AND deleted_at IS NULL", [hook.name])
      if isTaken != nil { throw StoreError.nameTaken(kind: "hook", name: hook.name) }
      try EventRows.add(db, "hook_added", at: now, data: ["name": .string(hook.name)])
      try db.run(
        """
        INSERT INTO hooks (name, events, command, url, secret_file, timeout_seconds, seen_event,
          created_at)
        SELECT ?, ?, ?, ?, ?, ?, MAX(id), ? FROM events
        """,
        [
          hook.name, events, hook.command, hook.url, hook.secretFile, hook.timeoutSeconds,
          now.microseconds,
        ])
      change.note(.hooks)
      return try HookRows.one(db, hook.name)
    }
  }

  private static func check(_ hook: NewHook) throws {
    func refuse(_ field: String, _ message: String) -> StoreError {
      .invalidValue(field: field, message: message)
    }
    guard SpecName.isValid(hook.name) else {
      throw refuse(
        "name", "is \"\(hook.name.prefix(80))\"; it must have letters, digits, '-', '_' and '.'")
    }
    guard (1...EventKind.allCases.count).contains(hook.events.count) else {
      throw refuse("events", "has \(hook.events.count) items; name one kind of event at least")
    }
    for pattern in hook.events {
      if let mistake = EventPattern.mistake(in: pattern) { throw refuse("events", mistake) }
    }
    guard Limits.hookSeconds.contains(hook.timeoutSeconds) else {
      throw refuse(
        "timeout_seconds",
        "is \(hook.timeoutSeconds); it must be from 1 to \(Limits.hookSeconds.upperBound)")
    }
    guard (hook.command == nil) != (hook.url == nil) else {
      throw refuse("command", "and url: one of the two is needed")
    }
    try Bounds.length(hook.command ?? "", of: "command", atMost: Limits.paramCharacters)
    guard hook.command?.isEmpty != true else { throw refuse("command", "must not be empty") }
    if let file = hook.secretFile {
      guard hook.url != nil else { throw refuse("secret_file", "is for a url") }
      guard file.hasPrefix("/") else { throw refuse("secret_file", "must be an absolute path") }
    }
    guard let url = hook.url else { return }
    try Bounds.length(url, of: "url", atMost: Limits.paramCharacters)
    guard let parts = URL(string: url), ["http", "https"].contains(parts.scheme ?? ""),
      parts.host(percentEncoded: false)?.isEmpty == false
    else { throw refuse("url", "must be one of http:// or https:// with a host") }
  }

  /// By name.
  package func hooks() async throws -> [Hook] { try await read { try HookRows.all($0) } }

  /// - Throws: `hook_not_found`.
  package func hook(_ name: String) async throws -> Hook {
    try await read { try HookRows.one($0, name) }
  }

  /// What is still to be delivered is dropped.
  /// - Throws: `hook_not_found`.
  package func deleteHook(_ name: String) async throws {
    try await write { [clock] db, change in
      let now = clock.now()
      let hook = try HookRows.one(db, name)
      try db.run("UPDATE hooks SET deleted_at = ? WHERE id = ?", [now.microseconds, hook.id])
      try db.run(
        """
        UPDATE hook_deliveries SET state = 'dropped', ended_at = ?
        WHERE hook_id = ? AND state = 'waiting'
        """, [now.microseconds, hook.id])
      try EventRows.add(db, "hook_removed", at: now, data: ["name": .string(name)])
      change.note(.hooks)
    }
  }

  /// Makes an event `hook_test` that this hook alone gets.
  /// - Throws: `hook_not_found`.
  package func testHook(_ name: String) async throws -> HookDelivery {
    try await write { [clock, makeIdentifier] db, change in
      let now = clock.now()
      let hook = try HookRows.one(db, name)
      try EventRows.add(db, "hook_test", at: now, data: ["name": .string(name)])
      let delivery = try HookRows.insert(
        db, hook: hook.id, event: db.lastInsertedRowID, uid: makeIdentifier(now), at: now)
      change.note(.hooks)
      return try HookRows.deliveries(db, "WHERE d.id = ?", [delivery])[0]
    }
  }

  /// Newest first; of a hook that has been removed none.
  /// - Throws: `hook_not_found`.
  package func deliveries(
    hook name: String, limit: Int, before cursor: Int64? = nil
  ) async throws -> [HookDelivery] {
    try Bounds.page(limit)
    return try await read { db in
      let hook = try HookRows.one(db, name)
      return try HookRows.deliveries(
        db, "WHERE d.hook_id = ? AND d.id < ? ORDER BY d.id DESC LIMIT ?",
        [hook.id, cursor ?? .max, limit])
    }
  }

  // MARK: Delivering

  /// Makes deliveries of what has happened since.
  /// - Returns: whether there is more to look at.
  package func makeDeliveries() async throws -> Bool {
    // Not counted as somebody's question: it is asked after every change.
    let isBehind = try await pool.read { db in
      try Damage.watching {
        try db.int64(
          """
          SELECT 1 FROM hooks WHERE deleted_at IS NULL
            AND seen_event < (SELECT MAX(id) FROM events) LIMIT 1
          """) != nil
      }
    }
    guard isBehind else { return false }
    return try await write { [clock, makeIdentifier] db, _ in
      try HookRows.makeDeliveries(db, at: clock.now(), uid: makeIdentifier)
    }
  }

  /// Those whose time has come, the longest waiting first, and when the next one is due.
  package func dueDeliveries(limit: Int) async throws -> (due: [DueDelivery], next: Timestamp?) {
    let now = clock.now()
    return try await pool.read { db in
      try Damage.watching {
        let rows = try db.rows(
          """
          SELECT d.id, d.uid, h.id, h.name, h.command, h.url, h.secret_file, h.timeout_seconds,
            d.attempts, e.id, e.time, e.kind, e.job_id, e.run_id, e.data
          FROM hook_deliveries d JOIN hooks h ON h.id = d.hook_id JOIN events e ON e.id = d.event_id
          WHERE d.state = 'waiting' AND d.next_at <= ? ORDER BY d.id LIMIT ?
          """, [now.microseconds, limit])
        let due = try rows.map { row in
          DueDelivery(
            id: row[0], uid: try row.identifier(1), hookId: row[2],
            hook: NewHook(
              name: row[3], events: [], command: row[4], url: row[5], secretFile: row[6],
              timeoutSeconds: row[7]),
            event: Event(
              id: row[9], time: row.time(10), kind: row[11], jobId: row[12], runId: row[13],
              data: try JSONText.parse(row[14])),
            attempts: row[8])
        }
        let next = try db.int64(
          "SELECT MIN(next_at) FROM hook_deliveries WHERE state = 'waiting'")
        return (due, next.map { Timestamp(microseconds: $0) })
      }
    }
  }

  /// An attempt begins. Should nothing be heard of it again, there is another one at `next`.
  /// - Returns: whether the delivery still waits.
  package func beginDelivery(_ id: Int64, next: Timestamp) async throws -> Bool {
    try await write { db, _ in
      try db.changed(
        """
        UPDATE hook_deliveries SET attempts = attempts + 1, next_at = ?
        WHERE id = ? AND state = 'waiting'
        """, [next.microseconds, id])
    }
  }

  /// What an attempt came to.
  /// - Parameter isLast: whether it is given up if there is an error.
  package func endDelivery(
    _ id: Int64, answer: String?, error: String?, isLast: Bool
  ) async throws {
    try await write { [clock] db, change in
      let now = clock.now()
      let state: DeliveryState = error == nil ? .delivered : isLast ? .failed : .waiting
      try db.run(
        """
        UPDATE hook_deliveries SET state = ?, answer = ?, last_error = ?,
          ended_at = CASE WHEN ? THEN NULL ELSE ? END
        WHERE id = ? AND state = 'waiting'
        """,
        [state.rawValue, answer, error, state == .waiting, now.microseconds, id])
      change.note(.hooks)
    }
  }
}
