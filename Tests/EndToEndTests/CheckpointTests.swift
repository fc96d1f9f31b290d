// Checkpoints from the training to the file: what is kept of each epoch, and states that were not
// kept, computed again.
import Client
import Crypto
import Experiments
import Foundation
import GRDB
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(3)))
struct CheckpointTests {
  private static func sha256(_ file: String) throws -> String {
    SHA256.hash(data: try Data(contentsOf: URL(fileURLWithPath: file)))
      .map { String(format: "%02x", $0) }.joined()
  }

  @Test func epochsThatWereNotKeptComeOutTheSame() async throws {
    try await TestDaemon.with { daemon in
      let spec = Specs.synthetic(
        rows: 2_000, features: 30, units: 40, epochs: 9,
        changes: ["checkpoints": .object(["every": .int(4), "best": .string("val_loss")])])
      let job = try await daemon.end(of: daemon.submit(spec))
      let run = String(try #require(job.runId))
      let hashes = try await daemon.client.epochHashes(run).items
      #expect(hashes.map(\.epoch) == Array(1...9))
      let kept = try await daemon.client.checkpoints(run).items
      #expect(kept.last?.epoch == 9 && kept.last?.kind == .checkpoint)
      #expect(kept.first { $0.isBest }?.kind == .checkpoint)
      for checkpoint in kept where checkpoint.kind == .checkpoint {
        #expect(hashes.first { $0.epoch == checkpoint.epoch }?.sha256 == checkpoint.sha256)
      }
      #expect(
        try await daemon.client.verifyCheckpoints(run).items.allSatisfy { $0.intact })

      // The same from the start (epoch 2) and, where there is one, from a whole state before it.
      for epoch in [2, 7] where !kept.contains(where: { $0.epoch == epoch }) {
        let file = daemon.folder.file("epoch-\(epoch).safetensors")
        let result = try await daemon.assay(
          "checkpoint", "export", run, "--epoch", "\(epoch)", "--output", file)
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.errors.contains("training again"))
        #expect(try Self.sha256(file) == hashes.first { $0.epoch == epoch }?.sha256)
      }
      // A snapshot as it is, and its whole state.
      if let snapshot = kept.first(where: { $0.kind == .snapshot }) {
        let weights = daemon.folder.file("weights.safetensors")
        let words = ["checkpoint", "export", run, "--epoch", "\(snapshot.epoch)", "--output"]
        let plain = try await daemon.assay(words + [weights])
        #expect(plain.status == 0 && plain.output.contains("snapshot"))
        #expect(try Self.sha256(weights) == snapshot.sha256)
        let whole = daemon.folder.file("whole.safetensors")
        #expect(try await daemon.assay(words + [whole, "--whole"]).status == 0)
        #expect(try Self.sha256(whole) == hashes.first { $0.epoch == snapshot.epoch }?.sha256)
      }
      let missing = try await daemon.assay("checkpoint", "export", run, "--epoch", "10")
      #expect(missing.status == 2 && missing.errors.contains("no record of epoch 10"))
    }
  }

  @Test func theBestEpochIsKeptHoweverTheTrainingEnds() async throws {
    try await TestDaemon.with { daemon in
      let job = try await daemon.submit(
        Specs.synthetic(
          epochs: 100_000,
          changes: ["checkpoints": .object(["every": .int(100_000), "best": .string("loss")])]))
      try await eventually("it trains") {
        try await daemon.run(of: job).metrics["loss"]?.count ?? 0 >= 5
      }
      _ = try await daemon.client.cancel(job.id)
      #expect(try await daemon.end(of: job).state == .cancelled)
      let run = try await daemon.run(of: job)
      let kept = try await daemon.client.checkpoints(String(run.id)).items
      #expect(kept.map(\.kind) == [.checkpoint])
      #expect(kept.first?.isBest == true && kept.first?.epoch ?? 0 >= 4)
      #expect(
        try await daemon.client.verifyCheckpoints(String(run.id)).items.allSatisfy { $0.intact })
    }
  }

  /// Epochs come faster than a request takes, so that thousands wait when it is told to stop.
  @Test func aCancelledTrainingOfTinyEpochsLosesNothing() async throws {
    try await TestDaemon.with { daemon in
      let job = try await daemon.submit(
        Specs.synthetic(
          rows: 40, features: 2, units: 2, epochs: 100_000,
          changes: ["checkpoints": .object(["every": .int(100_000), "best": .string("loss")])]))
      try await eventually("it trains", within: .seconds(60)) {
        try await daemon.run(of: job).metrics["loss"]?.count ?? 0 >= 20_000
      }
      _ = try await daemon.client.cancel(job.id)
      #expect(try await daemon.end(of: job).state == .cancelled)
      let run = try await daemon.run(of: job)
      let hashes = try await daemon.client.epochHashes(String(run.id)).items
      #expect(hashes.map(\.epoch) == Array(1...hashes.count))
      #expect(run.metrics["loss"]?.count == Int64(hashes.count))
      let kept = try await daemon.client.checkpoints(String(run.id)).items
      #expect(kept.map(\.isBest) == [true])
    }
  }

  @Test func aTrainingWhoseBasesAreDamagedSendsItsStatesWhole() async throws {
    try await TestDaemon.with { daemon in
      let job = try await daemon.submit(
        Specs.synthetic(rows: 40_000, features: 60, units: 48, epochs: 40))
      let run = String(try #require(job.runId))
      try await eventually("two epochs are kept") {
        try await daemon.client.checkpoints(run).items.count >= 2
      }
      var waiting = Configuration()
      waiting.busyMode = .timeout(30)  // the daemon writes, too
      let database = try DatabaseQueue(path: daemon.data + "/assay.db", configuration: waiting)
      let damaged = try await database.write { db in
        try db.execute(
          sql: """
            UPDATE chunks SET data = CAST(substr(data, 1, length(data) - 1) || x'5A' AS BLOB)
            WHERE length(data) > 200
            """)
        return try String.fetchSet(db, sql: "SELECT lower(hex(sha256)) FROM chunks")
      }
      try database.close()
      #expect(!damaged.isEmpty)
      #expect(try await daemon.end(of: job).state == .finished)
      let found = try await daemon.client.verifyCheckpoints(run).items
      #expect(found.count == 40)
      #expect(found.contains { !$0.intact })
      #expect(found.suffix(10).allSatisfy { $0.intact })
    }
  }

  @Test func theSpoolHoldsNoMoreStatesThanAreToBeKept() async throws {
    try await TestDaemon.with { daemon in
      let job = try await daemon.submit(
        Specs.synthetic(
          rows: 40_000, features: 60, units: 48, epochs: 80,
          changes: [
            "checkpoints": .object([
              "every": .int(1), "keep": .int(1), "best": .string("val_loss"),
            ])
          ]))
      try await eventually("it trains") { try await daemon.run(of: job).metrics["loss"] != nil }
      try await daemon.kill()
      try await eventually("the worker has ended", within: .seconds(90)) {
        daemon.workers().isEmpty
      }
      let spool = try #require(
        FileManager.default.enumerator(atPath: daemon.data + "/attempts")?
          .compactMap { $0 as? String }.filter { $0.hasSuffix(".parcel") })
      let states = try spool.filter {
        try Data(contentsOf: URL(fileURLWithPath: daemon.data + "/attempts/" + $0))
          .prefix { $0 != 0x0A }.range(of: Data("\"checkpoint\":".utf8)) != nil
      }
      #expect((1...2).contains(states.count))
      try await daemon.start()
      #expect(try await daemon.end(of: job).state == .finished)
      let run = String(try #require(job.runId))
      #expect(try await daemon.client.epochHashes(run).items.map(\.epoch) == Array(1...80))
      let kept = try await daemon.client.checkpoints(run).items
      #expect(kept.last?.epoch == 80 && kept.count <= 2)
      #expect(kept.allSatisfy { $0.kind == .checkpoint })
      #expect(try await daemon.client.verifyCheckpoints(run).items.allSatisfy { $0.intact })
    }
  }

  @Test func aResultWithAnotherHashIsNotWritten() async throws {
    try await TestDaemon.with { daemon in
      let original = try String(
        contentsOfFile: Programs.source("tools/examples/data/digits.csv"), encoding: .utf8)
      let csv = try daemon.folder.write("digits.csv", original)
      let spec = Specs.synthetic(
        epochs: 4,
        changes: [
          "dataset": .object([
            "type": .string("csv"), "path": .string(csv), "target": .string("digit"),
          ]),
          "model": .array([
            .object(["type": .string("dense"), "units": .int(10), "activation": .string("softmax")])
          ]),
          "loss": .string("sparse_categorical_crossentropy"),
          "checkpoints": .object(["every": .int(4)]),
        ])
      let job = try await daemon.end(of: daemon.submit(spec))
      let run = String(try #require(job.runId))
      let file = daemon.folder.file("two.safetensors")
      let words = ["checkpoint", "export", run, "--epoch", "2", "--output", file]
      try daemon.folder.write("digits.csv", original.replacingOccurrences(of: ",16,", with: ",15,"))
      let changed = try await daemon.assay(words)
      #expect(changed.status == 2 && changed.errors.contains(csv))
      #expect(!FileManager.default.fileExists(atPath: file))
      try daemon.folder.write("digits.csv", original)
      #expect(try await daemon.assay(words).status == 0)
    }
  }

  @Test func statesAreComparedAndBroughtIn() async throws {
    try await TestDaemon.with { daemon in
      let job = try await daemon.end(of: daemon.submit(Specs.synthetic(rows: 400, epochs: 4)))
      let run = String(try #require(job.runId))
      let same = try await daemon.assay("checkpoint", "diff", run + ":2", run + ":2", "--json")
      #expect(same.status == 0 && same.output.contains("\"identical\""))
      let other = try await daemon.assay("checkpoint", "diff", run + ":2", run + ":3")
      #expect(other.status == 1 && other.output.contains("differs"))
      #expect(other.output.contains("model.0.kernel"))

      let file = daemon.folder.file("state.safetensors")
      _ = try await daemon.assay(
        "checkpoint", "export", run, "--checkpoint", "latest", "--output", file)
      let state = try await daemon.client.checkpoints(run).items.last
      let second = try await daemon.end(
        of: daemon.submit(Specs.synthetic(rows: 400, epochs: 2, seed: 9)))
      let target = String(try #require(second.runId))
      let result = try await daemon.assay("checkpoint", "import", target, file)
      #expect(result.status == 0, "\(result.errors)")
      let brought = try await daemon.client.checkpoints(target).items.last
      #expect(brought?.sha256 == state?.sha256 && brought?.kind == .checkpoint)
      #expect(
        try await daemon.assay("checkpoint", "diff", run + ":latest", target + ":latest").status
          == 0)
    }
  }
}
