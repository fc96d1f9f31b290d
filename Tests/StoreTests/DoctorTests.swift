import Checkpoints
import Experiments
import Foundation
import GRDB
import Store
import Testing

@Suite struct DoctorTests {
  /// A store with a bit of everything: two runs, one of them resumed with overlapping steps, NaN,
  /// logs, checkpoints that share chunks, hashes of epochs, artifacts.
  static func fill(_ test: TestStore) async throws {
    var generator = SeededGenerator(state: 7)
    func tensors() -> [Tensor] {
      [
        Tensor(
          name: "w", shape: [64, 64],
          floats: (0..<4096).map { _ in Float.random(in: -1...1, using: &generator) }),
        Tensor(name: "b", shape: [3], floats: [1, 2, 3]),
      ]
    }
    let first = try await test.start(.test(name: "first"))
    try await test.store.appendMetrics(
      attempt: first.id,
      (0..<3_000).map {
        test.point("loss", $0, Double.random(in: 0...1, using: &generator), epoch: $0 / 1_000)
      })
    try await test.store.appendMetrics(attempt: first.id, [test.point("odd", 1, .nan)])
    for epoch in 1...2 {
      try await test.checkpoint(first, epoch: epoch, tensors: tensors())
    }
    try await test.store.addEpochHashes(
      attempt: first.id,
      (1...3).map {
        EpochHash(epoch: $0, step: Int64($0) * 100, sha256: String(repeating: "a\($0)", count: 32))
      })
    _ = try await test.store.appendLog(attempt: first.id, offset: 0, bytes: Array("one\n".utf8))
    _ = try await test.store.appendLog(attempt: first.id, offset: 4, bytes: Array("two\n".utf8))
    let second = try await test.resume(first)
    try await test.store.appendMetrics(
      attempt: second.id,
      (2_500..<3_500).map {
        test.point("loss", $0, Double.random(in: 0...1, using: &generator), epoch: $0 / 1_000)
      })
    let bytes = (0..<5_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let (manifest, chunks) = try ArtifactCoder.encode(
      path: "model.bin", mediaType: "application/octet-stream", bytes: bytes)
    try await test.put(chunks)
    _ = try await test.store.addArtifact(attempt: second.id, manifest)
    try await test.finish(second)
    try await test.run(.test(name: "other"), metrics: ["loss": 0.5, "accuracy": 0.9])
  }

  /// A chunk, a difference to it, and a difference to that.
  private static func putChain(_ test: TestStore) async throws {
    var raw = (0..<4_000).map { UInt8(truncatingIfNeeded: $0 / 16) }
    var base: [UInt8]?
    for _ in 0..<3 {
      let chunk = try ChunkCoder.encode(raw, type: .f32, base: base)
      try #require((chunk.base != nil) == (base != nil))
      try await test.store.putChunk(
        sha256: chunk.sha256, rawBytes: chunk.rawBytes, codec: chunk.codec, base: chunk.base,
        stored: chunk.stored)
      base = raw
      for index in stride(from: 0, to: raw.count, by: 4) { raw[index] &+= UInt8(index % 3) }
    }
  }

  /// Runs `body` with the closed, filled store's folder.
  /// - Parameter chained: with a chain of differences that nothing names.
  static func withFilled(
    chained: Bool = false, _ body: (String, TestClock) async throws -> Void
  ) async throws {
    try await TestStore.with { test in
      try await fill(test)
      if chained { try await putChain(test) }
      await test.store.close()
      try await body(test.folder, test.clock)
    }
  }

  private func change(_ folder: String, _ sql: String) throws {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = false
    let queue = try DatabaseQueue(
      path: folder + "/" + StoreFile.name, configuration: configuration)
    try queue.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA ignore_check_constraints = 1")
      try db.execute(sql: sql)
    }
    try queue.close()
  }

  @Test func aSoundStoreIsCleanOnlineAndOffline() async throws {
    try await TestStore.with { test in
      try await Self.fill(test)
      let online = try await test.store.doctor()
      #expect(online.problems == [])
      #expect(online.checked.runs == 2 && online.checked.checkpoints == 2)
      #expect(online.checked.artifacts == 1 && online.checked.points == 3_500 + 3)
      await test.store.close()
      let offline = try Doctor.examine(folder: test.folder)
      #expect(offline.problems == [])
      #expect(offline.checked == online.checked && offline.schema == online.schema)
    }
  }

  struct Case: CustomTestStringConvertible, Sendable {
    let kind: String
    let run: Int64?
    let thing: String
    let sql: String
    let repairable: Bool
    var testDescription: String { "\(kind), \(thing)" }
  }

