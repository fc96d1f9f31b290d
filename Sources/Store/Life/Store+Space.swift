// Writing when the disk is nearly full: the reserve is spent for deletions alone, and everybody else
// waits until it is there again.

import Dispatch
import Experiments
import GRDB

extension Store {
  /// Like `write`, for what makes room: on a full disk the reserve is spent for it.
  func freeingWrite<Value: Sendable>(
    _ body: @escaping WriteQueue.Body<Value>
  ) async throws -> Value {
    do {
      return try await queue.write(body)
    } catch StoreError.diskFull {
      guard let reserve else { throw StoreError.diskFull }
      _ = reserve.spend()
      // Afterwards the write-ahead log begins anew in the space that it has. Where more waits in it
      // than there is room for, the deletion goes into the space itself.
      await checkpointLog()
      return try await queue.write(body)
    }
  }

  /// Sets the reserve aside again if there is room; until then only deletions are written.
  /// - Returns: whether everybody may write.
  @discardableResult
  package func recoverSpace() async -> Bool {
    guard let reserve, reserve.isSpent else { return true }
    // The log may hold what has been deleted since, and more than the reserve.
    await moveLog { try LogKeeper.giveBack($0) }
    await withCheckedContinuation { continuation in
      work.async {
        reserve.refill()
        continuation.resume()
      }
    }
    return !reserve.isSpent
  }

  /// - Throws: `disk_full` while the space that there is belongs to deletions.
  func requireSpace() throws {
    if let reserve, reserve.isSpent { throw StoreError.diskFull }
  }

  /// Moves the write-ahead log into the file, as far as readers allow, but not into the space that
  /// belongs to deletions.
  func checkpointLog() async {
    await moveLog { [reserve] db in
      if reserve?.isSpent == true, try !LogKeeper.fits(db) { return }
      _ = try db.checkpoint(.passive)
    }
  }

  private func moveLog(_ move: @escaping @Sendable (Database) throws -> Void) async {
    await withCheckedContinuation { continuation in
      pool.asyncWriteWithoutTransaction { [queue, pool] db in
        do {
          try move(db)
        } catch {
          // A full disk or a busy reader only delays it; after anything else nobody knows what the
          // disk holds.
          queue.noteFailedSync(FullDisk.named(error, path: pool.path))
        }
        continuation.resume()
      }
    }
  }
}
