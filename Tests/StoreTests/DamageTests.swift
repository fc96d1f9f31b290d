// Bits that flip on the disk: what has a hash is never given out wrong and is named by the doctor,
// and nothing else makes the program crash.

import Experiments
import Foundation
import GRDB
import Store
import Testing

@Suite struct DamageTests {
  /// Everything of the content, by its place: bytes, or the code of the error.
  private func content(_ store: Store) async throws -> [String: Result<[UInt8], StoreError>] {
    var found: [String: Result<[UInt8], StoreError>] = [:]
    func note(_ place: String, _ body: () async throws -> [UInt8]) async {
      do {
        found[place] = .success(try await body())
      } catch let error as StoreError {
        found[place] = .failure(error)
      } catch {
        Issue.record("\(place): \(error)")
      }
    }
    for epoch in 1...2 {
      await note("checkpoint of epoch \(epoch)") {
        try await store.checkpointFile(run: 1, .epoch(epoch)).1
      }
    }
    await note("artifact \"model.bin\"") {
      try await store.artifactBytes(run: 1, path: "model.bin").bytes
    }
    return found
  }

  @Test func aFlippedBitInContentIsNamedByReadersAndDoctor() async throws {
    try await DoctorTests.withFilled { folder, clock in
      var generator = SeededGenerator(state: 3)
      let path = folder + "/" + StoreFile.name
      let store = try Store(folder: folder, clock: clock.wall)
      let whole = try await content(store)
      await store.close()
      let queue = try DatabaseQueue(path: path)
      let sizes = try await queue.read { db in
        try Row.fetchAll(db, sql: "SELECT id, length(data) FROM chunks ORDER BY id")
          .map { (id: $0[0] as Int64, bytes: $0[1] as Int) }
      }
      for _ in 0..<60 {
        let chunk = try #require(sizes.randomElement(using: &generator))
        let byte = Int.random(in: 0..<chunk.bytes, using: &generator)
        let bit = UInt8(1) << UInt8.random(in: 0...7, using: &generator)
        @Sendable func flip(_ db: Database) throws {
          var data =
            try Data.fetchOne(
              db, sql: "SELECT data FROM chunks WHERE id = ?", arguments: [chunk.id])
            ?? Data()
          data[data.startIndex + byte] ^= bit
          try db.execute(
            sql: "UPDATE chunks SET data = ? WHERE id = ?", arguments: [data, chunk.id])
        }
        try await queue.write { try flip($0) }
        let store = try Store(folder: folder, clock: clock.wall)
        let damaged = try await content(store)
        var named: Set<String> = []
        for (place, result) in damaged {
          switch result {
          // zstd has bits that mean nothing.
          case .success(let bytes): #expect(try whole[place]?.get() == bytes, "\(place)")
          case .failure(let error):
            #expect(["checkpoint_damaged", "artifact_damaged"].contains(error.code), "\(error)")
            #expect(error.message.contains("run 1"))
            named.insert(place)
          }
        }
        let report = try await store.doctor()
        #expect(Set(report.problems.map(\.thing)) == named)
        #expect(report.problems.allSatisfy { $0.run == 1 && !$0.repairable })
        await store.close()
        try await queue.write { try flip($0) }
      }
      try queue.close()
    }
  }

