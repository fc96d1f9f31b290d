// What a worker sends is recorded, found again by everybody, and only taken from the right one.

import Checkpoints
import Client
import Experiments
import Foundation
import Jobs
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(5)))
struct AttemptTests {
  @Test func awholeTrainingIsRecorded() async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      _ = try await client.submit(Specs.train())
      try await PlayedWorker.with(daemon) { worker in
        let reply = try await worker.start()
        #expect(reply.resumeEpoch == nil)
        #expect(!reply.cancelled)
        try await worker.client.sendDataset(worker.attempt, Self.dataset)
        for epoch in 1...3 {
          try await worker.epoch(Int64(epoch))
          try await worker.checkpoint(epoch)
        }
        try await worker.client.sendProgress(
          worker.attempt,
          ProgressReport(
            progress: Progress(epoch: 3, epochs: 3, step: 30, steps: 30, samplesPerSecond: 1e6),
            cost: Cost(wallSeconds: 1)))
        try await worker.artifact("plots/roc curve.csv", "a,b\n1,2\n")
        #expect(try await worker.client.sendLog(worker.attempt, offset: 0, Array("hi\n".utf8)) == 3)
        #expect(try await worker.finish().state == .finished)
        daemon.workers.exit(worker.attempt)
      }
      let detail = try await client.detail("@latest")
      #expect(detail.run.status == .finished)
      #expect(detail.run.metrics["loss"]?.count == 3)
      #expect(detail.run.dataset == Self.dataset)
      #expect(detail.run.cost?.wallSeconds == 1.5)
      #expect(detail.attempts.map(\.state) == [.finished])
      #expect(detail.checkpoints.count == 3)
      #expect(detail.graph?.features == 20)
      #expect(detail.context == Specs.context)
      #expect(detail.spec?["name"] == .string("net"))
      let history = try await client.history("1", key: "val_loss")
      #expect(history.steps == [10, 20, 30])
      #expect(history.values == [2, 1, 2.0 / 3])
      #expect(
        try await client.artifact("1", path: "plots/roc curve.csv") == Array("a,b\n1,2\n".utf8))
      #expect(try await client.log("1").text == "hi\n")
      #expect(try await client.log("1").end)
    }
  }

  @Test func chunksCheckpointAndHashComeInOneRequest() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Specs.train())
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        let tensor = Tensor(name: "model.0.kernel", shape: [6], floats: [1, 2, 3, 4, 5, 6])
        let (manifest, chunks) = try CheckpointCoder.encode(
          tensors: [tensor], metadata: [:], epoch: 1, step: 10)
        let hash = EpochHash(epoch: 1, step: 10, sha256: manifest.sha256)
        await #expect(throws: ClientError.self) {
          try await worker.client.addContent(worker.attempt, [], checkpoint: manifest)
        }
        for _ in 0..<2 {
          try await worker.client.addContent(
            worker.attempt, chunks, checkpoint: manifest, epochs: [hash])
        }
        #expect(try await daemon.client.checkpoints("1").items.map(\.sha256) == [manifest.sha256])
        #expect(try await daemon.client.epochHashes("1").items == [hash])

        for (body, code) in [
          ("{\"chunks\":[]}", "bad_json"), ("{\"chunks\":[]}\nX", "bad_json"), ("{}\n", "bad_json"),
          (
            "{\"chunks\":[{\"sha256\":\"x\",\"raw_bytes\":1,\"codec\":\"raw\",\"stored_bytes\":1}]}\nX",
            "invalid_value"
          ),
          (
            "{\"chunks\":[{\"sha256\":\"x\",\"raw_bytes\":1,\"codec\":\"raw\",\"stored_bytes\":-1}]}\n",
            "bad_json"
          ),
        ] {
          let raw = try RawConnection(daemon.socketPath)
          let answer = try await raw.exchange(
            "POST /api/v1/attempts/\(worker.attempt)/content HTTP/1.1\r\nHost: a\r\n"
              + "Authorization: Bearer \(worker.order.token)\r\n"
              + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
          #expect(answer.contains("\"code\":\"\(code)\""), "\(body): \(answer)")
        }
        try await worker.finish()
        daemon.workers.exit(worker.attempt)
      }
    }
  }

  @Test func aCheckpointComesBackByteForByte() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Specs.train())
      var made: [Checkpoint] = []
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        made.append(try await worker.checkpoint(1))
        // Again changes nothing.
        #expect(try await worker.checkpoint(1).id == made.first?.id)
        made.append(try await worker.checkpoint(2))
      }
      let file = daemon.folder + "/epoch-2.safetensors"
      let size = try await daemon.client.checkpointFile("1", .latest, to: file)
      let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: file)))
      #expect(size == Int64(bytes.count))
      #expect(ContentHash.sha256Hex(bytes) == made.last?.sha256)
      let parsed = try SafetensorsFile(parsing: bytes)
      #expect(parsed.tensors.map(\.name) == ["dense_0/kernel"])
      #expect(parsed.metadata == ["format": "test"])
      let first = try await daemon.client.checkpointBytes("1", .epoch(1))
      #expect(ContentHash.sha256Hex(first) == made.first?.sha256)
      let verified = try await daemon.client.verifyCheckpoints("1").items
      #expect(verified.map(\.intact) == [true, true])
      await daemon.client.expectFailure("checkpoint_not_found") {
        _ = try await $0.checkpointBytes("1", .epoch(9))
      }
      #expect(
        FileManager.default.enumerator(atPath: daemon.folder)?
          .contains { "\($0)".contains(".partial") } == false)
    }
  }

  @Test func onlyTheRightTokenMayWrite() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Specs.train())
      let order = try await daemon.workers.order(1)
      let batch = MetricsBatch(points: [])
      await daemon.client.expectFailure("token_missing") { try await $0.sendMetrics(1, batch) }
      try await AssayClient.with(socketPath: order.socketPath, token: "wrong") { other in
        await other.expectFailure("attempt_fenced") {
          try await $0.sendMetrics(order.attemptId, batch)
        }
        await other.expectFailure("attempt_not_found") { try await $0.sendMetrics(77, batch) }
      }
    }
  }

  @Test func anEndMayBeSentAgainAndNothingElse() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Specs.train())
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        try await worker.finish()
        #expect(try await worker.finish().state == .finished)
        await worker.client.expectFailure("attempt_fenced") { _ in try await worker.epoch(4) }
        await worker.client.expectFailure("bad_json") { _ in try await worker.finish(.lost) }
      }
    }
  }

  @Test func aWorkerOfAnotherProtocolIsRefused() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Specs.train())
      try await PlayedWorker.with(daemon) { worker in
        let environment = Environment(
          host: "h", os: "o", cpu: "c", cores: 1, memoryBytes: 1, versions: [:])
        let error = await worker.client.failure {
          _ = try await $0.startAttempt(
            worker.attempt, StartAttempt(protocolVersion: 99, environment: environment))
        }
        #expect(error?.code == "protocol_version")
      }
    }
  }

  @Test func damagedOrMissingContentIsRefused() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Specs.train())
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        let bytes = Array("content".utf8)
        let hash = ContentHash.sha256Hex(bytes)
        func put(_ hash: String, _ bytes: [UInt8]) async -> String? {
          await worker.client.failure {
            try await $0.putChunk(
              worker.attempt, sha256: hash, rawBytes: bytes.count, codec: .raw, stored: bytes)
          }?.code
        }
        #expect(await put(hash, Array("Content".utf8)) == "chunk_damaged")
        #expect(await put("abc", bytes) == "bad_parameter")
        #expect(await put(hash, bytes) == nil)
        let missing = String(repeating: "0", count: 64)
        #expect(
          try await worker.client.missingChunks(worker.attempt, [hash, missing]) == [missing])
        let manifest = ArtifactManifest(
          path: "a", mediaType: "text/csv", chunks: [missing], sha256: missing, bytes: 3)
        await worker.client.expectFailure("chunk_missing") {
          _ = try await $0.addArtifact(worker.attempt, manifest)
        }
      }
    }
  }

  @Test func otherDataThanBeforeIsRefused() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Specs.train())
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        try await worker.client.sendDataset(worker.attempt, Self.dataset)
        var other = Self.dataset
        other.sha256 = String(repeating: "b", count: 64)
        await worker.client.expectFailure("dataset_changed") { [other] in
          try await $0.sendDataset(worker.attempt, other)
        }
      }
    }
  }

  @Test func aLogWithAGapIsRefusedAndOverlapsChangeNothing() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Specs.train())
      try await PlayedWorker.with(daemon) { worker async throws in
        let client = worker.client
        #expect(try await client.sendLog(worker.attempt, offset: 0, Array("abc".utf8)) == 3)
        #expect(try await client.sendLog(worker.attempt, offset: 1, Array("bcde".utf8)) == 5)
        await client.expectFailure("log_gap") {
          _ = try await $0.sendLog(worker.attempt, offset: 9, [1])
        }
      }
      #expect(try await daemon.client.log("1").text == "abcde")
    }
  }

  @Test func pointsGoIntoARunWithoutAnAttempt() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Specs.train())
      let values = [1.5, .nan, -.infinity]
      let points = values.enumerated().map {
        MetricPoint(
          key: "own/metric", step: Int64($0), epoch: nil, time: daemon.clock.now, value: $1)
      }
      _ = try await daemon.client.addMetrics("1", MetricsBatch(points: points))
      _ = try await daemon.client.addMetrics("@latest", MetricsBatch(points: points))
      let history = try await daemon.client.history("1", key: "own/metric")
      #expect(history.values.map(MetricValue.text) == ["1.5", "NaN", "-Infinity"])
    }
  }

  static let dataset = DatasetInfo(
    name: "synthetic", type: "synthetic", path: nil, sha256: String(repeating: "a", count: 64),
    rows: 100, features: 20, classes: ["0", "1"], trainRows: 80, validationRows: 10, testRows: 10)
}
