// Whether every checkpoint and artifact is what its hashes say, and whether chunks are counted and
// chained as they are used. Each chunk that something names is read through what names it, so that
// every run and thing with a damaged chunk is named; the others are read by themselves.

import Checkpoints
import Experiments
import GRDB

struct ContentChecks {
  let examination: Examination

  private static let chunksPerRead: Int64 = 16
  private static let rowsPerRead: Int64 = 5_000
  /// Differences that lead from a chunk to a whole one at most.
  static let longestChain = Limits.chunkChain

  func run() throws {
    try checkpoints()
    try artifacts()
    try chunksWithoutUsers()
    try referenceCounts()
    try baseChains()
    try depths()
  }

  // MARK: Checkpoints

  private func checkpoints() throws {
    let total = try count("checkpoints")
    try examination.walk("checkpoints", batch: 1) { db, range in
      examination.tell("checkpoints", examination.counts.checkpoints, of: total)
      let rows = try db.rows(
        """
        SELECT id, run_id, kind, epoch, sha256, raw_bytes, manifest, step FROM checkpoints
        WHERE id BETWEEN ? AND ?
        """, [range.lowerBound, range.upperBound])
      for row in rows {
        examination.counts.checkpoints += 1
        let (id, run): (Int64, Int64) = (row[0], row[1])
        let thing = "\(row[2] as String) of epoch \(row[3] as Int64)"
        try naming("checkpoint_damaged", run: run, thing, db) {
          let manifest: CheckpointManifest = try RecordCoding.value(row[6])
          guard manifest.sha256 == row[4], manifest.rawBytes == row[5],
            Int64(manifest.epoch) == row[3], manifest.step == row[7]
          else { throw StoreError.databaseDamaged("its row and its manifest differ") }
          try compare(
            manifest.tensors.flatMap(\.chunks),
            try names(db, "checkpoint_chunks", "checkpoint_id", id))
          try CheckpointCoder.verify(manifest: manifest) {
            try ChunkRows.raw(db, $0, part: "the \(thing)")
          }
        }
      }
    }
  }

  // MARK: Artifacts

  private func artifacts() throws {
    let total = try count("artifacts")
    try examination.walk("artifacts", batch: 1) { db, range in
      examination.tell("artifacts", examination.counts.artifacts, of: total)
      let rows = try db.rows(
        """
        SELECT id, run_id, path, media_type, sha256, bytes FROM artifacts WHERE id BETWEEN ? AND ?
        """, [range.lowerBound, range.upperBound])
      for row in rows {
        examination.counts.artifacts += 1
        let path: String = row[2]
        try naming("artifact_damaged", run: row[1], "artifact \"\(path)\"", db) {
          let manifest = ArtifactManifest(
            path: path, mediaType: row[3],
            chunks: try names(db, "artifact_chunks", "artifact_id", row[0]).map { $0 ?? "" },
            sha256: row[4], bytes: row[5])
          try ArtifactCoder.read(
            manifest: manifest, chunk: { try ChunkRows.raw(db, $0, part: "artifact \"\(path)\"") },
            write: { _ in })
        }
      }
    }
  }

  /// Makes an error of `body` a problem of this run's.
  private func naming(
    _ kind: String, run: Int64, _ thing: String, _ db: Database, _ body: () throws -> Void
  ) throws {
    let reason: String
    do {
      return try Damage.watching(body)
    } catch let error as CheckpointError {
      reason = error.message
    } catch {
      switch StoreError.wrapping(error) {
      case let error as StoreError where error.code != "internal": reason = error.message
      case let error: throw error
      }
    }
    try examination.found(
      DoctorProblem(
        kind: kind, run: run, thing: thing, message: "it is damaged: \(reason)",
        remedy: Remedy.record), in: db)
  }

  /// The hashes of a thing's chunks in order, nil for one that is not there.
  private func names(
    _ db: Database, _ table: String, _ column: String, _ id: Int64
  ) throws -> [String?] {
    try Optional<String>.fetchAll(
      db.cachedStatement(
        sql: """
          SELECT lower(hex(c.sha256)) FROM \(table) l LEFT JOIN chunks c ON c.id = l.chunk_id
          WHERE l.\(column) = ? ORDER BY l.position
          """), arguments: [id])
  }

  private func compare(_ expected: [String], _ found: [String?]) throws {
    guard expected.count == found.count else {
      throw StoreError.databaseDamaged(
        "\(found.count) chunks belong to it where its manifest names \(expected.count)")
    }
    for (expected, found) in zip(expected, found) where expected != found {
      throw StoreError.databaseDamaged(
        "it has chunk \(found ?? "(none)") where its manifest names \(expected)")
    }
  }

  // MARK: Chunks

