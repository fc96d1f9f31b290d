import Experiments
import Foundation
import GRDB
import Store
import Synchronization
import Testing

/// The queue's doc comment is its specification; each test is one of its sentences.
@Suite struct WriteQueueTests {
  /// A queue whose commits are counted and may be made to fail.
  final class Fixture: Sendable {
    let folder = TestStore.newFolder()
    let pool: DatabasePool
    let hub = ChangeHub()
    let commits = Atomic(0)
    let runs = Atomic(0)
    /// What the next commits throw instead of committing.
    let commitErrors = Mutex<[ResultCode]>([])
    let reports = Mutex<[StoreError]>([])

    init() throws {
      pool = try StoreFile.open(folder: folder)
      try pool.writeWithoutTransaction {
        try $0.execute(sql: "CREATE TABLE items (name TEXT NOT NULL UNIQUE) STRICT")
      }
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func queue(capacity: Int = WriteQueue.defaultCapacity) -> WriteQueue {
      WriteQueue(
        pool: pool, hub: hub, capacity: capacity,
        commit: { [self] db in
          let error = commitErrors.withLock { $0.isEmpty ? nil : $0.removeFirst() }
          if let error { throw DatabaseError(resultCode: error) }
          commits.add(1, ordering: .relaxed)
          try db.commit()
        },
        onFailure: { [self] error in reports.withLock { $0.append(error) } })
    }

    func names() async throws -> Set<String> {
      try await pool.read { try String.fetchSet($0, sql: "SELECT name FROM items") }
    }
  }

  /// Holds up the writer, in a batch of its own, until it is let go.
  private struct Hold {
    private let gate = DispatchSemaphore(value: 0)
    private let task: Task<Void, any Error>

    init(_ queue: WriteQueue) async {
      let begun = Begun()
      let gate = gate
      task = Task {
        try await queue.write { _, _ in
          begun.flag.store(true, ordering: .sequentiallyConsistent)
          gate.wait()
        }
      }
      while !begun.flag.load(ordering: .sequentiallyConsistent) { await Task.yield() }
    }

    func letGo() async throws {
      gate.signal()
      try await task.value
    }
  }

  private final class Begun: Sendable {
    let flag = Atomic(false)
  }

  /// Runs `writes` as one batch.
  private func together(
    _ queue: WriteQueue, _ writes: [WriteQueue.Body<Int>]
  ) async throws -> [Result<Int, any Error>] {
    let hold = await Hold(queue)
    var tasks: [Task<Int, any Error>] = []
    for body in writes {
      tasks.append(Task { try await queue.write(body) })
      while queue.waitingCount < tasks.count { await Task.yield() }
    }
    try await hold.letGo()
    var results: [Result<Int, any Error>] = []
    for task in tasks { results.append(await task.result) }
    return results
  }

  private func insert(_ name: String) -> WriteQueue.Body<Int> {
    { db, change in
      try db.execute(sql: "INSERT INTO items (name) VALUES (?)", arguments: [name])
      change.note(.runs)
      return db.changesCount
    }
  }

  private struct Refusal: Error {}

  private func code(_ result: Result<Int, any Error>) -> String? {
    if case .failure(let error as StoreError) = result { error.code } else { nil }
  }

  @Test func waitingWritersShareOneCommit() async throws {
    let fixture = try Fixture()
    let results = try await together(fixture.queue(), (0..<50).map { insert("\($0)") })
    #expect(results.allSatisfy { (try? $0.get()) == 1 })
    #expect(fixture.commits.load(ordering: .relaxed) == 2)
    #expect(try await fixture.names().count == 50)
  }

  @Test func aFailingClosureIsUndoneAlone() async throws {
    let fixture = try Fixture()
    let failing: WriteQueue.Body<Int> = { db, _ in
      try db.execute(sql: "INSERT INTO items (name) VALUES ('half')")
      throw StoreError.conflict("on purpose")
    }
    let violating = insert("a")
    let results = try await together(
      fixture.queue(), [insert("a"), failing, violating, insert("b")])
    #expect(code(results[1]) == "conflict")
    #expect(code(results[2]) == "internal")
    #expect((try? results[0].get()) == 1 && (try? results[3].get()) == 1)
    #expect(try await fixture.names() == ["a", "b"])
    #expect(fixture.commits.load(ordering: .relaxed) == 2)
  }

  @Test func aLostTransactionIsRunAgainOneByOne() async throws {
    let fixture = try Fixture()
    let losing: WriteQueue.Body<Int> = { db, _ in
      try db.execute(sql: "ROLLBACK")
      throw DatabaseError(resultCode: .SQLITE_FULL)
    }
    let results = try await together(fixture.queue(), [insert("a"), losing, insert("b")])
    #expect(code(results[1]) == "disk_full")
    #expect(try await fixture.names() == ["a", "b"])
    #expect(fixture.commits.load(ordering: .relaxed) == 3)
  }

