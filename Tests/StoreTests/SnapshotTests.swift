import Checkpoints
import Experiments
import Foundation
import GRDB
import Store
import Testing

/// Whole states and snapshots: which are kept, what they are the differences to, and that nothing
/// that is needed ever goes.
@Suite struct SnapshotTests {
  /// Epochs of a training whose weights and memory move a little each time.
  private struct Training {
    var sequence: CheckpointSequence
    let wholeEvery: Int?
    private var random: SeededGenerator
    private var weights: [Float]
    private var memory: [Float]
    private(set) var states: [Int: [Tensor]] = [:]

    init(keepLast: Int? = nil, wholeEvery: Int? = nil, seed: UInt64 = 1) {
      sequence = CheckpointSequence(keepLast: keepLast)
      self.wholeEvery = wholeEvery
      random = SeededGenerator(state: seed)
      weights = (0..<3_000).map { Float($0 % 97) / 97 - 0.5 }
      memory = (0..<3_000).map { Float($0 % 89) / 89 }
    }

    static func weights(of tensors: [Tensor]) -> [Tensor] {
      tensors.filter { $0.name.hasPrefix("model.") }
    }

    mutating func next(
      _ epoch: Int
    ) throws -> (manifest: CheckpointManifest, chunks: [EncodedChunk]) {
      weights = weights.map { $0 * (1 + Float(Int.random(in: 0..<9, using: &random)) / 9_000) }
      memory = memory.map { $0 * (1 + Float(Int.random(in: 0..<9, using: &random)) / 9_000) }
      let tensors = [
        Tensor(name: "model.0.kernel", shape: [3_000], floats: weights),
        Tensor(name: "optimizer.m.model.0.kernel", shape: [3_000], floats: memory),
      ]
      states[epoch] = tensors
      return try sequence.encode(
        tensors: tensors, metadata: [:], epoch: epoch, step: Int64(epoch * 100),
        whole: try CheckpointCoder.summary(tensors: tensors, metadata: [:]),
        weights: try CheckpointCoder.summary(
          tensors: Self.weights(of: tensors), metadata: [:]),
        keepsWhole: wholeEvery.map { epoch.isMultiple(of: $0) } ?? false)
    }
  }

  private func spec(keepLast: Int? = nil, fullEvery: Int? = nil, every: Int = 1) -> JobSpec {
    var spec = JobSpec.test()
    if case .train(var train) = spec.work {
      train.checkpoints = CheckpointPolicy(
        every: every, keepLast: keepLast, best: "val_loss", fullEvery: fullEvery)
      spec.work = .train(train)
    }
    return spec
  }

  private func put(_ test: TestStore, _ chunks: [EncodedChunk]) async throws {
    for chunk in chunks {
      try await test.store.putChunk(
        sha256: chunk.sha256, rawBytes: chunk.rawBytes, codec: chunk.codec, base: chunk.base,
        stored: chunk.stored)
    }
  }

  private func train(
    _ test: TestStore, _ attempt: Attempt, _ training: inout Training, _ values: [Double],
    from first: Int = 1
  ) async throws {
    for (index, value) in values.enumerated() {
      let epoch = first + index
      try await test.store.appendMetrics(
        attempt: attempt.id,
        [test.point("val_loss", Int64(epoch * 100), value, epoch: Int64(epoch))])
      let (manifest, chunks) = try training.next(epoch)
      try await put(test, chunks)
      _ = try await test.store.addCheckpoint(attempt: attempt.id, manifest)
      _ = try await test.store.addCheckpoint(attempt: attempt.id, manifest)
    }
  }

  private func wholes(_ test: TestStore, _ run: Int64) async throws -> [Int] {
    try await test.store.checkpoints(run: run).filter { $0.kind == .checkpoint }.map(\.epoch)
  }

