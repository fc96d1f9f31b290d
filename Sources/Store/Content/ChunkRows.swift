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
  static func insert(_ db: Database, _ chunk: EncodedChunk, at now: Timestamp) throws {
    try db.run(
      """
      INSERT INTO chunks (sha256, raw_bytes, codec, created_at, data) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (sha256) DO UPDATE SET created_at = excluded.created_at
      """,
      [
        try key(chunk.sha256), chunk.rawBytes, chunk.codec.rawValue, now.microseconds,
        Data(chunk.stored),
      ])
  }

  static func info(_ db: Database, _ sha256: String) throws -> Info? {
    try db.row("SELECT id, raw_bytes, length(data) FROM chunks WHERE sha256 = ?", [try key(sha256)])
      .map { Info(id: $0[0], rawBytes: $0[1], storedBytes: $0[2]) }
  }

  /// The raw bytes, as their hash says.
  /// - Throws: `chunk_damaged`, `chunk_missing`.
  static func raw(_ db: Database, _ sha256: String, part: String) throws -> [UInt8] {
    let row = try db.row(
      "SELECT raw_bytes, codec, data FROM chunks WHERE sha256 = ?", [try key(sha256)])
    guard let row else { throw StoreError.chunkMissing([sha256]) }
    return try ChunkCoder.decode(
      Array(row[2] as Data), codec: try row.name(1), rawBytes: row[0], sha256: sha256, part: part)
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

  /// Deletes those of `ids` that nothing names any more, and uploads that were never named.
  static func collect(_ db: Database, dereferenced ids: Set<Int64>, at now: Timestamp) throws {
    if !ids.isEmpty {
      try db.run(
        """
        DELETE FROM chunks WHERE reference_count = 0
          AND id IN (SELECT value FROM json_each(?))
        """, [ids.sorted().jsonList])
    }
    try db.run(
      "DELETE FROM chunks WHERE reference_count = 0 AND created_at < ?",
      [now.adding(seconds: -unreferencedSeconds).microseconds])
  }
}
