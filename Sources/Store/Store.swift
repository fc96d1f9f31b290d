// The store: everything that Assay remembers, in one SQLite file. Whatever a method has acknowledged
// is on disk; every write may be sent again and then changes nothing; reads see a consistent state
// and never wait for writes. All methods throw `StoreError` (or `CancellationError`, from a read in
// a cancelled task).

import Dispatch
package import Experiments
package import GRDB
import Synchronization

package final class Store: Sendable {
  package let databasePath: String
  /// Of the library that reads and writes the database.
  package let sqliteVersion: String
  let clock: WallClock
  let makeIdentifier: @Sendable (Timestamp) -> Identifier
  let pool: DatabasePool
  let queue: WriteQueue
  private let hub = ChangeHub()
  private let isClosed = Atomic(false)
  private let readCount = Atomic(0)
  private let pointCount = Atomic(0)
  /// Space set aside for deletions on a full disk.
  let reserve: Reserve?
  /// Beyond it no more checkpoints and artifacts are taken.
  package var maxBytes: Int64? {
    get { mostBytes.withLock { $0 } }
    set { mostBytes.withLock { $0 = newValue } }
  }
  private let mostBytes: Mutex<Int64?>
  /// Decompression and hashing, which must neither hold up the writer nor Swift's own threads.
  let work = DispatchQueue(label: "store.work", attributes: .concurrent)

  /// Opens the database in `folder`, which is made if there is none, and brings its schema up to
  /// date.
  /// - Parameters:
  ///   - clock: where times come from that nobody gives.
  ///   - makeIdentifier: makes the ids of new runs.
  ///   - keepsReserve: whether some space is set aside, so that deleting works on a full disk.
  ///   - maxBytes: how large the store may become before it takes no more checkpoints and artifacts.
  ///   - onFailure: called once if the store can no longer tell what is on disk; the process should
  ///     exit.
  /// - Throws: `StoreError`: `cannot_open`, `database_busy`, `database_damaged`, `database_newer`,
  ///   `migration_edited`, `disk_full`.
  package convenience init(
    folder: String, clock: WallClock,
    makeIdentifier: @escaping @Sendable (Timestamp) -> Identifier = { Identifier(at: $0) },
    keepsReserve: Bool = false, maxBytes: Int64? = nil,
    onFailure: @escaping @Sendable (StoreError) -> Void = { _ in }
  ) throws {
    try self.init(
      folder: folder, clock: clock, makeIdentifier: makeIdentifier, migrator: .embedded,
      keepsReserve: keepsReserve, maxBytes: maxBytes, onFailure: onFailure)
  }

  /// The same with other migrations than those in the program.
  package init(
    folder: String, clock: WallClock, makeIdentifier: @escaping @Sendable (Timestamp) -> Identifier,
    migrator: Migrator, keepsReserve: Bool = false, maxBytes: Int64? = nil,
    onFailure: @escaping @Sendable (StoreError) -> Void
  ) throws {
    do {
      try StoreFile.makeFolder(folder)
      reserve = keepsReserve ? Reserve(folder: folder) : nil
      pool = try StoreFile.open(folder: folder)
      let now = clock.now()
      sqliteVersion = try pool.writeWithoutTransaction { db in
        try Damage.watching { try migrator.migrate(db, now: now) }
        return try db.string("SELECT sqlite_version()") ?? ""
      }
    } catch {
      throw StoreError.wrapping(error)
    }
    self.clock = clock
    self.makeIdentifier = makeIdentifier
    mostBytes = Mutex(maxBytes)
    databasePath = folder + "/" + StoreFile.name
    queue = WriteQueue(
      pool: pool, hub: hub, logKeeper: LogKeeper { [reserve] in reserve?.isSpent ?? false },
      onFailure: onFailure)
  }

  /// Answers what is being written, refuses everything after, and closes the file.
  package func close() async {
    await queue.close()
    hub.close()
    guard !isClosed.exchange(true, ordering: .sequentiallyConsistent) else { return }
    let pool = pool
    if queue.isBroken {
      // Closing would move the write-ahead log into the file, of which nobody knows what the disk
      // has. The connections stay open until the process ends, which is about to.
      _ = Unmanaged.passRetained(pool)
      return
    }
    await withCheckedContinuation { continuation in
      work.async {
        // Everything acknowledged is on disk already. This only moves the write-ahead log into the
        // file, so that the file alone is the database, and a connection that is still reading may
        // keep that from happening until the process ends.
        try? pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        try? pool.close()
        continuation.resume()
      }
    }
  }

  /// How often something was read so far: while it stays the same, nobody asks for anything.
  package var reads: Int { readCount.load(ordering: .relaxed) }

  /// Gives back what the connections keep of the file and of their statements, each once it has
  /// nothing to do. The next reads take a little longer.
  package func releaseMemory() { pool.releaseMemoryEventually() }

  /// Every commit that changed something. A slow reader gets what it missed merged into one change;
  /// the stream ends when the store is closed.
  package func changes() -> AsyncStream<StoreChange> { hub.subscribe() }
}

