// Files and checkpoints that come to a run from outside its attempts.

import Checkpoints
import Client
import Experiments
import Foundation
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(5)))
struct ContentTests {
  @Test func anArtifactOfAFinishedRunIsKeptWhole() async throws {
    try await Self.withFinishedRun { daemon in
      let client = daemon.client
      // Two whole chunks and a rest, neither of which compresses.
      var random = SystemRandomNumberGenerator()
      let bytes = (0..<(2 * ChunkCoder.maxBytes + 5)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      let made = try await client.putArtifact(
        run: "1", path: "data/random.bin", mediaType: "application/octet-stream", bytes: bytes)
      #expect(made.bytes == Int64(bytes.count))
      #expect(made.sha256 == ContentHash.sha256Hex(bytes))
      #expect(try await client.artifact("1", path: "data/random.bin") == bytes)

      let again = try await client.putArtifact(
        run: "@latest", path: "data/random.bin", mediaType: "application/octet-stream", bytes: bytes
      )
      #expect(again == made)
      let other = try await client.putArtifact(
        run: "1", path: "data/random.bin", mediaType: "text/plain", bytes: [])
      #expect(other.id != made.id)
      #expect(try await client.artifact("1", path: "data/random.bin") == [])
      #expect(try await client.artifacts("1").items == [other])
    }
  }

  @Test func aCheckpointIsTheFileThatWasSent() async throws {
    try await Self.withFinishedRun { daemon in
      let client = daemon.client
      let file = try Self.file(0)
      let made = try await client.putCheckpoint(run: "1", epoch: 7, step: 70, file: file)
      #expect(made.sha256 == ContentHash.sha256Hex(file))
      #expect(made.step == 70)
      #expect(try await client.checkpointBytes("1", .epoch(7)) == file)
      #expect(try await client.putCheckpoint(run: "1", epoch: 7, step: 70, file: file) == made)
      let other = try await client.putCheckpoint(run: "1", epoch: 7, step: 70, file: Self.file(1))
      #expect(try await client.checkpoints("1").items.map(\.sha256) == [other.sha256])
    }
  }

  @Test func whatIsNotThereOrNotValidIsRefused() async throws {
    try await Self.withFinishedRun { daemon in
      let client = daemon.client
      let bytes = Array("text".utf8)
      await Self.expect("run_not_found") {
        try await client.putArtifact(run: "9", path: "a", mediaType: "text/plain", bytes: bytes)
      }
      let missing = ArtifactManifest(
        path: "a", mediaType: "text/plain", chunks: [ContentHash.sha256Hex(bytes)],
        sha256: ContentHash.sha256Hex(bytes), bytes: 4)
      await Self.expect("chunk_missing") { try await client.addArtifact(run: "1", missing) }
      await Self.expect("artifact_path_invalid") {
        try await client.putArtifact(run: "1", path: "../a", mediaType: "text/plain", bytes: bytes)
      }
      var manifest = missing
      manifest.path = "/etc/passwd"
      await Self.expect("artifact_path_invalid") {
        try await client.addArtifact(run: "1", manifest)
      }
      await Self.expect("safetensors_truncated") {
        try await client.putCheckpoint(run: "1", epoch: 1, step: 1, file: [1, 2, 3])
      }
      await Self.expect("chunk_damaged") {
        try await client.putChunk(
          run: "1",
          EncodedChunk(
            sha256: ContentHash.sha256Hex([1]), rawBytes: 1, codec: .raw, stored: [2]))
      }
      _ = try await client.changeRun("1", RunChange(deleted: true))
      await Self.expect("run_deleted") {
        try await client.putArtifact(run: "1", path: "a", mediaType: "text/plain", bytes: bytes)
      }
    }
  }

  @Test func aRunUnderWayTakesFilesButNoCheckpoints() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Specs.train())
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        let note = Array("note".utf8)
        try await daemon.client.putArtifact(
          run: "1", path: "note.txt", mediaType: "text/plain", bytes: note)
        await Self.expect("conflict") {
          try await daemon.client.putCheckpoint(run: "1", epoch: 9, step: 9, file: Self.file(0))
        }
        try await worker.finish()
        daemon.workers.exit(worker.attempt)
      }
      try await daemon.client.putCheckpoint(run: "1", epoch: 9, step: 9, file: Self.file(0))
    }
  }

  static func withFinishedRun(_ body: (TestDaemon) async throws -> Void) async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Specs.train())
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        try await worker.epoch(1)
        try await worker.finish()
        daemon.workers.exit(worker.attempt)
      }
      try await body(daemon)
    }
  }

  static func file(_ shift: Int) throws -> [UInt8] {
    try SafetensorsFile(
      tensors: [
        Tensor(name: "dense_0/kernel", shape: [2, 3], floats: (0..<6).map { Float($0 + shift) })
      ], metadata: ["format": "test"]
    ).serialized()
  }

  static func expect(
    _ code: String, _ body: () async throws -> some Any,
    sourceLocation: SourceLocation = #_sourceLocation
  ) async {
    do {
      _ = try await body()
      Issue.record("nothing was refused; \(code) was expected", sourceLocation: sourceLocation)
    } catch let error as ClientError {
      #expect(error.code == code, sourceLocation: sourceLocation)
    } catch let error as CheckpointError {
      #expect(error.code == code, sourceLocation: sourceLocation)
    } catch {
      Issue.record(error, sourceLocation: sourceLocation)
    }
  }
}
