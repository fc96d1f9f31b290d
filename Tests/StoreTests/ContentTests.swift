import Checkpoints
import Experiments
import Foundation
import GRDB
import Store
import Testing

@Suite struct ContentTests {
  private func tensors(_ seed: Int, shared: Bool = true) -> [Tensor] {
    let fixed = Tensor(name: "embedding", shape: [300], floats: (0..<300).map { Float($0) })
    let own = Tensor(
      name: "dense/kernel", shape: [10, 20], floats: (0..<200).map { Float($0 * (seed + 2)) })
    return shared ? [fixed, own] : [own]
  }

  /// Reference counts as the rows that name each chunk say; and how many chunks there are.
  private func recount(_ store: Store) async throws -> (wrong: Int, chunks: Int) {
    try await store.read { db in
      let wrong = try Int.fetchOne(
        db,
        sql: """
          SELECT COUNT(*) FROM chunks c WHERE reference_count <>
            (SELECT COUNT(*) FROM checkpoint_chunks p WHERE p.chunk_id = c.id)
            + (SELECT COUNT(*) FROM artifact_chunks a WHERE a.chunk_id = c.id)
          """)
      return (wrong ?? -1, try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM chunks") ?? -1)
    }
  }

  @Test func aCheckpointReadsBackAndIsShownWhole() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      let (manifest, chunks) = try CheckpointCoder.encode(
        tensors: tensors(1), metadata: ["spec_sha256": "x", "camelCase": "kept as it is"],
        epoch: 1, step: 100)
      do {
        _ = try await test.store.addCheckpoint(attempt: attempt.id, manifest)
        Issue.record("accepted without its chunks")
      } catch let error as StoreError {
        #expect(error == .chunkMissing(chunks.map(\.sha256).sorted()))
      }
      #expect(try await test.store.checkpoints(run: attempt.runId).isEmpty)
      let names = chunks.map(\.sha256)
      #expect(try await test.store.missingChunks(names) == names)
      try await test.put(chunks)
      try await test.put(chunks)
      #expect(try await test.store.missingChunks(names).isEmpty)
      let checkpoint = try await test.store.addCheckpoint(attempt: attempt.id, manifest)
      #expect(checkpoint.isBest && checkpoint.isLatest && checkpoint.tensors == 2)
      #expect(checkpoint.rawBytes == manifest.rawBytes)
      #expect(checkpoint.storedBytes == chunks.reduce(0) { $0 + Int64($1.stored.count) })
      #expect(try await test.store.addCheckpoint(attempt: attempt.id, manifest) == checkpoint)
      let run = attempt.runId
      #expect(try await test.store.checkpointManifest(run: run, .latest) == (checkpoint, manifest))
      for choice in [CheckpointChoice.best, .latest, .epoch(1)] {
        #expect(try await test.store.checkpointTensors(run: run, choice) == tensors(1))
      }
      let file = try await test.store.checkpointFile(run: run, .best).1
      #expect(ContentHash.sha256Hex(file) == manifest.sha256)
      await expect("checkpoint_not_found") {
        try await test.store.checkpointTensors(run: run, .epoch(2))
      }
      #expect(try await recount(test.store) == (0, 2))
    }
  }

  @Test func aChunkThatIsSentAgainIsAsGoodAsNew() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      let (manifest, chunks) = try CheckpointCoder.encode(
        tensors: tensors(1, shared: false), metadata: [:], epoch: 1, step: 1)
      try await test.put(chunks)
      test.clock.advance(seconds: 2 * 3600)
      try await test.put(chunks)
      // Another checkpoint makes room: what nothing has named for long goes.
      try await test.checkpoint(attempt, epoch: 2, tensors: tensors(2, shared: false))
      try await test.checkpoint(attempt, epoch: 2, tensors: tensors(3, shared: false))
      _ = try await test.store.addCheckpoint(attempt: attempt.id, manifest)
      #expect(try await test.store.checkpoints(run: attempt.runId).count == 2)
    }
  }

  @Test func aChunkIsVerifiedBeforeItIsKept() async throws {
    try await TestStore.with { test in
      let chunk = try ChunkCoder.encode([UInt8](repeating: 7, count: 1000))
      var broken = chunk.stored
      broken[broken.count / 2] ^= 1
      let uploads: [(String, Int, [UInt8], String)] = [
        (chunk.sha256, 1000, broken, "chunk_damaged"),
        (String(repeating: "0", count: 64), 1000, chunk.stored, "chunk_damaged"),
        (chunk.sha256, 999, chunk.stored, "chunk_damaged"),
        (chunk.sha256, 1 << 40, chunk.stored, "chunk_too_large"),
        ("no hash", 1000, chunk.stored, "invalid_value"),
      ]
      for (sha256, rawBytes, stored, code) in uploads {
        await expect(code) {
          try await test.store.putChunk(
            sha256: sha256, rawBytes: rawBytes, codec: chunk.codec, stored: stored)
        }
      }
      #expect(try await recount(test.store).chunks == 0)
    }
  }

  @Test func aDamagedChunkIsFoundByEveryRead() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      let intact = try await test.checkpoint(attempt, epoch: 1, tensors: tensors(1, shared: false))
      let damaged = try await test.checkpoint(attempt, epoch: 2, tensors: tensors(2, shared: false))
      try await test.store.write { db, _ in
        try db.execute(
          sql: """
            UPDATE chunks SET data = zeroblob(length(data)) WHERE id IN
              (SELECT chunk_id FROM checkpoint_chunks WHERE checkpoint_id = ?)
            """, arguments: [damaged.id])
      }
      await expect("checkpoint_damaged") {
        try await test.store.checkpointTensors(run: attempt.runId, .epoch(2))
      }
      await expect("checkpoint_damaged") {
        try await test.store.checkpointFile(run: attempt.runId, .latest)
      }
      let found = try await test.store.verifyCheckpoints(run: attempt.runId)
      #expect(found.map(\.checkpoint.epoch) == [intact.epoch, damaged.epoch])
      #expect(found[0].problem == nil && found[1].problem?.contains("dense/kernel") == false)
      #expect(found[1].problem?.contains("damaged") == true)
    }
  }

  @Test func aManifestThatDoesNotFitIsRefused() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      let (manifest, chunks) = try CheckpointCoder.encode(
        tensors: tensors(1, shared: false), metadata: [:], epoch: 1, step: 1)
      try await test.put(chunks)
      // A chunk of another size in the place of its own.
      let other = try ChunkCoder.encode([1, 2, 3])
      try await test.put([other])
      var swapped = manifest
      swapped.tensors[0].chunks = [other.sha256]
      await expect("chunk_damaged") {
        try await test.store.addCheckpoint(attempt: attempt.id, swapped)
      }
      var short = manifest
      short.tensors[0].chunks = []
      await expect("manifest_invalid") {
        try await test.store.addCheckpoint(attempt: attempt.id, short)
      }
      #expect(try await test.store.checkpoints(run: attempt.runId).isEmpty)
    }
  }

  @Test func anotherCheckpointOfTheEpochTakesItsPlace() async throws {
    try await TestStore.with { test in
      let first = try await test.start()
      try await test.checkpoint(first, epoch: 1, tensors: tensors(1))
      let second = try await test.resume(first)
      let new = try await test.checkpoint(second, epoch: 1, tensors: tensors(2))
      #expect(try await test.store.checkpoints(run: first.runId) == [new])
      #expect(try await test.store.checkpointTensors(run: first.runId, .best) == tensors(2))
      #expect(try await recount(test.store) == (0, 2))
    }
  }

  @Test func uploadsThatNothingNamesLiveAnHour() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      try await test.put([try ChunkCoder.encode([1, 2, 3])])
      try await test.checkpoint(attempt, epoch: 1, tensors: tensors(1))
      #expect(try await recount(test.store) == (0, 3))
      test.clock.advance(seconds: 3000)
      try await test.put([try ChunkCoder.encode([4, 5])])
      test.clock.advance(seconds: 1000)
      try await test.checkpoint(attempt, epoch: 2, tensors: tensors(1))
      #expect(try await recount(test.store) == (0, 3))
      #expect(try await test.store.missingChunks([ContentHash.sha256Hex([1, 2, 3])]).count == 1)
      #expect(try await test.store.missingChunks([ContentHash.sha256Hex([4, 5])]).isEmpty)
    }
  }
}
