// Takes checkpoints, artifacts and chunks away for good, a few chunks at a time.

import Experiments
import GRDB

enum ContentRemoval {
  /// The tables of things that are made of chunks.
  enum Kind: String {
    case checkpoint
    case artifact
  }

  private static let chunksAtOnce = 8

  /// Deletes some of what one of the run's things is made of, or the thing if nothing is left of it.
  /// - Returns: whether the run has none of the kind any more.
  static func removeSome(
    _ db: Database, _ kind: Kind, run: Int64, into report: inout GarbageReport
  ) throws -> Bool {
    let id = try db.int64("SELECT id FROM \(kind)s WHERE run_id = ? LIMIT 1", [run])
    guard let id else { return true }
    let parts = try db.rows(
      """
      SELECT position, chunk_id FROM \(kind)_chunks WHERE \(kind)_id = ? ORDER BY position LIMIT ?
      """, [id, chunksAtOnce])
    for part in parts {
      try db.run(
        "DELETE FROM \(kind)_chunks WHERE \(kind)_id = ? AND position = ?", [id, part[0] as Int64])
      try removeUnreferenced(db, chunk: part[1], into: &report)
    }
    guard parts.count < chunksAtOnce else { return false }
    try db.run("DELETE FROM \(kind)s WHERE id = ?", [id])
    switch kind {
    case .checkpoint: report.checkpoints += 1
    case .artifact: report.artifacts += 1
    }
    return false
  }

  /// Deletes the chunk if nothing names it, then what it was a difference against, and so on.
  static func removeUnreferenced(
    _ db: Database, chunk: Int64, into report: inout GarbageReport
  ) throws {
    var next: Int64? = chunk
    while let id = next {
      let row = try db.row(
        "SELECT base_chunk_id, length(data) FROM chunks WHERE id = ? AND reference_count = 0", [id])
      guard let row else { return }
      try db.run("DELETE FROM chunks WHERE id = ?", [id])
      report.chunks += 1
      report.contentBytes += row[1] as Int64
      next = row[0]
    }
  }

  /// Deletes some of the uploads that were never named.
  /// - Returns: whether there are no more.
  static func removeAbandoned(
    _ db: Database, before time: Timestamp, into report: inout GarbageReport
  ) throws -> Bool {
    let ids = try db.int64s(
      "SELECT id FROM chunks WHERE reference_count = 0 AND created_at < ? LIMIT ?",
      [time.microseconds, chunksAtOnce])
    for id in ids { try removeUnreferenced(db, chunk: id, into: &report) }
    return ids.isEmpty
  }
}

extension ContentRemoval.Kind: CustomStringConvertible {
  var description: String { rawValue }
}
