import Checkpoints
import Experiments
import Foundation
import GRDB
import Glibc
import Store
import Testing

/// What takes the space, and what is refused when there is no more.
@Suite struct SpaceTests {
  private func with<Value>(
    folder: String = TestStore.newFolder(), maxBytes: Int64? = nil, keepsReserve: Bool = false,
    _ body: (TestStore) async throws -> Value
  ) async throws -> Value {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let clock = TestClock()
    let store = try Store(
      folder: folder, clock: clock.wall, keepsReserve: keepsReserve, maxBytes: maxBytes)
    do {
      let value = try await body(TestStore(folder: folder, clock: clock, store: store))
      await store.close()
      return value
    } catch {
      await store.close()
      throw error
    }
  }

  private func tensors(_ seed: UInt64, count: Int) -> [Tensor] {
    var random = SeededGenerator(state: seed)
    return [
      Tensor(
        name: "w", shape: [count],
        floats: (0..<count).map { _ in Float.random(in: 0...1, using: &random) })
    ]
  }

  @Test func usageTellsWhatTakesTheSpace() async throws {
    try await TestStore.with { test in
      var attempts: [Attempt] = []
      for experiment in ["large", "small"] {
        attempts.append(try await test.start(.test(experiment: experiment)))
      }
      for attempt in attempts {
        try await test.checkpoint(attempt, epoch: 1, tensors: tensors(1, count: 20_000))
      }
      let alone = try await test.checkpoint(
        attempts[0], epoch: 2, tensors: tensors(2, count: 40_000))
      try await test.store.appendMetrics(
        attempt: attempts[0].id, (0..<5_000).map { test.point("loss", $0, Double($0) * 0.3) })
      _ = try await test.store.appendLog(
        attempt: attempts[1].id, offset: 0, bytes: [UInt8](repeating: 65, count: 1_000))
      for attempt in attempts { try await test.finish(attempt) }
      _ = try await test.store.changeRun(attempts[1].runId, deleted: true)
      let usage = try await test.store.usage()
      let (large, small) = (usage.experiments[0], usage.experiments[1])
      #expect(large.name == "large" && small.name == "small")
      #expect(usage.sharedBytes == small.checkpointBytes && small.checkpointBytes > 50_000)
      #expect(large.checkpointBytes == small.checkpointBytes + alone.storedBytes)
      #expect(usage.contentBytes == large.checkpointBytes)
      #expect(large.points == 5_000 && usage.points == 5_000)
      #expect((90_000...250_000).contains(large.pointBytes))
      #expect(small.logBytes == 1_000 && usage.logBytes == 1_000)
      #expect(small.deletedRuns == 1 && small.deletedBytes == small.bytes)
      #expect(large.deletedRuns == 0 && large.deletedBytes == 0)
      #expect(
        usage.fileBytes - usage.freeBytes
          == usage.pointBytes + usage.contentBytes + usage.logBytes + usage.recordBytes)
    }
  }

  @Test func beyondTheQuotaOnlyContentIsRefused() async throws {
    try await with(maxBytes: 1 << 20) { test in
      let attempt = try await test.start()
      try await test.checkpoint(attempt, epoch: 1, tensors: tensors(1, count: 250_000))
      await expect("quota_exceeded") {
        try await test.checkpoint(attempt, epoch: 2, tensors: tensors(2, count: 1_000))
      }
      try await test.store.appendMetrics(attempt: attempt.id, [test.point("loss", 1, 1)])
      // What is stored already costs nothing.
      _ = try await test.store.appendLog(attempt: attempt.id, offset: 0, bytes: [1])
      let (manifest, _) = try CheckpointCoder.encode(
        tensors: tensors(1, count: 250_000), metadata: [:], epoch: 3, step: 300)
      _ = try await test.store.addCheckpoint(attempt: attempt.id, manifest)
      let error = StoreError.quotaExceeded(limit: 1 << 20, used: 2 << 20)
      for _ in 0..<2 { try await test.store.noteRefused(attempt: attempt.id, error) }
      #expect(try await test.store.run(attempt.runId).tags["assay.quota_exceeded"] != nil)
      let events = try await test.store.events(limit: 100).filter { $0.kind == "quota_exceeded" }
      #expect(events.count == 1 && events[0].runId == attempt.runId)
      try await test.finish(attempt)
      _ = try await test.store.purgeRun(attempt.runId)
      _ = try await test.store.collectGarbage(
        Store.Collection(deletedBefore: test.now, atMost: .seconds(20), isGentle: false))
      let next = try await test.start()
      try await test.checkpoint(next, epoch: 1, tensors: tensors(2, count: 1_000))
    }
  }

  @Test func theReserveIsSetAside() async throws {
    try await with(keepsReserve: true) { test in
      let usage = try await test.store.usage()
      #expect(usage.reserveBytes >= 4 << 20)
      #expect(await test.store.recoverSpace())
    }
  }

  static let mayMount = geteuid() == 0 && TemporaryDisk.isAllowed

  /// All the way on a real file system: full, deleting, full again, room.
  @Test(
    .enabled(if: mayMount, "mounting a file system of 64 MiB needs root"))
  func aFullDiskTakesDeletionsAndGoesOnByItself() async throws {
    let disk = try TemporaryDisk(mebibytes: 64)
    defer { disk.remove() }
    try await with(folder: disk.path + "/data", keepsReserve: true) { test in
      let attempt = try await test.start()
      var steps: Int64 = 0
      /// The refusal, if it was one.
      func append(_ run: Int64) async throws -> String? {
        do {
          try await test.store.appendMetrics(
            run: run, (0..<1_000).map { test.point("loss", steps * 1_000 + $0, Double($0)) })
          steps += 1
          return nil
        } catch let error as StoreError {
          return error.code
        }
      }
      for _ in 0..<50 { #expect(try await append(attempt.runId) == nil) }
      try await test.finish(attempt)
      let other = try await test.run()
      try disk.fill("filler")
      var refusal: String?
      while refusal == nil { refusal = try await append(attempt.runId) }
      #expect(refusal == "disk_full")
      let acknowledged = steps
      #expect(
        try await test.store.history(run: attempt.runId, key: "loss").points.count
          == Int(acknowledged) * 1_000)
      // Deleting works, and gives room by itself.
      _ = try await test.store.purgeRun(attempt.runId)
      let report = try await test.store.collectGarbage(
        Store.Collection(deletedBefore: test.now, atMost: .seconds(20), isGentle: false))
      #expect(report.runs == 1 && report.points == acknowledged * 1_000 && report.fileBytes > 0)
      #expect(await test.store.recoverSpace())
      #expect(try await append(other) == nil)
      // Full again, and then room from elsewhere.
      try disk.fill("more")
      refusal = nil
      while refusal == nil { refusal = try await append(other) }
      #expect(refusal == "disk_full")
      disk.delete("filler")
      #expect(await test.store.recoverSpace())
      #expect(try await append(other) == nil)
      #expect(try await test.store.usage().reserveBytes >= 1 << 20)
      let integrity = try await test.store.read {
        try String.fetchAll($0, sql: "PRAGMA integrity_check")
      }
      #expect(integrity == ["ok"])
    }
  }
}

/// A small file system in memory, for which the tests must be root.
struct TemporaryDisk {
  let path: String

  /// Containers forbid it even to root.
  static let isAllowed: Bool = {
    guard let disk = try? TemporaryDisk(mebibytes: 1) else { return false }
    disk.remove()
    return true
  }()

  init(mebibytes: Int) throws {
    path = TestStore.newFolder() + ".disk"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    guard mount("tmpfs", path, "tmpfs", 0, "size=\(mebibytes)m,mode=0700") == 0 else {
      try FileManager.default.removeItem(atPath: path)
      throw CocoaError(.fileWriteUnknown)
    }
  }

  func remove() {
    umount2(path, Int32(MNT_DETACH))
    rmdir(path)
  }

  /// Writes a file until nothing more fits.
  func fill(_ name: String) throws {
    let file = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw CocoaError(.fileWriteUnknown) }
    defer { close(file) }
    let page = [UInt8](repeating: 7, count: 4096)
    while write(file, page, page.count) == page.count {}
  }

  func delete(_ name: String) { unlink("\(path)/\(name)") }
}
