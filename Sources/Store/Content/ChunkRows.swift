// Content by hash. A chunk lives as long as something names it (triggers keep the count); one that
// was just uploaded and is not named yet lives at least an hour.

import Checkpoints
import Experiments
import Foundation
import GRDB

enum ChunkRows {
  /// How long a chunk that nothing names is kept.
  static let unreferencedSeconds = 3600.0

  /// What a manifest needs to know of a stored chunk.
  struct Info {
    let id: Int64
    let rawBytes: Int
    let storedBytes: Int64
  }

  /// - Throws: `invalid_value` unless `sha256` is 64 lower-case hexadecimal digits.
  static func key(_ sha256: String) throws -> Data {
    guard ContentHash.isHex(sha256) else {
      throw StoreError.invalidValue(
        field: "sha256", message: "must be 64 hexadecimal digits, not \"\(sha256.prefix(80))\"")
    }
    let digits = sha256.utf8.map { $0 < 0x40 ? $0 - 0x30 : $0 - 0x57 }
    return Data(stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
  }

  /// One that is there already is as good as new: whoever uploads it again is about to name it.
  /// - Parameter isVerified: whether it was found to be what its hash says. One that was not, since it
  ///   was there, and has gone meanwhile is not taken.
  /// - Throws: `chunk_missing` if its base is, `chunk_chain_too_long`.
  static func insert(
    _ db: Database, _ chunk: EncodedChunk, isVerified: Bool, at now: Timestamp
  ) throws {
    let key = try Self.key(chunk.sha256)
    if let row = try db.row("SELECT id, reference_count FROM chunks WHERE sha256 = ?", [key]) {
      if row[1] == 0 {
        try db.run(
          "UPDATE chunks SET created_at = ? WHERE id = ?", [now.microseconds, row[0] as Int64])
      }
      return
    }
    guard isVerified else { throw StoreError.chunkMissing([chunk.sha256]) }
    var base: (id: Int64, depth: Int)?
    if let name = chunk.base { base = try Self.base(db, name, of: chunk) }
    let depth = base.map { $0.depth + 1 } ?? 0
    try db.run(
      """
      INSERT INTO chunks (sha256, raw_bytes, codec, base_chunk_id, depth, created_at, data)
      VALUES (?, ?, ?, ?, ?, ?, ?)
      """,
      [
        key, chunk.rawBytes, chunk.codec.rawValue, base?.id, depth,
        now.microseconds, Data(chunk.stored),
      ])
  }

  private static func base(
    _ db: Database, _ name: String, of chunk: EncodedChunk
  ) throws -> (id: Int64, depth: Int) {
    let row = try db.row("SELECT id, depth FROM chunks WHERE sha256 = ?", [try key(name)])
    guard let row else { throw StoreError.chunkMissing([name]) }
    let depth: Int = row[1]
    guard depth < Limits.chunkChain else {
      throw StoreError.content(
        .chunkChainTooLong(sha256: chunk.sha256, limit: Limits.chunkChain))
    }
    return (row[0], depth)
  }

  static func info(_ db: Database, _ sha256: String) throws -> Info? {
    try db.row("SELECT id, raw_bytes, length(data) FROM chunks WHERE sha256 = ?", [try key(sha256)])
      .map { Info(id: $0[0], rawBytes: $0[1], storedBytes: $0[2]) }
  }

  /// The raw bytes, as their hash says, made of the chunk and of what it is the difference to.
  /// - Parameter verifying: false only for who compares the hash of a whole.
  /// - Throws: `chunk_damaged`, `chunk_missing`.
  static func raw(
    _ db: Database, _ sha256: String, part: String, verifying: Bool = true
  ) throws -> [UInt8] {
    let raw = try ChunkChain.raw(sha256, part: part, verifying: verifying) {
      try stored(db, $0)
    }
    guard let raw else { throw StoreError.chunkMissing([sha256]) }
    return raw
  }

  /// A chunk as it is stored, not verified; nil if there is none of that name.
  static func stored(_ db: Database, _ sha256: String) throws -> EncodedChunk? {
    try db.row(
      """
      SELECT c.raw_bytes, c.codec, c.data, lower(hex(b.sha256))
      FROM chunks c LEFT JOIN chunks b ON b.id = c.base_chunk_id WHERE c.sha256 = ?
      """, [try key(sha256)]
    ).map { row in
      let base: String? = row[3]
      return EncodedChunk(
        sha256: sha256, rawBytes: row[0], codec: try row.name(1),
        base: base.flatMap { $0.isEmpty ? nil : $0 }, stored: Array(row[2] as Data))
    }
  }

  /// The chunks of a manifest, in its order.
  /// - Parameter sizes: of the content that each list of names stands for.
  /// - Throws: `chunk_missing` with all that are; `chunk_damaged` if one has another size than its
  ///   place needs.
  static func resolve(
    _ db: Database, _ lists: [(names: [String], bytes: Int)], part: String
  ) throws -> [Info] {
    var known: [String: Info] = [:]
    var missing: [String] = []
    for name in Set(lists.flatMap(\.names)) {
      if let info = try info(db, name) { known[name] = info } else { missing.append(name) }
    }
    guard missing.isEmpty else { throw StoreError.chunkMissing(missing.sorted()) }
    var result: [Info] = []
    for (names, bytes) in lists {
      for (index, name) in names.enumerated() {
        guard let info = known[name] else { continue }
        let needed = min(ChunkCoder.maxBytes, bytes - index * ChunkCoder.maxBytes)
        guard info.rawBytes == needed else {
          throw StoreError.content(
            .chunkDamaged(
              sha256: name, part: part,
              reason: "it has \(info.rawBytes) bytes where \(needed) belong"))
        }
        result.append(info)
      }
    }
    return result
  }

  /// Deletes those of `ids` that nothing names any more with the bases that only they had, and
  /// uploads that were never named.
  static func collect(_ db: Database, dereferenced ids: Set<Int64>, at now: Timestamp) throws {
    var ids = ids
    while !ids.isEmpty {
      let list = ids.sorted().jsonList
      let bases = try db.int64s(
        """
        SELECT DISTINCT base_chunk_id FROM chunks WHERE reference_count = 0
          AND base_chunk_id IS NOT NULL AND id IN (SELECT value FROM json_each(?))
        """, [list])
      try db.run(
        """
        DELETE FROM chunks WHERE reference_count = 0
          AND id IN (SELECT value FROM json_each(?))
        """, [list])
      ids = Set(bases)
    }
    try db.run(
      "DELETE FROM chunks WHERE reference_count = 0 AND created_at < ?",
      [now.adding(seconds: -unreferencedSeconds).microseconds])
  }
}