extension Store {
  /// Runs `body` in the writer's next transaction and returns when that is on disk. It may run
  /// twice. Only the store and its tests import GRDB, so nobody else can call this.
  package func write<Value: Sendable>(_ body: @escaping WriteQueue.Body<Value>) async throws
    -> Value
  {
    try requireSpace()
    return try await queue.write(body)
  }

  /// The same for those that cannot wait.
  func submit<Value: Sendable>(
    _ body: @escaping WriteQueue.Body<Value>,
    answer: @escaping @Sendable (Result<Value, any Error>) -> Void
  ) throws {
    try requireSpace()
    queue.submit(body, answer: answer)
  }

  /// Metric points that were taken in since the store was opened, those sent again included.
  var pointsTaken: Int { pointCount.load(ordering: .relaxed) }

  func notePoints(_ count: Int) { pointCount.add(count, ordering: .relaxed) }

  /// Returns once a reader and the writer have answered: the store does its work.
  package func answers() async {
    // What they answer does not matter here, an error included.
    _ = try? await read { try $0.int64("SELECT 1") }
    _ = try? await queue.write { db, _ in try db.int64("SELECT 1") }
  }

  /// Runs `body` on a snapshot of the database. As `write`, for the store and its tests.
  package func read<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws -> Value {
    readCount.add(1, ordering: .relaxed)
    do {
      return try await pool.read { db in try Damage.watching { try body(db) } }
    } catch {
      throw StoreError.wrapping(error)
    }
  }

  /// Runs `body`, which takes processor time, on a thread of its own with a snapshot of the
  /// database.
  func readAndWork<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws -> Value {
    readCount.add(1, ordering: .relaxed)
    let pool = pool
    return try await working { try pool.read { db in try Damage.watching { try body(db) } } }
  }

  /// For long examinations, which open transactions of their own.
  var reader: any DatabaseReader { pool }

  /// As `working`; `body` is told whether the task has been cancelled meanwhile.
  func cancellable<Value: Sendable>(
    _ body: @escaping @Sendable (_ isCancelled: @escaping @Sendable () -> Bool) throws -> Value
  ) async throws -> Value {
    let cancelled = Latch()
    return try await withTaskCancellationHandler {
      try await working { try body { cancelled.isSet } }
    } onCancel: {
      cancelled.set()
    }
  }

  /// Runs `body`, which takes processor time, on a thread of its own.
  func working<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
  ) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      work.async {
        do {
          continuation.resume(returning: try body())
        } catch {
          continuation.resume(throwing: StoreError.wrapping(error))
        }
      }
    }
  }
}

/// Set once, seen by everyone.
final class Latch: Sendable {
  private let flag = Atomic(false)

  var isSet: Bool { flag.load(ordering: .acquiring) }
  func set() { flag.store(true, ordering: .releasing) }
}
