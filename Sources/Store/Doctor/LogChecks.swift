// Whether the pieces of each attempt's log follow each other without a gap, up to what is counted.

import Experiments
import GRDB

struct LogChecks {
  let examination: Examination

  func run() throws {
    try examination.walk("attempts", batch: 1) { db, range in
      guard
        let row = try db.row(
          "SELECT run_id, number, log_bytes FROM attempts WHERE id = ?", [range.lowerBound])
      else { return }
      examination.counts.attempts += 1
      if examination.counts.attempts.isMultiple(of: 100) {
        examination.tell("logs", examination.counts.attempts)
      }
      let thing = "log of attempt \(row[1] as Int64)"
      func found(_ message: String) throws {
        try examination.found(
          DoctorProblem(
            kind: "log_damaged", run: row[0], thing: thing, message: message,
            remedy: Remedy.record), in: db)
      }
      var end: Int64 = 0
      let pieces = try Row.fetchCursor(
        db.cachedStatement(
          sql: """
            SELECT "offset", length(data) FROM log_pieces WHERE attempt_id = ? ORDER BY "offset"
            """), arguments: [range.lowerBound])
      while let piece = try pieces.next() {
        let offset: Int64 = piece[0]
        if offset > end { try found("bytes \(end) to \(offset) are missing") }
        if offset < end { try found("bytes from \(offset) on are there twice") }
        end = max(end, offset.addingReportingOverflow(piece[1]).partialValue)
      }
      let kept = min(row[2] as Int64, Limits.logBytesPerAttempt)
      if end != kept { try found("it has \(end) bytes where \(kept) were acknowledged") }
    }
  }
}
