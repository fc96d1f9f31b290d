// Makes right what can be derived, each kind in a transaction of its own, so that a repair that
// cannot be done leaves the others.

import Experiments
import GRDB

struct DoctorRepair {
  let db: Database

  /// What other repairs depend on comes first.
  func run(_ repairs: [Examination.Repair]) throws {
    for repair in repairs.sorted(by: { Self.rank($0) < Self.rank($1) }) {
      do {
        try db.inTransaction(.immediate) {
          try Damage.watching { try apply(repair) }
          return .commit
        }
      } catch {
        switch StoreError.wrapping(error) {
        // The next look finds it as it was.
        case StoreError.databaseDamaged, StoreError.internal: continue
        case let error: throw error
        }
      }
    }
  }

  private static func rank(_ repair: Examination.Repair) -> Int {
    switch repair {
    case .reindex: 0
    case .create: 1
    case .orphans: 2
    case .chunk: 3
    case .referenceCounts: 4
    case .chunkDepths: 5
    case .specHash: 6
    case .summary: 7
    case .blocks: 8
    case .sequence: 9
    }
  }

  private func apply(_ repair: Examination.Repair) throws {
    switch repair {
    case .reindex: try db.execute(sql: "REINDEX")
    case .create(let sql): try db.execute(sql: sql)
    case .orphans(let table, let column, let parent):
      try db.execute(
        sql: "DELETE FROM \(table) WHERE \(column) NOT IN (SELECT id FROM \(parent))")
    case .chunk(let id): try db.run("DELETE FROM chunks WHERE id = ?", [id])
    case .referenceCounts: try recount()
    case .chunkDepths: try measureDepths()
    case .specHash(let job): try hashSpec(of: job)
    case .summary(let metric): try SummaryRows.rewrite(db, metric: metric)
    case .blocks(let series):
      try db.run("DELETE FROM series_blocks WHERE series_id = ?", [series])
    case .sequence(let table): try raiseCounter(table)
    }
  }

  private func recount() throws {
    try db.run(
      """
      UPDATE chunks SET reference_count =
        (SELECT COUNT(*) FROM checkpoint_chunks l WHERE l.chunk_id = chunks.id)
        + (SELECT COUNT(*) FROM artifact_chunks l WHERE l.chunk_id = chunks.id)
        + (SELECT COUNT(*) FROM chunks d WHERE d.base_chunk_id = chunks.id)
      """)
  }

  /// Of all chunks whose chain of bases has an end.
  private func measureDepths() throws {
    try db.run(
      """
      WITH RECURSIVE chain (id, depth) AS (
        SELECT id, 0 FROM chunks WHERE base_chunk_id IS NULL
        UNION ALL
        SELECT c.id, chain.depth + 1 FROM chain JOIN chunks c ON c.base_chunk_id = chain.id
        WHERE chain.depth < ?)
      UPDATE chunks SET depth = chain.depth FROM chain
      WHERE chain.id = chunks.id AND chunks.depth <> chain.depth
      """, [ContentChecks.longestChain])
  }

  private func hashSpec(of job: Int64) throws {
    guard let spec = try db.string("SELECT spec FROM jobs WHERE id = ?", [job]),
      let hash = StateChecks.specHash(try JSONText.parse(spec))
    else { return }
    try db.run("UPDATE jobs SET spec_sha256 = ? WHERE id = ?", [hash, job])
  }

  private func raiseCounter(_ table: String) throws {
    let name = table.quotedDatabaseIdentifier
    let greatest = try Int64.fetchOne(db, sql: "SELECT MAX(id) FROM \(name)") ?? 0
    if try !db.changed("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", [greatest, table]) {
      try db.run("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", [table, greatest])
    }
  }
}
