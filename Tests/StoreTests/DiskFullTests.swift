import Experiments
import Foundation
import GRDB
import Store
import Testing

@Suite struct DiskFullTests {
  private func setLimit(_ test: TestStore, pages extra: Int) async throws {
    try await test.store.write { db, _ in
      let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
      try db.execute(sql: "PRAGMA max_page_count = \(pages + extra)")
    }
  }

  @Test func aFullDiskLosesNothingAndWritingGoesOnAfterwards() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      var acknowledged = 0
      func append(_ index: Int) async throws {
        _ = try await test.store.appendLog(
          attempt: attempt.id, offset: Int64(index * 1000),
          bytes: [UInt8](repeating: UInt8(index % 256), count: 1000))
        acknowledged = index + 1
      }
      for index in 0..<10 { try await append(index) }
      try await setLimit(test, pages: 20)
      var failure: StoreError?
      while failure == nil {
        do {
          try await append(acknowledged)
        } catch let error as StoreError {
          failure = error
        }
      }
      #expect(failure == .diskFull && acknowledged > 10)
      // What was acknowledged is there, reads work, and so does what takes no space.
      let log = try await test.store.log(run: attempt.runId, from: 0, limit: 1 << 24)
      #expect(log.bytes.count == acknowledged * 1000)
      #expect(try await test.store.run(attempt.runId).status == .running)
      await expect("disk_full") {
        try await test.submit((0..<200).map { .test(seed: $0) })
      }
      #expect(try await test.store.status().runs == 1)
      try await setLimit(test, pages: 10_000)
      for _ in 0..<10 { try await append(acknowledged) }
      let after = try await test.store.log(run: attempt.runId, from: 0, limit: 1 << 24)
      #expect(after.bytes.count == acknowledged * 1000)
    }
  }

  /// Many at once, of whom some find room: each is answered for itself, and rightly.
  @Test func everyWriterIsAnsweredForItself() async throws {
    try await TestStore.with { test in
      var attempts: [Attempt] = []
      for _ in 0..<20 { attempts.append(try await test.start()) }
      try await setLimit(test, pages: 30)
      let stored = try await withThrowingTaskGroup(of: (Int64, Bool).self) { group in
        for attempt in attempts {
          group.addTask {
            do {
              _ = try await test.store.appendLog(
                attempt: attempt.id, offset: 0, bytes: [UInt8](repeating: 7, count: 20_000))
              return (attempt.runId, true)
            } catch let error as StoreError {
              #expect(error == .diskFull)
              return (attempt.runId, false)
            }
          }
        }
        var stored: [Int64: Bool] = [:]
        for try await (run, isStored) in group { stored[run] = isStored }
        return stored
      }
      #expect(Set(stored.values) == [true, false])
      for (run, isStored) in stored {
        let log = try await test.store.log(run: run, from: 0, limit: 1 << 20)
        #expect(log.bytes.count == (isStored ? 20_000 : 0))
      }
    }
  }
}
