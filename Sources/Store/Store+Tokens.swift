// Whose a token is, and how far it reaches: what a job's program may write is its own run and the runs
// below it.

package import Experiments
import GRDB

extension Store {
  package struct TokenScope: Sendable, Equatable {
    package let attempt: Int64
    package let run: Int64
  }

  /// The attempt that the token is of, while it may write; nil for any other.
  package func tokenScope(sha256: String) async throws -> TokenScope? {
    try await read { db in
      let row = try db.row(
        """
        SELECT id, run_id FROM attempts
        WHERE state IN ('starting', 'running') AND fenced = 0 AND token_sha256 = ?
        """, [sha256])
      return row.map { TokenScope(attempt: $0[0], run: $0[1]) }
    }
  }

  /// Whether `run` is `top` or below it.
  package func isRun(_ run: Int64, within top: Int64) async throws -> Bool {
    guard run != top else { return true }
    return try await read { db in
      try db.int64(
        """
        WITH RECURSIVE above (id) AS (
          SELECT parent_run_id FROM runs WHERE id = ?
          UNION SELECT r.parent_run_id FROM runs r JOIN above a ON r.id = a.id)
        SELECT 1 FROM above WHERE id = ?
        """, [run, top]) != nil
    }
  }

  /// Nil if there is no such job.
  package func jobState(uid: Identifier) async throws -> JobState? {
    try await read { db in
      try db.string("SELECT state FROM jobs WHERE uid = ?", [uid.text])
        .flatMap { JobState(rawValue: $0) }
    }
  }
}
