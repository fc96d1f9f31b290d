// Leases: how runs that nobody but their own program knows of come to a true end when that program
// falls silent.

package import Experiments
import GRDB

extension Store {
  /// The run's program lives. A run that was lost because its lease had lapsed is running again.
  /// - Throws: `run_not_found`, `run_deleted`, `conflict` if the run has no lease.
  package func renewLease(run id: Int64) async throws -> Lease {
    try await write { [clock] db, change in
      try RunRows.requireUsable(db, id)
      try LeaseRows.renew(db, run: id, at: clock.now(), &change)
      guard let lease = try LeaseRows.lease(db, run: id) else {
        throw StoreError.conflict(
          "run \(id) has no lease: it was opened without lease_seconds, is a job's, or has ended")
      }
      return lease
    }
  }

  /// Nil if the run has none, or has ended.
  package func lease(run id: Int64) async throws -> Lease? {
    try await read { try LeaseRows.lease($0, run: id) }
  }

  /// Ends runs whose leases have expired, each with the time of its last write.
  /// - Parameter heardSince: since when the store has taken writes. Before that a program could not be
  ///   heard, so a lease lapses only once it has been listened for as long as it lasts.
  /// - Returns: the runs that are lost now.
  package func lapseLeases(heardSince: Timestamp) async throws -> [Int64] {
    let now = clock.now()
    let heard = now.seconds(since: heardSince)
    // This look is taken every second and must not count as somebody's question.
    let isDue = try await pool.read { db in
      try Damage.watching { try !LeaseRows.due(db, at: now, upTo: heard, limit: 1).isEmpty }
    }
    guard isDue else { return [] }
    return try await write { db, change in
      var lost: [Int64] = []
      for lease in try LeaseRows.due(db, at: now, upTo: heard, limit: 1_000) {
        try LeaseRows.lapse(db, lease, at: now, &change)
        lost.append(lease.runId)
      }
      return lost
    }
  }
}
