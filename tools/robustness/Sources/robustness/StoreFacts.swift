// How much a database holds, in every schema so far: what no migration may change.
import Foundation
import GRDB

struct StoreFacts: Equatable, CustomStringConvertible, Sendable {
  let counts: [String: Int]

  init(database path: String) throws {
    let queue = try DatabaseQueue(path: path)
    defer { try? queue.close() }  // nothing was written
    counts = try queue.read { db in
      var counts: [String: Int] = [:]
      for table in [
        "runs", "jobs", "attempts", "params", "tags", "metrics", "metric_history", "artifacts",
        "checkpoints", "log_pieces", "baselines", "checks", "schedules",
      ] {
        counts[table] = try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table)")
      }
      return counts
    }
  }

  /// Whether nothing is less than it was.
  func holdAll(of earlier: StoreFacts) -> Bool {
    earlier.counts.allSatisfy { (counts[$0.key] ?? 0) >= $0.value }
  }

  var description: String {
    counts.sorted { $0.key < $1.key }.map { "\($1) \($0)" }.joined(separator: ", ")
  }
}

/// Files of the source tree that the programs begin with.
enum Fixtures {
  /// A database of an earlier schema.
  static func schema(_ name: String) -> String { schemaFolder + name }

  /// All of them, oldest first.
  static func schemas() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: schemaFolder)
      .filter { $0.hasSuffix(".db") }.sorted().map(schema)
  }

  private static var schemaFolder: String {
    // This file lies in tools/robustness/Sources/robustness.
    var folder = #filePath
    for _ in 0..<5 { folder = String(folder[..<(folder.lastIndex(of: "/") ?? folder.startIndex)]) }
    return folder + "/Tests/StoreTests/Fixtures/schemas/"
  }
}