  /// Reads all there is, and writes; nothing but the store's own errors may come of it.
  private func use(_ store: Store) async {
    func attempt(_ what: String, _ body: () async throws -> Void) async {
      do {
        try await body()
      } catch is StoreError {
      } catch {
        Issue.record("\(what): \(error)")
      }
    }
    await attempt("runs") { _ = try await store.runs(Store.RunQuery()) }
    await attempt("query") {
      _ = try await store.runs(
        Store.RunQuery(
          whereText: "metrics.loss < 2 and params.seed = 0 and not tags.x = 'y'",
          orderBy: ["-metrics.loss", "started"]))
    }
    await attempt("resolve") { _ = try await store.resolveRuns(["1-2", "@latest"]) }
    for run in Int64(1)...2 {
      await attempt("run") { _ = try await store.run(run) }
      await attempt("children") { _ = try await store.children(run: run) }
      await attempt("context") { _ = try await store.context(run: run) }
      await attempt("environment") { _ = try await store.environment(run: run) }
      await attempt("spec") { _ = try await store.spec(run: run) }
      for key in ["loss", "odd", "accuracy"] {
        await attempt("history") { _ = try await store.history(run: run, key: key) }
        await attempt("series") { _ = try await store.series(run: run, key: key, most: 100) }
      }
      await attempt("epochs") { _ = try await store.epochMetrics(run: run, afterEpoch: 0) }
      await attempt("checkpoints") { _ = try await store.checkpoints(run: run) }
      await attempt("verify") { _ = try await store.verifyCheckpoints(run: run) }
      await attempt("tensors") { _ = try await store.checkpointTensors(run: run, .latest) }
      await attempt("artifacts") { _ = try await store.artifacts(run: run) }
      await attempt("log") { _ = try await store.log(run: run, from: 0, limit: 1 << 20) }
      await attempt("attempts") { _ = try await store.attempts(run: run) }
      await attempt("archive") { _ = try await store.archiveRun(run) }
      await attempt("metrics") {
        try await store.appendMetrics(
          run: run,
          [
            MetricPoint(
              key: "loss", step: 9_999, epoch: nil, time: .init(microseconds: 1), value: 1)
          ]
        )
      }
    }
    await attempt("jobs") { _ = try await store.jobs(limit: 100) }
    await attempt("queue") { _ = try await store.nextQueued(limit: 10) }
    await attempt("active") { _ = try await store.activeAttempts() }
    await attempt("experiments") { _ = try await store.experiments() }
    await attempt("events") { _ = try await store.events(limit: 100) }
    await attempt("status") { _ = try await store.status() }
    await attempt("usage") { _ = try await store.usage() }
    await attempt("baselines") { _ = try await store.baselines() }
    await attempt("schedules") { _ = try await store.schedules() }
    await attempt("checks") { _ = try await store.checks(limit: 10) }
    await attempt("submit") {
      _ = try await store.submit([
        Store.NewJob(
          uid: Identifier(at: .init(microseconds: 1_900_000_000_000_000)), spec: .test(),
          context: .test)
      ])
    }
    await attempt("doctor") { _ = try await store.doctor() }
  }

  /// Offsets of the file that a reader of structures comes by: all pages but those that hold nothing
  /// but content.
  @Test(arguments: 0..<8) func aFlippedBitAnywhereCrashesNothing(_ part: Int) async throws {
    try await DoctorTests.withFilled { folder, clock in
      var generator = SeededGenerator(state: UInt64(100 + part))
      let path = folder + "/" + StoreFile.name
      let sound = try Data(contentsOf: URL(fileURLWithPath: path))
      for _ in 0..<Self.flipsPerPart {
        var bytes = sound
        // One bit, and now and then a whole byte range, which reaches further into the code.
        let offset = Int.random(in: 0..<bytes.count, using: &generator)
        if Int.random(in: 0..<4, using: &generator) > 0 {
          bytes[offset] ^= UInt8(1) << UInt8.random(in: 0...7, using: &generator)
        } else {
          for index in offset..<min(bytes.count, offset + 8) {
            bytes[index] = UInt8.random(in: 0...255, using: &generator)
          }
        }
        for suffix in ["-wal", "-shm"] {
          try? FileManager.default.removeItem(atPath: path + suffix)  // it need not be there
        }
        try bytes.write(to: URL(fileURLWithPath: path))
        do {
          let store = try Store(folder: folder, clock: clock.wall)
          await use(store)
          await store.close()
        } catch is StoreError {
        } catch {
          Issue.record("opening with byte \(offset) changed: \(error)")
        }
      }
    }
  }

  private static var flipsPerPart: Int {
    ProcessInfo.processInfo.environment["ASSAY_FLIPS"].flatMap(Int.init) ?? 25
  }
}