  private func chunksWithoutUsers() throws {
    let total = try count("chunks")
    try examination.walk("chunks", batch: Self.chunksPerRead) { db, range in
      examination.tell("chunks", examination.counts.chunks, of: total)
      let rows = try db.rows(
        """
        SELECT c.id, lower(hex(c.sha256)), c.reference_count,
          EXISTS (SELECT 1 FROM checkpoint_chunks l WHERE l.chunk_id = c.id)
            OR EXISTS (SELECT 1 FROM artifact_chunks l WHERE l.chunk_id = c.id),
          EXISTS (SELECT 1 FROM chunks d WHERE d.base_chunk_id = c.id)
        FROM chunks c WHERE c.id BETWEEN ? AND ?
        """, [range.lowerBound, range.upperBound])
      for row in rows {
        examination.counts.chunks += 1
        guard !(row[3] as Bool) else { continue }
        let name: String = row[1]
        do {
          _ = try Damage.watching { try ChunkRows.raw(db, name, part: "the store") }
        } catch {
          let isBase: Bool = row[4]
          examination.found(
            DoctorProblem(
              kind: "chunk_damaged", thing: "chunk \(name)",
              message: "nothing names it\(isBase ? " but chunks that are differences" : ""), "
                + "and it is damaged: \(Self.text(StoreError.wrapping(error)))",
              remedy: isBase ? Remedy.restore : Remedy.repair),
            isBase ? nil : .chunk(row[0]))
        }
      }
    }
  }

  private static func text(_ error: any Error) -> String {
    (error as? StoreError)?.message ?? "\(error)"
  }

  /// Counts of references decide what is deleted.
  private func referenceCounts() throws {
    var wrong = 0
    var first: (id: Int64, is: Int64, should: Int64)?
    try examination.walk("chunks", batch: Self.rowsPerRead) { db, range in
      let rows = try db.rows(
        """
        SELECT id, reference_count, uses FROM (
          SELECT c.id, c.reference_count,
            (SELECT COUNT(*) FROM checkpoint_chunks l WHERE l.chunk_id = c.id)
            + (SELECT COUNT(*) FROM artifact_chunks l WHERE l.chunk_id = c.id)
            + (SELECT COUNT(*) FROM chunks d WHERE d.base_chunk_id = c.id) AS uses
          FROM chunks c WHERE c.id BETWEEN ? AND ?)
        WHERE reference_count <> uses
        """, [range.lowerBound, range.upperBound])
      wrong += rows.count
      if first == nil, let row = rows.first { first = (row[0], row[1], row[2]) }
    }
    guard let first else { return }
    examination.found(
      DoctorProblem(
        kind: "reference_count_wrong", thing: "table chunks",
        message: "\(wrong) chunks have a wrong count of references, the first is chunk "
          + "\(first.id) with \(first.is) where \(first.should) name it",
        remedy: Remedy.repair), .referenceCounts)
  }

  /// A difference leads over its bases to a chunk that is whole.
  private func baseChains() throws {
    try examination.walk("chunks", batch: Self.rowsPerRead) { db, range in
      let endless = try db.int64s(
        """
        WITH RECURSIVE chain (id, base, length) AS (
          SELECT id, base_chunk_id, 0 FROM chunks
          WHERE id BETWEEN ? AND ? AND base_chunk_id IS NOT NULL
          UNION ALL
          SELECT chain.id, chunks.base_chunk_id, chain.length + 1
          FROM chain JOIN chunks ON chunks.id = chain.base
          WHERE chain.length < ?)
        SELECT DISTINCT id FROM chain WHERE base IS NOT NULL AND length = ?
        """, [range.lowerBound, range.upperBound, Self.longestChain, Self.longestChain])
      for id in endless {
        examination.found(
          DoctorProblem(
            kind: "base_chain_damaged", thing: "chunk \(id)",
            message: "more than \(Self.longestChain) differences lead from it to a whole chunk",
            remedy: Remedy.restore))
      }
    }
  }

  /// A chunk's depth tells whether one more difference may be made to it.
  private func depths() throws {
    var wrong = 0
    var first: (id: Int64, is: Int64, should: Int64)?
    try examination.walk("chunks", batch: Self.rowsPerRead) { db, range in
      let rows = try db.rows(
        """
        SELECT c.id, c.depth, COALESCE(b.depth + 1, 0) AS depth_by_base
        FROM chunks c LEFT JOIN chunks b ON b.id = c.base_chunk_id
        WHERE c.id BETWEEN ? AND ? AND (c.depth <> COALESCE(b.depth + 1, 0) OR c.depth > ?)
        """, [range.lowerBound, range.upperBound, Limits.chunkChain])
      for row in rows {
        let (id, depth, right): (Int64, Int64, Int64) = (row[0], row[1], row[2])
        guard depth == right else {
          wrong += 1
          if first == nil { first = (id, depth, right) }
          continue
        }
        examination.found(
          DoctorProblem(
            kind: "base_chain_damaged", thing: "chunk \(id)",
            message: "\(depth) differences lead from it to a whole chunk; the limit is "
              + "\(Limits.chunkChain)",
            remedy: Remedy.restore))
      }
    }
    guard let first else { return }
    examination.found(
      DoctorProblem(
        kind: "chunk_depth_wrong", thing: "table chunks",
        message: "\(wrong) chunks have a wrong depth, the first is chunk \(first.id) with "
          + "\(first.is) where its base makes it \(first.should)",
        remedy: Remedy.repair), .chunkDepths)
  }

  private func count(_ table: String) throws -> Int {
    let count = try examination.read("table \(table)") { db in
      try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM \(table)")
    }
    return (count ?? 0) ?? 0
  }
}