  @Test func theNewestAndTheBestAreWholeAndEarlierOnesAreWeights() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start(spec())
      var training = Training()
      try await train(test, attempt, &training, [0.5, 0.1, 0.4, 0.3, 0.6])
      let run = attempt.runId
      let all = try await test.store.checkpoints(run: run)
      #expect(all.map(\.epoch) == [1, 2, 3, 4, 5])
      #expect(try await wholes(test, run) == [2, 5])
      #expect(all.filter(\.isBest).map(\.epoch) == [2])
      #expect(all.filter(\.isLatest).map(\.epoch) == [5])
      for checkpoint in all {
        let state = try #require(training.states[checkpoint.epoch])
        let expected = checkpoint.kind == .checkpoint ? state : Training.weights(of: state)
        #expect(
          try await test.store.checkpointTensors(run: run, .epoch(checkpoint.epoch)) == expected)
        let (record, file) = try await test.store.checkpointFile(
          run: run, .epoch(checkpoint.epoch))
        #expect(ContentHash.sha256Hex(file) == record.sha256)
        #expect(record.tensors == expected.count)
      }
    }
  }

  @Test func wholeStatesAreKeptAsOftenAsAskedFor() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start(spec(fullEvery: 3, every: 2))
      var training = Training(wholeEvery: 6)
      for epoch in stride(from: 2, through: 20, by: 2) {
        try await train(test, attempt, &training, [1], from: epoch)
      }
      // Of equal ones the first is the best.
      #expect(try await wholes(test, attempt.runId) == [2, 6, 12, 18, 20])
      let found = try await test.store.verifyCheckpoints(run: attempt.runId)
      #expect(found.count == 10 && found.allSatisfy { $0.problem == nil })
    }
  }

  @Test func aTrainingGoesOnFromAWholeStateOnly() async throws {
    try await TestStore.with { test in
      let first = try await test.start(spec())
      var training = Training()
      try await train(test, first, &training, [0.5, 0.4])
      var (manifest, chunks) = try training.next(3)
      manifest = try #require(manifest.snapshot)
      try await put(test, chunks)
      let snapshot = try await test.store.addCheckpoint(attempt: first.id, manifest)
      #expect(snapshot.kind == .snapshot && snapshot.isLatest)
      #expect(try await wholes(test, first.runId) == [2])
      let job = try await test.store.attemptLost(first.id, failure: .test) { situation in
        #expect(situation.hasCheckpoint)
        return .resumeSameRun
      }
      let begin = try #require(
        await test.store.beginAttempt(job: job.id, folder: { "/jobs/\($0)" }, tokenSHA256: "token"))
      let started = try await test.store.attemptStarted(begin.attempt.id, environment: .test)
      #expect(started.resumeEpoch == 2)
    }
  }

  /// Random trainings with random policies: all that is kept can be read, counts equal a recount, no
  /// chunk is left over that nothing needs, and few are there as nothing but a base.
  @Test(arguments: 1...10) func basesNeverVanish(_ seed: UInt64) async throws {
    try await TestStore.with { test in
      var random = SeededGenerator(state: seed)
      let keep = [nil, 1, 2, 3, 5, 9].randomElement(using: &random) ?? nil
      let full = [nil, 1, 3].randomElement(using: &random) ?? nil
      let attempt = try await test.start(spec(keepLast: keep, fullEvery: full))
      let run = attempt.runId
      var training = Training(keepLast: keep, wholeEvery: full, seed: seed)
      for epoch in 1...16 {
        let value = Double(Int.random(in: 0..<20, using: &random))
        try await train(test, attempt, &training, [value], from: epoch)
        let found = try await test.store.verifyCheckpoints(run: run)
        #expect(found.allSatisfy { $0.problem == nil })
        #expect(found.last?.checkpoint.epoch == epoch)
        #expect(found.last?.checkpoint.kind == .checkpoint)
        #expect(found.first { $0.checkpoint.isBest }?.checkpoint.kind == .checkpoint)
        let (wrong, onlyBases) = try await test.store.read { db in
          (
            try Int.fetchOne(
              db,
              sql: """
                SELECT COUNT(*) FROM chunks c WHERE reference_count = 0 OR reference_count <>
                  (SELECT COUNT(*) FROM checkpoint_chunks p WHERE p.chunk_id = c.id)
                  + (SELECT COUNT(*) FROM chunks d WHERE d.base_chunk_id = c.id)
                """),
            try Int.fetchOne(
              db,
              sql: """
                SELECT COUNT(*) FROM chunks c WHERE NOT EXISTS
                  (SELECT 1 FROM checkpoint_chunks p WHERE p.chunk_id = c.id)
                """)
          )
        }
        #expect(wrong == 0)
        // Of weights and of memory a chain each, and one more that the best hangs on.
        #expect(onlyBases ?? 99 <= keep.map { 4 * min(3, ($0 - 1) / 2) } ?? 0)
      }
    }
  }

  @Test func aDamagedBaseIsFoundAndNamed() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start(spec())
      let run = attempt.runId
      var training = Training()
      try await train(test, attempt, &training, [5, 4, 3, 2])
      let first = try await test.store.checkpointManifest(run: run, .epoch(1)).1
      let base = try #require(first.tensors.first?.chunks.first)
      try await test.store.write { db, _ in
        try db.execute(
          sql: """
            UPDATE chunks SET data = CAST(
              substr(data, 1, 400) || x'AA' || substr(data, 402) AS BLOB) WHERE lower(hex(sha256)) = ?
            """, arguments: [base])
      }
      let found = try await test.store.verifyCheckpoints(run: run)
      #expect(found.map { $0.problem == nil } == [false, false, false, false])
      #expect(found.allSatisfy { $0.problem?.contains(base) == true })
      await expect("checkpoint_damaged") {
        try await test.store.checkpointTensors(run: run, .epoch(4))
      }
    }
  }

  @Test func theSnapshotBesideAWholeStateIsVerifiedToo() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start(spec())
      var training = Training()
      try await train(test, attempt, &training, [5, 4])
      try await test.store.write { db, _ in
        try db.execute(
          sql: """
            UPDATE checkpoints SET manifest = json_set(manifest, '$.sha256', ?)
            WHERE kind = 'snapshot' AND epoch = 2
            """, arguments: [String(repeating: "0", count: 64)])
      }
      let found = try await test.store.verifyCheckpoints(run: attempt.runId)
      #expect(found.map { $0.problem == nil } == [true, false])
      #expect(found.last?.problem?.contains("the snapshot of epoch 2") == true)
    }
  }

  @Test func chunksAndTheirCheckpointComeAtOnce() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start(spec())
      var training = Training()
      for epoch in 1...3 {
        let (manifest, chunks) = try training.next(epoch)
        for _ in 0..<2 {
          try await test.store.addContent(
            attempt: attempt.id, chunks: chunks, checkpoint: manifest)
        }
        #expect(
          try await test.store.checkpointTensors(run: attempt.runId, .latest)
            == training.states[epoch])
      }
      // One that is damaged: nothing of them is kept.
      let (manifest, chunks) = try training.next(4)
      let last = try #require(chunks.last)
      let damaged = EncodedChunk(
        sha256: last.sha256, rawBytes: last.rawBytes, codec: last.codec, base: last.base,
        stored: last.stored.dropLast() + [last.stored[last.stored.count - 1] ^ 1])
      await expect("chunk_damaged") {
        try await test.store.addContent(
          attempt: attempt.id, chunks: chunks.dropLast() + [damaged], checkpoint: manifest)
      }
      #expect(try await test.store.missingChunks(chunks.map(\.sha256)).count == chunks.count)
      await expect("chunk_missing") {
        try await test.store.addContent(
          attempt: attempt.id, chunks: chunks.dropLast(), checkpoint: manifest)
      }
      _ = try await test.resume(attempt)
      await expect("attempt_fenced") {
        try await test.store.addContent(
          attempt: attempt.id, chunks: chunks, checkpoint: manifest)
      }
    }
  }

  @Test func aChainHasAnEnd() async throws {
    try await TestStore.with { test in
      var raw: [[UInt8]] = [(0..<4_000).map { UInt8(truncatingIfNeeded: $0 / 16) }]
      let first = try ChunkCoder.encode(raw[0], type: .f32)
      try await test.put([first])
      for step in 1...(Limits.chunkChain + 1) {
        var next = raw[step - 1]
        for index in stride(from: 0, to: next.count, by: 4) { next[index] &+= UInt8(index % 3) }
        let chunk = try ChunkCoder.encode(next, type: .f32, base: raw[step - 1])
        try #require(chunk.base != nil)
        raw.append(next)
        if step <= Limits.chunkChain {
          try await put(test, [chunk])
        } else {
          await expect("chunk_chain_too_long") { try await put(test, [chunk]) }
        }
      }
    }
  }

  @Test func aDifferenceNeedsItsBase() async throws {
    try await TestStore.with { test in
      let numbers = (0..<1_000).map { Float($0).squareRoot() * 1.1 }
      let base = Tensor(name: "old", shape: [1_000], floats: numbers).bytes
      let next = Tensor(name: "new", shape: [1_000], floats: numbers.map { $0 * 1.0001 }).bytes
      let chunk = try ChunkCoder.encode(next, type: .f32, base: base)
      try #require(chunk.base != nil)
      await expect("chunk_missing") { try await put(test, [chunk]) }
      await expect("invalid_value") {
        try await test.store.putChunk(
          sha256: chunk.sha256, rawBytes: chunk.rawBytes, codec: chunk.codec,
          stored: chunk.stored)
      }
      await expect("invalid_value") {
        try await test.store.putChunk(
          sha256: chunk.sha256, rawBytes: chunk.rawBytes, codec: .zstd, base: chunk.base,
          stored: chunk.stored)
      }
      let other = try ChunkCoder.encode(base.map { $0 ^ 0x55 }, type: .f32)
      try await test.put([other])
      await expect("chunk_damaged") {
        try await test.store.putChunk(
          sha256: chunk.sha256, rawBytes: chunk.rawBytes, codec: chunk.codec, base: other.sha256,
          stored: chunk.stored)
      }
      try await test.put([try ChunkCoder.encode(base, type: .f32)])
      try await put(test, [chunk])
      #expect(try await test.store.missingChunks([chunk.sha256]).isEmpty)
    }
  }

  @Test func hashesOfEpochsAreKeptAndTheNewestAttemptsCount() async throws {
    try await TestStore.with { test in
      let first = try await test.start()
      let hash = EpochHash(epoch: 1, step: 10, sha256: String(repeating: "a", count: 64))
      try await test.store.addEpochHashes(attempt: first.id, [hash])
      try await test.store.addEpochHashes(attempt: first.id, [hash])
      let second = try await test.resume(first)
      let other = EpochHash(epoch: 1, step: 10, sha256: String(repeating: "b", count: 64))
      let next = EpochHash(epoch: 2, step: 20, sha256: String(repeating: "c", count: 64))
      try await test.store.addEpochHashes(attempt: second.id, [other, next])
      #expect(try await test.store.epochHashes(run: first.runId) == [other, next])
      await expect("attempt_fenced") {
        try await test.store.addEpochHashes(attempt: first.id, [hash])
      }
      await expect("invalid_value") {
        try await test.store.addEpochHashes(
          attempt: second.id, [EpochHash(epoch: 3, step: 1, sha256: "x")])
      }
    }
  }
}
