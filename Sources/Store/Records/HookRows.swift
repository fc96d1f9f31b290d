// Hooks and their deliveries between their tables and their records.

import Experiments
import GRDB

enum HookRows {
  /// Kept of each hook, of those that are over.
  private static let keptDeliveries = 1_000
  /// Events looked at in one transaction.
  private static let eventsAtOnce = 1_000

  private static let select = """
    SELECT h.id, h.name, h.events, h.command, h.url, h.secret_file, h.timeout_seconds, h.created_at,
      (SELECT COUNT(*) FROM hook_deliveries d WHERE d.hook_id = h.id AND d.state = 'waiting'),
      (SELECT COUNT(*) FROM hook_deliveries d WHERE d.hook_id = h.id AND d.state = 'failed')
    FROM hooks h WHERE h.deleted_at IS NULL

    """

  static func all(_ db: Database) throws -> [Hook] {
    try db.rows(select + "ORDER BY h.name").map(hook)
  }

  /// - Throws: `hook_not_found`.
  static func one(_ db: Database, _ name: String) throws -> Hook {
    guard let row = try db.row(select + "AND h.name = ?", [name]) else {
      throw StoreError.hookNotFound(name: name)
    }
    return try hook(row)
  }

  private static func hook(_ row: Row) throws -> Hook {
    Hook(
      id: row[0], name: row[1], events: try patterns(row[2]), command: row[3],
      url: (row[4] as String?).map(shown), isSigned: (row[5] as String?) != nil,
      timeoutSeconds: row[6], createdAt: row.time(7), waiting: row[8], failed: row[9])
  }

  /// Scheme and host: path, query and user may be secrets.
  private static func shown(_ url: String) -> String {
    guard let scheme = url.firstRange(of: "://") else { return "…" }
    let rest = url[scheme.upperBound...]
    let authority = rest.prefix { !"/?#".contains($0) }
    let host = authority.split(separator: "@").last ?? authority
    let hidden = rest.count > authority.count + 1 ? "/…" : ""
    return url[..<scheme.upperBound] + host + hidden
  }

  private static func patterns(_ text: String) throws -> [String] {
    try JSONText.parse(text).arrayValue?.compactMap(\.stringValue) ?? []
  }

  /// Makes deliveries of the events that have happened since the hooks looked last, each exactly once.
  /// - Returns: whether there are more events to look at.
  static func makeDeliveries(
    _ db: Database, at now: Timestamp, uid: (Timestamp) -> Identifier
  ) throws -> Bool {
    let newest = try db.int64("SELECT MAX(id) FROM events") ?? 0
    var hasMore = false
    let hooks = try db.rows(
      "SELECT id, events, seen_event FROM hooks WHERE deleted_at IS NULL AND seen_event < ?",
      [newest])
    for hook in hooks {
      let (id, seen): (Int64, Int64) = (hook[0], hook[2])
      let patterns = try patterns(hook[1])
      let last = min(newest, seen + Int64(eventsAtOnce))
      let events = try db.rows(
        "SELECT id, kind FROM events WHERE id > ? AND id <= ? ORDER BY id", [seen, last])
      for event in events {
        let kind: String = event[1]
        guard kind != EventKind.hookTest.rawValue,
          patterns.contains(where: { EventPattern.matches($0, kind) })
        else { continue }
        try insert(db, hook: id, event: event[0], uid: uid(now), at: now)
      }
      try db.run("UPDATE hooks SET seen_event = ? WHERE id = ?", [last, id])
      if last < newest { hasMore = true }
    }
    return hasMore
  }

  @discardableResult
  static func insert(
    _ db: Database, hook: Int64, event: Int64, uid: Identifier, at now: Timestamp
  ) throws -> Int64 {
    try db.run(
      """
      INSERT INTO hook_deliveries (uid, hook_id, event_id, state, next_at, created_at)
      VALUES (?, ?, ?, 'waiting', ?, ?)
      """, [uid.text, hook, event, now.microseconds, now.microseconds])
    let id = db.lastInsertedRowID
    try db.run(
      """
      DELETE FROM hook_deliveries WHERE hook_id = ? AND state <> 'waiting' AND id <= (
        SELECT id FROM hook_deliveries WHERE hook_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?)
      """, [hook, hook, keptDeliveries])
    return id
  }

  /// - Parameter rest: what follows the FROM clause, of a few fixed forms.
  static func deliveries(
    _ db: Database, _ rest: String, _ arguments: StatementArguments
  ) throws -> [HookDelivery] {
    try db.rows(
      """
      SELECT d.id, d.uid, h.name, d.event_id, COALESCE(e.kind, ''), d.state, d.attempts, d.next_at,
        d.answer, d.last_error, d.created_at, d.ended_at
      FROM hook_deliveries d JOIN hooks h ON h.id = d.hook_id LEFT JOIN events e ON e.id = d.event_id
      \(rest)
      """, arguments
    ).map {
      let state: DeliveryState = try $0.name(5)
      return HookDelivery(
        id: $0[0], uid: try $0.identifier(1), hook: $0[2], eventId: $0[3], eventKind: $0[4],
        state: state, attempts: $0[6], nextAt: state == .waiting ? $0.time(7) : nil,
        answer: $0[8], lastError: $0[9], createdAt: $0.time(10), endedAt: $0.optionalTime(11))
    }
  }
}
