// What a worker printed. Pieces are addressed by their offset, so sending one again changes nothing.
// Of each attempt the first `Limits.logBytesPerAttempt` are kept; what comes after is counted, and
// a closing line says so.

import Experiments
import Foundation
import GRDB

extension Store {
  /// Appends to the attempt's log. What overlaps with earlier pieces changes nothing.
  /// - Parameter evenEnded: for what is found in the attempt's folder after its end.
  /// - Returns: the offset that the next piece has.
  /// - Throws: `log_gap`, `limit_exceeded`, `attempt_not_found`, `attempt_fenced`.
  package func appendLog(
    attempt id: Int64, offset: Int64, bytes: [UInt8], evenEnded: Bool = false
  ) async throws -> Int64 {
    try Bounds.count(bytes.count, of: "bytes", atMost: Limits.logPieceBytes)
    guard offset >= 0 else {
      throw StoreError.invalidValue(
        field: "offset", message: "is \(offset); it must not be negative")
    }
    return try await write { db, change in
      let attempt = try AttemptRows.live(db, id, evenEnded: evenEnded)
      let end = try db.int64("SELECT log_bytes FROM attempts WHERE id = ?", [id]) ?? 0
      guard offset <= end else { throw StoreError.logGap(expected: end, offset: offset) }
      let fresh = bytes.dropFirst(Int(end - offset))
      guard !fresh.isEmpty else { return end }
      let kept = fresh.prefix(Int(max(0, Limits.logBytesPerAttempt - end)))
      if !kept.isEmpty {
        try db.run(
          "INSERT INTO log_pieces (attempt_id, \"offset\", data) VALUES (?, ?, ?)",
          [id, end, Data(kept)])
      }
      let next = end + Int64(fresh.count)
      try db.run("UPDATE attempts SET log_bytes = ? WHERE id = ?", [next, id])
      change.note(.logs, run: attempt.runId, job: attempt.jobId)
      return next
    }
  }

  /// A piece of a run's log: those of its attempts, one after the other.
  /// - Parameters:
  ///   - offset: in the whole; beyond its end there is nothing.
  ///   - limit: bytes at most.
  /// - Returns: `next` is the offset to go on from; `end` is true if the run is over and all of its
  ///   log has been read.
  /// - Throws: `run_not_found`, `invalid_value`.
  package func log(
    run id: Int64, from offset: Int64, limit: Int
  ) async throws -> (bytes: [UInt8], next: Int64, end: Bool) {
    guard offset >= 0, limit >= 1 else {
      throw StoreError.invalidValue(
        field: "offset", message: "is \(offset) with limit \(limit); both must be positive")
    }
    return try await read { db in
      guard let status = try db.string("SELECT status FROM runs WHERE id = ?", [id]) else {
        throw StoreError.runNotFound(name: "\(id)")
      }
      var reader = LogReader(from: offset, limit: limit)
      let attempts = try db.rows(
        "SELECT id, log_bytes FROM attempts WHERE run_id = ? ORDER BY id", [id])
      for attempt in attempts { try reader.read(db, attempt: attempt[0], bytes: attempt[1]) }
      let isOver = RunStatus(rawValue: status)?.isFinal ?? false
      let next = offset + Int64(reader.bytes.count)
      return (reader.bytes, next, isOver && next >= reader.end)
    }
  }
}

/// Collects a range of the logs of several attempts as if they were one.
private struct LogReader {
  private(set) var bytes: [UInt8] = []
  /// Where the logs read so far end.
  private(set) var end: Int64 = 0
  private let from: Int64
  private let limit: Int

  private static let cutNotice = Array(
    "\n[the log is longer than the \(Limits.logBytesPerAttempt) bytes that are kept]\n".utf8)

  init(from offset: Int64, limit: Int) {
    from = offset
    self.limit = limit
  }

  mutating func read(_ db: Database, attempt: Int64, bytes count: Int64) throws {
    let start = end
    let kept = max(0, min(count, Limits.logBytesPerAttempt))
    let notice = count > kept ? Self.cutNotice : []
    end += kept + Int64(notice.count)
    guard end > from, bytes.count < limit else { return }
    let inside = max(0, from - start)
    let pieces = try db.cachedStatement(
      sql: """
        SELECT "offset", data FROM log_pieces WHERE attempt_id = ? AND "offset" >= COALESCE(
          (SELECT MAX(p."offset") FROM log_pieces p WHERE p.attempt_id = ? AND p."offset" <= ?), 0)
        ORDER BY "offset"
        """)
    let rows = try Row.fetchCursor(pieces, arguments: [attempt, attempt, inside])
    while bytes.count < limit, let row = try rows.next() {
      let data: Data = row[1]
      take(Array(data), at: start &+ row[0])
    }
    take(notice, at: start + kept)
  }

  /// Takes what the range has of a piece that begins at `offset` of the whole.
  private mutating func take(_ piece: [UInt8], at offset: Int64) {
    let wanted = from + Int64(bytes.count)
    guard offset >= 0, wanted >= offset, wanted - offset < Int64(piece.count) else { return }
    bytes += piece.dropFirst(Int(wanted - offset)).prefix(limit - bytes.count)
  }
}
