// How large the store may become. Metrics, logs and records are always taken; what is refused beyond
// the limit is content: checkpoints, snapshots and artifacts.

import Experiments
import GRDB

enum Quota {
  /// The tag of a run of which something was refused.
  static let tag = "assay.quota_exceeded"

  /// - Throws: `quota_exceeded`.
  static func check(_ db: Database, maxBytes: Int64?) throws {
    guard let maxBytes else { return }
    let used = try usedBytes(db)
    if used >= maxBytes { throw StoreError.quotaExceeded(limit: maxBytes, used: used) }
  }

  /// Of the file, less the pages that are free for new data.
  static func usedBytes(_ db: Database) throws -> Int64 {
    let sizes = try FileSizes(db)
    return sizes.fileBytes - sizes.freeBytes
  }
}

/// What the database says of its own size.
struct FileSizes {
  let pageBytes: Int64
  let pages: Int64
  let freePages: Int64

  init(_ db: Database) throws {
    pageBytes = try db.int64("PRAGMA page_size") ?? 0
    pages = try db.int64("PRAGMA page_count") ?? 0
    freePages = try db.int64("PRAGMA freelist_count") ?? 0
  }

  var fileBytes: Int64 { pages * pageBytes }
  var freeBytes: Int64 { freePages * pageBytes }
}

extension Store {
  /// Records, once per run, that something of it was refused for want of space: a tag tells whoever
  /// looks at the run, an event whoever watches the store.
  /// - Parameter what: such as `checkpoint`.
  package func noteRefused(attempt id: Int64, _ error: StoreError) async throws {
    guard case .quotaExceeded(let limit, _) = error else { return }
    try await write { [clock] db, change in
      let attempt = try AttemptRows.live(db, id)
      let isFirst = try db.changed(
        "INSERT OR IGNORE INTO tags (run_id, key, value) VALUES (?, ?, ?)",
        [attempt.runId, Quota.tag, "checkpoints or artifacts of this run were not taken"])
      guard isFirst else { return }
      try EventRows.add(
        db, error.code, at: clock.now(), job: attempt.jobId, run: attempt.runId,
        data: ["max_bytes": .int(limit)])
      change.note(.runs, run: attempt.runId, job: attempt.jobId)
    }
  }
}
