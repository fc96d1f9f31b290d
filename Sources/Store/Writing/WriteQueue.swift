// The one way by which anything is written: group commit.
//
// - Writers hand in closures; the writer connection's own thread takes all that wait (at most
//   `batchSize`) into one IMMEDIATE transaction and answers every one of them after COMMIT. With
//   `synchronous=FULL` an answer means: on disk. A hundred waiting writers share one fsync.
// - Each closure runs in a savepoint. One that throws is undone alone and gets its error; the
//   others do not notice.
// - If the transaction as a whole fails (the disk is full, or the commit fails), nothing of it is
//   on disk, and each closure is run again in a transaction of its own and answered for itself. So
//   a closure may run twice and must do nothing but read and write the database it is given.
// - Order: closures run in the order in which they came; what was answered before another one came
//   was committed before it.
// - Back-pressure: at most `capacity` closures are inside; further writers wait their turn outside.
// - An input/output error in COMMIT leaves unknown what is on disk. From then on nothing is
//   acknowledged any more (`store_closed`), and `onFailure` is told once: the process should exit
//   and start again from what the disk holds.
// - Task cancellation does not withdraw a closure that is inside.

package import GRDB
import Synchronization

package final class WriteQueue: Sendable {
  package typealias Body<Value> = @Sendable (Database, inout StoreChange) throws -> Value

  package static let batchSize = 256
  package static let defaultCapacity = 1024

  private let pool: DatabasePool
  private let hub: ChangeHub
  private let capacity: Int
  private let commit: @Sendable (Database) throws -> Void
  private let onFailure: @Sendable (StoreError) -> Void
  private let logKeeper: LogKeeper
  private let state = Mutex(State())

  private struct State {
    var inbox: [Entry] = []
    var inside = 0
    /// Writers that wait outside, oldest first.
    var outside: [CheckedContinuation<Void, Never>] = []
    var isDraining = false
    /// Why no more closures are let in; those inside are still answered.
    var closed: StoreError?
    /// Why nothing is written any more.
    var broken: StoreError?
    var idle: [CheckedContinuation<Void, Never>] = []
  }

  /// A closure on its way. It keeps no result itself: running it gives the answer to send later.
  private struct Entry: Sendable {
    let run: @Sendable (Database, inout StoreChange) throws -> Answer
    let fail: @Sendable (any Error) -> Void
  }

  private typealias Answer = @Sendable () -> Void

  /// - Parameters:
  ///   - commit: ends the transaction; a test passes one that fails.
  ///   - onFailure: called when nothing is acknowledged any more.
  package init(
    pool: DatabasePool, hub: ChangeHub, capacity: Int = defaultCapacity,
    commit: @escaping @Sendable (Database) throws -> Void = { try $0.commit() },
    logKeeper: LogKeeper = LogKeeper(), onFailure: @escaping @Sendable (StoreError) -> Void
  ) {
    self.logKeeper = logKeeper
    self.pool = pool
    self.hub = hub
    self.capacity = capacity
    self.commit = commit
    self.onFailure = onFailure
  }

  /// Returns what `body` returned, once that is on disk.
  /// - Throws: what `body` threw, or why it could not be committed.
  package func write<Value: Sendable>(_ body: @escaping Body<Value>) async throws -> Value {
    await enter()
    return try await withCheckedThrowingContinuation { continuation in
      enqueue(
        Entry(
          run: { db, change in
            let value = try Damage.watching { try body(db, &change) }
            return { continuation.resume(returning: value) }
          },
          fail: { continuation.resume(throwing: StoreError.wrapping($0)) }))
    }
  }

  /// The same for those that cannot wait, beyond the capacity if need be: whoever calls this bounds by
  /// itself how many of them are inside.
  /// - Parameter answer: called on the writer's thread.
  package func submit<Value: Sendable>(
    _ body: @escaping Body<Value>, answer: @escaping @Sendable (Result<Value, any Error>) -> Void
  ) {
    state.withLock { $0.inside += 1 }
    enqueue(
      Entry(
        run: { db, change in
          let value = try Damage.watching { try body(db, &change) }
          return { answer(.success(value)) }
        },
        fail: { answer(.failure(StoreError.wrapping($0))) }))
  }

  /// Refuses further writes and returns when all that were inside have been answered.
  package func close() async {
    await withCheckedContinuation { continuation in
      let isIdle = state.withLock { state in
        if state.closed == nil {
          state.closed = .storeClosed(reason: "the database has been closed")
        }
        guard state.isDraining else { return true }
        state.idle.append(continuation)
        return false
      }
      if isIdle { continuation.resume() }
    }
  }

  /// How many closures are inside, and how many of them wait for the writer, for tests.
  package var insideCount: Int { state.withLock { $0.inside } }
  package var waitingCount: Int { state.withLock { $0.inbox.count } }

  private func enter() async {
    let hasRoom = state.withLock { state in
      guard state.inside < capacity else { return false }
      state.inside += 1
      return true
    }
    if hasRoom { return }
    await withCheckedContinuation { continuation in
      let hasRoom = state.withLock { state in
        guard state.inside >= capacity else {
          state.inside += 1
          return true
        }
        state.outside.append(continuation)
        return false
      }
      if hasRoom { continuation.resume() }
    }
  }

  private func enqueue(_ entry: Entry) {
    enum Next { case nothing, drain, refuse(StoreError) }
    let next = state.withLock { state -> Next in
      if let closed = state.closed { return .refuse(closed) }
      state.inbox.append(entry)
      guard !state.isDraining else { return .nothing }
      state.isDraining = true
      return .drain
    }
    switch next {
    case .nothing: break
    case .drain: pool.asyncWriteWithoutTransaction { self.drain($0) }
    case .refuse(let error):
      leave(1)
      entry.fail(error)
    }
  }

  /// Lets as many in from outside as have left.
  private func leave(_ count: Int) {
    let admitted = state.withLock { state in
      let admitted = Array(state.outside.prefix(count))
      state.outside.removeFirst(admitted.count)
      state.inside -= count - admitted.count
      return admitted
    }
    for continuation in admitted { continuation.resume() }
  }

  private func drain(_ db: Database) {
    while true {
      let batch = state.withLock { state -> [Entry] in
        let batch = Array(state.inbox.prefix(Self.batchSize))
        state.inbox.removeFirst(batch.count)
        state.isDraining = !batch.isEmpty
        return batch
      }
      guard !batch.isEmpty else { break }
      process(batch, db)
      leave(batch.count)
    }
    let idle = state.withLock { state in
      defer { state.idle = [] }
      return state.idle
    }
    for continuation in idle { continuation.resume() }
  }

  private func process(_ batch: [Entry], _ db: Database) {
    if let failure = brokenBy { return batch.forEach { $0.fail(failure) } }
    guard case .failed(let error) = transaction(of: batch, db) else { return }
    if batch.count == 1 { return batch[0].fail(brokenBy ?? error) }
    for entry in batch {
      if let failure = brokenBy {
        entry.fail(failure)
      } else if case .failed(let error) = transaction(of: [entry], db) {
        entry.fail(brokenBy ?? error)
      }
    }
  }

  private enum Outcome {
    /// Everyone has been answered.
    case committed
    /// Nothing of it is stored, and nobody has been answered.
    case failed(any Error)
  }

  private func transaction(of batch: [Entry], _ db: Database) -> Outcome {
    var answers: [Answer] = []
    var change = StoreChange()
    var isCommitting = false
    do {
      try db.beginTransaction(.immediate)
      if batch.count == 1 {
        answers.append(try batch[0].run(db, &change))
      } else {
        for entry in batch { answers.append(try savepoint(entry, db, &change)) }
      }
      isCommitting = true
      try commit(db)
    } catch {
      let error = FullDisk.named(error, path: pool.path)
      return .failed(rollBack(after: error, isCommitting: isCommitting, db))
    }
    hub.post(change)
    for answer in answers { answer() }
    keepLog(db)
    return .committed
  }

  /// Runs one closure so that its failure undoes only itself.
  /// - Throws: if the whole transaction is gone.
  private func savepoint(
    _ entry: Entry, _ db: Database, _ change: inout StoreChange
  ) throws -> Answer {
    var own = StoreChange()
    try db.cachedStatement(sql: "SAVEPOINT entry").execute()
    do {
      let answer = try entry.run(db, &own)
      try db.cachedStatement(sql: "RELEASE entry").execute()
      change.merge(own)
      return answer
    } catch {
      // A full disk or an input/output error may make SQLite roll back everything by itself.
      guard db.isInsideTransaction else { throw error }
      try db.cachedStatement(sql: "ROLLBACK TO entry").execute()
      try db.cachedStatement(sql: "RELEASE entry").execute()
      let error = FullDisk.named(error, path: pool.path)
      return { entry.fail(error) }
    }
  }

  private func rollBack(after error: any Error, isCommitting: Bool, _ db: Database) -> any Error {
    do {
      if db.isInsideTransaction { try db.rollback() }
    } catch let rollbackError {
      fail(rollbackError)
      return error
    }
    if isCommitting, let error = error as? DatabaseError, error.resultCode == .SQLITE_IOERR {
      fail(error)
    }
    return error
  }

  /// After the answers, which need not wait for it.
  private func keepLog(_ db: Database) {
    do {
      try logKeeper.afterCommit(db)
    } catch {
      // Where the file has no room, what was committed waits in the log and is moved later.
      noteFailedSync(FullDisk.named(error, path: pool.path))
    }
  }

  private var brokenBy: StoreError? { state.withLock { $0.broken } }

  /// Whether nothing is acknowledged any more, because nobody knows what is on disk.
  package var isBroken: Bool { brokenBy != nil }

  /// Takes an error of moving the write-ahead log into the file: after a failed write or sync of the
  /// file nothing is acknowledged any more. A full disk and a busy reader only delay it.
  package func noteFailedSync(_ error: any Error) {
    guard let error = error as? DatabaseError, error.resultCode == .SQLITE_IOERR else { return }
    fail(error)
  }

  /// Nothing is acknowledged from here on.
  private func fail(_ error: any Error) {
    let failure = StoreError.storeClosed(reason: "a commit failed (\(error))")
    let isFirst = state.withLock { state in
      defer {
        state.broken = failure
        state.closed = failure
      }
      return state.broken == nil
    }
    if isFirst { onFailure(failure) }
  }
}