  static let cases = [
    Case(
      kind: "summary_wrong", run: 1, thing: "metric loss",
      sql: "UPDATE metrics SET max = 7.0, count = count + 1 WHERE id = 1", repairable: true),
    Case(
      kind: "summary_wrong", run: 2, thing: "metric accuracy",
      sql: "UPDATE metric_points SET value = 0.1 WHERE value = 0.9", repairable: true),
    Case(
      kind: "reference_count_wrong", run: nil, thing: "table chunks",
      sql: "UPDATE chunks SET reference_count = reference_count + 1 WHERE id <= 2",
      repairable: true),
    Case(
      kind: "schema_differs", run: nil, thing: "index metrics_by_last",
      sql: "DROP INDEX metrics_by_last", repairable: true),
    Case(
      kind: "schema_differs", run: nil, thing: "trigger artifact_chunks_removed",
      sql: "DROP TRIGGER artifact_chunks_removed", repairable: true),
    Case(
      kind: "schema_differs", run: nil, thing: "table songs", sql: "CREATE TABLE songs (title)",
      repairable: false),
    Case(
      kind: "sequence_low", run: nil, thing: "table runs",
      sql: "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'runs'", repairable: true),
    Case(
      kind: "reference_dangling", run: nil, thing: "table artifact_chunks",
      sql: "INSERT INTO artifact_chunks VALUES (77, 0, 1)", repairable: true),
    Case(
      kind: "reference_dangling", run: nil, thing: "table params",
      sql: "INSERT INTO params VALUES (99, 'x', '1', 1)", repairable: false),
    Case(
      kind: "checkpoint_damaged", run: 1, thing: "checkpoint of epoch 2",
      sql: """
        UPDATE checkpoints SET manifest = replace(manifest, '"b"', '"c"') WHERE epoch = 2
        """, repairable: false),
    Case(
      kind: "artifact_damaged", run: 1, thing: "artifact \"model.bin\"",
      sql: "UPDATE artifacts SET bytes = bytes - 1", repairable: false),
    Case(
      kind: "chunk_damaged", run: nil,
      thing: "chunk " + String(repeating: "ab", count: 32),
      sql: """
        INSERT INTO chunks (sha256, raw_bytes, codec, created_at, data)
        VALUES (x'\(String(repeating: "ab", count: 32))', 3, 'raw', 0, x'010203')
        """, repairable: true),
    Case(
      kind: "log_damaged", run: 1, thing: "log of attempt 1",
      sql: "DELETE FROM log_pieces WHERE \"offset\" = 0", repairable: false),
    Case(
      kind: "state_contradiction", run: 2, thing: "job 2",
      sql: "UPDATE runs SET status = 'running' WHERE id = 2", repairable: false),
    Case(
      kind: "state_contradiction", run: 2, thing: "attempt 3",
      sql: "UPDATE attempts SET state = 'running' WHERE id = 3", repairable: false),
    Case(
      kind: "record_damaged", run: nil, thing: "jobs 1",
      sql: "UPDATE jobs SET spec = substr(spec, 2) WHERE id = 1", repairable: false),
    Case(
      kind: "record_damaged", run: nil, thing: "environment 1",
      sql: "UPDATE environments SET info = replace(info, 'Debian 12', 'Debian 13')",
      repairable: false),
    Case(
      kind: "record_damaged", run: nil, thing: "schedules 1",
      sql: """
        INSERT INTO schedules (name, cron, time_zone, spec, context, created_at)
        VALUES ('nightly', '0 2 * * *', 'UTC', '{}', '{"user":', 0)
        """, repairable: false),
    Case(
      kind: "record_damaged", run: 2, thing: "run_origins 2",
      sql: """
        INSERT INTO run_origins (run_id, spec, context, imported_at)
        VALUES (2, '{"kind":"train"', '{}', 0)
        """, repairable: false),
    Case(
      kind: "record_damaged", run: 1, thing: "run_origins 1",
      sql: """
        INSERT INTO run_origins (run_id, spec, context, imported_at) VALUES (1, '{}', 'ada', 0)
        """, repairable: false),
    Case(
      kind: "spec_hash_wrong", run: nil, thing: "job 2",
      sql: "UPDATE jobs SET spec_sha256 = replace(spec_sha256, '1', '2') WHERE id = 2",
      repairable: true),
    Case(
      kind: "record_damaged", run: 1, thing: "epoch 2",
      sql: "UPDATE epoch_hashes SET sha256 = upper(substr(sha256, 1, 60)) WHERE epoch = 2",
      repairable: false),
    Case(
      kind: "record_damaged", run: 1, thing: "epoch 1",
      sql: "UPDATE epoch_hashes SET step = -1 WHERE epoch = 1", repairable: false),
    Case(
      kind: "reference_dangling", run: nil, thing: "table epoch_hashes",
      sql: "UPDATE epoch_hashes SET run_id = 77 WHERE epoch = 1", repairable: false),
    Case(
      kind: "chunk_depth_wrong", run: nil, thing: "table chunks",
      sql: "UPDATE chunks SET depth = depth + 3 WHERE id IN (1, 2)", repairable: true),
    Case(
      kind: "chunk_depth_wrong", run: nil, thing: "table chunks",
      sql: "UPDATE chunks SET depth = 0 WHERE base_chunk_id IS NOT NULL", repairable: true),
    Case(
      kind: "migration_edited", run: nil, thing: "migration 0001_initial.sql",
      sql: "UPDATE migrations SET sha256 = 'x' WHERE name = '0001_initial.sql'",
      repairable: false),
  ]

