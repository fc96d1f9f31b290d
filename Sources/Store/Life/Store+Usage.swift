// What takes the space. Content and logs are added up from what is recorded of them; points are
// estimated from the summaries' counts and the size of a sample, since a large store has too many to
// look at.

package import Experiments
import Foundation
import GRDB

extension Store {
  /// Bytes of a point in the file, where SQLite cannot tell.
  private static let usualPointBytes = 28.0
  /// Pages that are looked at to tell it, 16 MiB of them.
  private static let samplePages = 4_096

  /// Takes the time of a pass over the tables of runs, summaries and chunks, none over the points.
  package func usage() async throws -> StoreUsage {
    let path = databasePath
    let reserve = reserve
    let maxBytes = maxBytes
    return try await readAndWork { db in
      let sizes = try FileSizes(db)
      let pointBytes = try Self.bytesPerPoint(db)
      let experiments = try Self.experiments(db, bytesPerPoint: pointBytes)
      let chunks = try db.row(
        """
        SELECT COALESCE(SUM(length(data)), 0),
          COALESCE(SUM(length(data)) FILTER (WHERE reference_count = 0), 0) FROM chunks
        """)
      let content: Int64 = chunks?[0] ?? 0
      let unreferenced: Int64 = chunks?[1] ?? 0
      let named = experiments.reduce(0) { $0 + $1.checkpointBytes + $1.artifactBytes }
      let points = experiments.reduce(0) { $0 + $1.pointBytes }
      let logs = experiments.reduce(0) { $0 + $1.logBytes }
      let used = sizes.fileBytes - sizes.freeBytes
      return StoreUsage(
        fileBytes: sizes.fileBytes, freeBytes: sizes.freeBytes,
        walBytes: Self.bytes(of: path + "-wal"), reserveBytes: reserve?.heldBytes ?? 0,
        maxBytes: maxBytes, points: experiments.reduce(0) { $0 + $1.points },
        pointBytes: min(points, max(0, used - content - logs)), contentBytes: content,
        sharedBytes: max(0, named - (content - unreferenced)), unreferencedBytes: unreferenced,
        logBytes: logs, recordBytes: max(0, used - content - logs - points),
        experiments: experiments)
    }
  }

  /// Measured on the first pages of the table.
  private static func bytesPerPoint(_ db: Database) throws -> Double {
    guard try db.int64("SELECT 1 FROM pragma_module_list WHERE name = 'dbstat'") != nil else {
      return usualPointBytes
    }
    let row = try db.row(
      """
      SELECT SUM(ncell), SUM(pgsize) FROM
        (SELECT ncell, pgsize FROM dbstat WHERE name = 'metric_points' LIMIT \(samplePages))
      """)
    // Of a nearly empty table most is the rest of its page.
    guard let cells: Int64 = row?[0], let bytes: Int64 = row?[1], cells > 1_000 else {
      return usualPointBytes
    }
    return Double(bytes) / Double(cells)
  }

  private static func experiments(
    _ db: Database, bytesPerPoint: Double
  ) throws -> [ExperimentUsage] {
    var found: [Int64: ExperimentUsage] = [:]
    for row in try db.rows("SELECT id, name FROM experiments") {
      found[row[0]] = ExperimentUsage(name: row[1])
    }
    /// Adds up by experiment and by whether the run is deleted.
    func each(
      _ amount: String, _ tables: String, _ add: (inout ExperimentUsage, Int64) -> Int64
    ) throws {
      let rows = try db.rows(
        """
        SELECT r.experiment_id, r.deleted_at IS NOT NULL, \(amount) FROM runs r \(tables)
        GROUP BY 1, 2
        """)
      for row in rows {
        guard var usage = found[row[0]] else { continue }
        let bytes = add(&usage, row[2])
        if row[1] { usage.deletedBytes += bytes }
        found[row[0]] = usage
      }
    }
    try each("COUNT(*)", "") {
      $0.runs += Int($1)
      return 0
    }
    try each("COUNT(*) FILTER (WHERE r.deleted_at IS NOT NULL)", "") {
      $0.deletedRuns += Int($1)
      return 0
    }
    try each("SUM(m.count)", "JOIN metrics m ON m.run_id = r.id") {
      let bytes = Int64(Double($1) * bytesPerPoint)
      $0.points += $1
      $0.pointBytes += bytes
      return bytes
    }
    try each("SUM(c.stored_bytes)", "JOIN checkpoints c ON c.run_id = r.id") {
      $0.checkpointBytes += $1
      return $1
    }
    try each(
      "SUM(length(k.data))",
      """
      JOIN artifacts a ON a.run_id = r.id JOIN artifact_chunks n ON n.artifact_id = a.id
      JOIN chunks k ON k.id = n.chunk_id
      """
    ) {
      $0.artifactBytes += $1
      return $1
    }
    try each(
      "SUM(MIN(a.log_bytes, \(Limits.logBytesPerAttempt)))", "JOIN attempts a ON a.run_id = r.id"
    ) {
      $0.logBytes += $1
      return $1
    }
    return found.values.filter { $0.runs > 0 }
      .sorted { ($0.bytes, $1.name) > ($1.bytes, $0.name) }
  }
}