  @Test func aCommitOnAFullDiskIsTriedOneByOne() async throws {
    let fixture = try Fixture()
    let queue = fixture.queue()
    let failing: WriteQueue.Body<Int> = { db, _ in
      // Runs twice: in the batch, and alone.
      if fixture.runs.add(1, ordering: .relaxed).newValue == 1 {
        fixture.commitErrors.withLock { $0 = [.SQLITE_FULL, .SQLITE_FULL] }
      }
      try db.execute(sql: "INSERT INTO items (name) VALUES ('first')")
      return 1
    }
    let results = try await together(queue, [failing, insert("b"), insert("c")])
    // The batch fails, then the first alone, then the others succeed.
    #expect(code(results[0]) == "disk_full")
    #expect((try? results[1].get()) == 1 && (try? results[2].get()) == 1)
    #expect(try await fixture.names() == ["b", "c"])
    #expect(fixture.reports.withLock { $0.isEmpty })
  }

  @Test func nothingIsAcknowledgedAfterAnInputOutputErrorInCommit() async throws {
    let fixture = try Fixture()
    let queue = fixture.queue()
    _ = try await queue.write(insert("before"))
    fixture.commitErrors.withLock { $0 = [.SQLITE_IOERR] }
    for name in ["lost", "after"] {
      await expect("store_closed") { try await queue.write(insert(name)) }
    }
    #expect(fixture.reports.withLock { $0.map(\.code) } == ["store_closed"])
    #expect(try await fixture.names() == ["before"])
  }

  @Test func atMostItsCapacityIsInside() async throws {
    let fixture = try Fixture()
    let queue = fixture.queue(capacity: 4)
    let hold = await Hold(queue)
    let tasks = (0..<40).map { index in
      Task { try await queue.write(insert("\(index)")) }
    }
    for _ in 0..<1000 {
      await Task.yield()
      #expect(queue.insideCount <= 4)
    }
    try await hold.letGo()
    for task in tasks { #expect(try await task.value == 1) }
    #expect(try await fixture.names().count == 40)
    await queue.close()
    #expect(queue.insideCount == 0)
  }

  @Test func aClosedQueueAnswersWhatIsInsideAndRefusesTheRest() async throws {
    let fixture = try Fixture()
    let queue = fixture.queue()
    let hold = await Hold(queue)
    let waiting = Task { try await queue.write(insert("inside")) }
    while queue.waitingCount < 1 { await Task.yield() }
    let closing = Task { await queue.close() }
    try await hold.letGo()
    #expect(try await waiting.value == 1)
    await closing.value
    await expect("store_closed") { try await queue.write(insert("late")) }
    #expect(try await fixture.names() == ["inside"])
  }

  @Test func closuresRunInTheirOrder() async throws {
    let fixture = try Fixture()
    let results = try await together(
      fixture.queue(),
      (0..<100).map { index in
        { db, _ in
          try db.execute(sql: "INSERT INTO items (name) VALUES (?)", arguments: ["\(index)"])
          return Int(db.lastInsertedRowID)
        }
      })
    #expect(try results.map { try $0.get() } == Array(1...100))
  }

  @Test func changesOfABatchComeAsOneAndOnlyOfWhatWasCommitted() async throws {
    let fixture = try Fixture()
    let changes = fixture.hub.subscribe()
    let bodies = (1...3).map { index -> WriteQueue.Body<Int> in
      { _, change in
        change.note(.runs, run: Int64(index))
        if index == 2 { throw Refusal() }
        return index
      }
    }
    _ = try await together(fixture.queue(), bodies)
    var iterator = changes.makeAsyncIterator()
    let change = try #require(await iterator.next())
    #expect(change.runIds == [1, 3] && change.kinds == [.runs])
  }

  /// Of what moves the write-ahead log into the file: a failed sync ends everything, a full disk and
  /// a busy reader end nothing.
  @Test func aFailedSyncOfTheFileEndsTheQueue() async throws {
    let fixture = try Fixture()
    let queue = fixture.queue()
    for error in [ResultCode.SQLITE_FULL, .SQLITE_BUSY] {
      queue.noteFailedSync(DatabaseError(resultCode: error))
    }
    _ = try await queue.write(insert("a"))
    queue.noteFailedSync(DatabaseError(resultCode: .SQLITE_IOERR_FSYNC))
    queue.noteFailedSync(DatabaseError(resultCode: .SQLITE_IOERR_FSYNC))
    #expect(queue.isBroken)
    #expect(fixture.reports.withLock { $0.map(\.code) } == ["store_closed"])
    await expect("store_closed") { try await queue.write(insert("b")) }
    #expect(try await fixture.names() == ["a"])
  }
}