  @Test(arguments: cases) func whatIsWrongIsNamedAndRepairedIfItCanBe(_ it: Case) async throws {
    try await Self.withFilled(chained: true) { folder, clock in
      try change(folder, it.sql)
      let report = try Doctor.examine(folder: folder)
      let problem = try #require(
        report.problems.first { $0.kind == it.kind && $0.thing == it.thing },
        "\(report.problems.map(\.line))")
      #expect(problem.run == it.run && problem.repairable == it.repairable)
      #expect(!problem.remedy.isEmpty && !report.isClean)
      // The same without a repair, as often as it is asked for.
      #expect(try Doctor.examine(folder: folder).problems == report.problems)

      let repaired = try Doctor.repair(folder: folder, clock: clock.wall)
      let after = repaired.problems.filter { $0.kind == it.kind && $0.thing == it.thing }
      #expect(after.map(\.repaired) == [it.repairable])
      let again = try Doctor.examine(folder: folder)
      #expect(
        again.problems.contains { $0.kind == it.kind && $0.thing == it.thing } != it.repairable)
      if it.repairable {
        #expect(again.problems == [], "\(again.problems.map(\.line))")
        let backup = try #require(repaired.backup)
        #expect(FileManager.default.fileExists(atPath: backup))
      } else if report.problems.allSatisfy({ !$0.repairable }) {
        #expect(repaired.backup == nil)
      }
    }
  }

  /// Whatever kind of work it is, and however its numbers are written.
  @Test func aStoredSpecHasTheHashItWasGiven() async throws {
    try await TestStore.with { test in
      let run = try await test.run(.test(seed: 7, learningRate: 1, priority: 3, tags: ["a": "é\n"]))
      _ = try await test.submit([.evaluate(run: run), .test(learningRate: 1e-9)])
      #expect(try await test.store.doctor().problems == [])
    }
  }

  @Test func extremesForPlotsAreForgottenWhereTheyAreWrong() async throws {
    try await Self.withFilled { folder, clock in
      try change(
        folder,
        "INSERT OR REPLACE INTO series_blocks VALUES (1, 0, 255, 256, zeroblob(32))")
      let report = try Doctor.repair(folder: folder, clock: clock.wall)
      let problem = try #require(report.problems.first)
      #expect(problem.kind == "blocks_wrong" && problem.run == 1 && problem.repaired)
      #expect(try Doctor.examine(folder: folder).isClean)
    }
  }

  @Test func anOldSchemaIsSaidToBeOld() async throws {
    let folder = TestStore.newFolder()
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.copyItem(
      atPath: SchemaFixtures.folder + "/0001.db", toPath: folder + "/" + StoreFile.name)
    let report = try Doctor.examine(folder: folder)
    #expect(report.problems.map(\.kind) == ["schema_old"])
    #expect(report.schema == "0001_initial.sql")
  }

  @Test func whatIsNoDatabaseIsAnError() async throws {
    let folder = TestStore.newFolder()
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    await expect("cannot_open") { try Doctor.examine(folder: folder) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }

  /// The examination goes on while others write, and finds nothing wrong in what is half done by
  /// them.
  @Test func writingMeanwhileIsNoProblem() async throws {
    try await TestStore.with { test in
      try await Self.fill(test)
      let attempt = try await test.start(.test(name: "busy"))
      let writer = Task {
        var step: Int64 = 0
        while !Task.isCancelled {
          try await test.store.appendMetrics(
            attempt: attempt.id, (0..<20).map { test.point("loss", step + $0, 0.5) })
          try await test.checkpoint(
            attempt, epoch: Int(step / 20) % 5 + 1,
            tensors: [Tensor(name: "w", shape: [1], floats: [Float(step)])])
          _ = try await test.store.appendLog(
            attempt: attempt.id, offset: step / 20, bytes: [UInt8(ascii: "x")])
          step += 20
        }
      }
      for _ in 0..<10 { #expect(try await test.store.doctor().problems == []) }
      writer.cancel()
      _ = await writer.result
    }
  }
}
