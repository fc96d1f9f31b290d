// What a kill costs: nothing. The daemon or a worker is killed at several random moments of a
// training; the result must be that of an undisturbed one.
import Client
import Experiments
import Foundation
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(5)))
struct SurvivalTests {
  static let epochs = 12
  static let spec = Specs.synthetic(
    rows: 40_000, features: 60, units: 48, epochs: epochs,
    changes: ["checkpoints": .object(["every": .int(2), "best": .string("val_loss")])])

  /// What must not depend on kills: every metric that is not a measurement of time, and the hash of
  /// every checkpoint by its epoch.
  struct Outcome: Equatable {
    var histories: [String: [Double]]
    var checkpoints: [Int: String]
    var predictions: [UInt8]
  }

  static func outcome(_ daemon: TestDaemon, _ job: Job) async throws -> Outcome {
    let ended = try await daemon.end(of: job)
    #expect(ended.state == .finished, "\(String(describing: ended.failure))")
    let name = String(try #require(ended.runId))
    let detail = try await daemon.client.detail(name)
    var histories: [String: [Double]] = [:]
    for key in detail.run.metrics.keys where key != "samples_per_second" {
      let history = try await daemon.client.history(name, key: key)
      histories[key] = history.values
      if !key.hasPrefix("test_") {
        #expect(history.epochs == (1...epochs).map { Int64($0) }, "\(key) has a gap or a double")
      }
    }
    return Outcome(
      histories: histories,
      checkpoints: Dictionary(
        uniqueKeysWithValues: detail.checkpoints.map { ($0.epoch, $0.sha256) }),
      predictions: try await daemon.client.artifact(name, path: "predictions.csv"))
  }

  /// Waits for a random moment of the job's training: an epoch, and up to `more` beyond it.
  static func randomMoment(
    _ daemon: TestDaemon, _ job: Job, epoch: Int, using generator: inout some RandomNumberGenerator
  ) async throws {
    try await eventually("epoch \(epoch)") {
      let job = try await daemon.client.job(job.id)
      return job.state.isFinal || (job.progress?.epoch ?? 0) >= epoch
    }
    try await Task.sleep(for: .milliseconds(Int.random(in: 0..<120, using: &generator)))
  }

  @Test func killsCostNothing() async throws {
    let seed = UInt64.random(in: 0..<1_000_000)
    print("seed of the kills: \(seed)")
    var generator = SeededGenerator(seed: seed)
    try await TestDaemon.with { daemon in
      let undisturbed = try await Self.outcome(daemon, daemon.submit(Self.spec))
      #expect(undisturbed.histories["loss"]?.count == Self.epochs)

      // The daemon dies; the worker goes on, and is adopted.
      var job = try await daemon.submit(Self.spec)
      for epoch in [0, 3, 7] {
        try await Self.randomMoment(daemon, job, epoch: epoch, using: &generator)
        let workers = daemon.workers()
        try await daemon.kill()
        // At first the one of the job before may still be ending, at last this one comes to its end.
        for worker in workers where epoch == 3 {
          #expect(
            FileManager.default.fileExists(atPath: "/proc/\(worker)/exe"), "the worker goes on")
        }
        try await Task.sleep(for: .milliseconds(Int.random(in: 0..<400, using: &generator)))
        try await daemon.start()
      }
      #expect(try await Self.outcome(daemon, job) == undisturbed)

      // The worker dies; the job goes on from its last checkpoint, in the same run.
      job = try await daemon.submit(Self.spec)
      for epoch in [0, 2, 5, 9] {
        try await Self.randomMoment(daemon, job, epoch: epoch, using: &generator)
        for worker in daemon.workers() { kill(worker, SIGKILL) }
      }
      #expect(try await Self.outcome(daemon, job) == undisturbed)
      let ended = try await daemon.client.job(job.id)
      #expect(ended.attempts > 1)
      #expect(ended.runId == job.runId)

      // Both die at once.
      job = try await daemon.submit(Self.spec)
      try await Self.randomMoment(daemon, job, epoch: 4, using: &generator)
      let workers = daemon.workers()
      try await daemon.kill()
      for worker in workers { kill(worker, SIGKILL) }
      try await daemon.start()
      #expect(try await Self.outcome(daemon, job) == undisturbed)
    }
  }

  @Test func aJobThatEndsWhileTheDaemonIsAwayIsTakenOver() async throws {
    try await TestDaemon.with { daemon in
      let job = try await daemon.submit(Specs.synthetic(rows: 6_000, epochs: 8))
      try await eventually("it trains") { try await daemon.run(of: job).metrics["loss"] != nil }
      try await daemon.kill()
      try await eventually("the worker has ended", within: .seconds(90)) {
        daemon.workers().isEmpty
      }
      try await daemon.start()
      let ended = try await daemon.end(of: job)
      #expect(ended.state == .finished)
      #expect(ended.attempts == 1)
      let run = try await daemon.run(of: job)
      #expect(run.metrics["loss"]?.count == 8)
      #expect(run.metrics["test_loss"]?.count == 1)
    }
  }

  @Test func aStopThatNobodyAskedForIsNoCancel() async throws {
    try await TestDaemon.with { daemon in
      let undisturbed = try await Self.outcome(daemon, daemon.submit(Self.spec))
      let job = try await daemon.submit(Self.spec)
      try await eventually("it trains") { try await daemon.run(of: job).metrics["loss"] != nil }
      // As a machine that shuts down does.
      for worker in daemon.workers() { kill(worker, SIGTERM) }
      #expect(try await Self.outcome(daemon, job) == undisturbed)
      #expect(try await daemon.client.job(job.id).attempts == 2)
    }
  }

  @Test func runsThatShareContentDoNotLoseEachOthersCheckpoints() async throws {
    try await TestDaemon.with(slots: 2) { daemon in
      // Two equal trainings side by side, each dropping its older checkpoints: what one has just
      // found to be there already is what the other one drops.
      let spec = Specs.synthetic(
        rows: 300, epochs: 300, changes: ["checkpoints": .object(["keep": .int(1)])])
      for job in try await daemon.submit([spec, spec]) {
        let ended = try await daemon.end(of: job)
        #expect(ended.state == .finished, "\(String(describing: ended.failure))")
        let run = try await daemon.run(of: ended)
        #expect(run.metrics["loss"]?.count == 300)
        #expect(run.metrics["test_loss"]?.count == 1)
        #expect(
          try await daemon.client.verifyCheckpoints(String(run.id)).items.allSatisfy(\.intact))
      }
    }
  }

  @Test func whatAKilledWorkerHadKeptForTheDaemonIsNotLost() async throws {
    try await TestDaemon.with { daemon in
      let spec = Specs.synthetic(
        rows: 1_000, epochs: 100_000,
        changes: ["on_lost": .string("fail"), "checkpoints": .object(["every": .int(1_000)])])
      let job = try await daemon.submit(spec)
      try await eventually("it trains") { try await daemon.run(of: job).metrics["loss"] != nil }
      let before = try await daemon.run(of: job).metrics["loss"]?.count ?? 0
      try await daemon.kill()
      let spool = daemon.data + "/attempts/1/spool"
      try await eventually("records wait in the spool") {
        try FileManager.default.contentsOfDirectory(atPath: spool).count > 30
      }
      for worker in daemon.workers() { kill(worker, SIGKILL) }
      try await daemon.start()
      let ended = try await daemon.end(of: job)
      #expect(ended.state == .failed || ended.state == .lost)
      let history = try await daemon.client.history(
        String(try #require(job.runId)), key: "loss")
      #expect(history.values.count > Int(before) + 30)
      #expect(history.epochs == (1...history.values.count).map { Int64($0) }, "no gap")
    }
  }

  @Test func aDatasetThatChangedStopsTheResume() async throws {
    try await TestDaemon.with { daemon in
      let original = try String(
        contentsOfFile: Programs.source("tools/examples/data/digits.csv"), encoding: .utf8)
      let csv = try daemon.folder.write("digits.csv", original)
      let spec = Specs.synthetic(
        epochs: 100_000,
        changes: [
          "dataset": .object([
            "type": .string("csv"), "path": .string(csv), "target": .string("digit"),
          ]),
          "model": .array([
            .object(["type": .string("dense"), "units": .int(10), "activation": .string("softmax")])
          ]),
          "loss": .string("sparse_categorical_crossentropy"),
          "checkpoints": .object(["keep": .int(2)]),
        ])
      let job = try await daemon.submit(spec)
      try await eventually("a checkpoint is there") {
        try await !daemon.client.checkpoints(String(try #require(job.runId))).items.isEmpty
      }
      try daemon.folder.write("digits.csv", original.replacingOccurrences(of: ",16,", with: ",15,"))
      for worker in daemon.workers() { kill(worker, SIGKILL) }
      let ended = try await daemon.end(of: job)
      #expect(ended.state == .failed)
      #expect(ended.failure?.code == "dataset_changed")
      #expect(ended.failure?.message.contains(csv) == true)
    }
  }

  @Test func twentyClientsAtOnceLoseDoubleAndReorderNothing() async throws {
    try await TestDaemon.with(slots: 1) { daemon in
      let perClient = 10
      // Each client sends its next job only after the last one was acknowledged, and one of them twice.
      let acknowledged = try await withThrowingTaskGroup(of: [Job].self) { group in
        for client in 0..<20 {
          group.addTask {
            var mine: [Job] = []
            let connection = AssayClient(socketPath: daemon.socket)
            for number in 0..<perClient {
              let request = SubmitRequest(
                jobs: [
                  SubmittedJob(
                    uid: Identifier(at: Timestamp(microseconds: Int64(client * 1_000 + number))),
                    spec: Specs.synthetic(name: "c\(client)-\(number)", rows: 200, epochs: 1))
                ],
                context: SubmitContext(directory: "/", user: "test"))
              let first = try await connection.submit(request).jobs
              if number == 3 {
                #expect(try await connection.submit(request).jobs.map(\.id) == first.map(\.id))
              }
              mine += first
            }
            await connection.shutdown()
            return mine
          }
        }
        return try await group.reduce(into: [[Job]]()) { $0.append($1) }
      }
      for jobs in acknowledged {
        #expect(jobs.map(\.id) == jobs.map(\.id).sorted(), "acknowledged first comes first")
      }
      let ids = acknowledged.flatMap { $0 }.map(\.id)
      #expect(ids.count == 20 * perClient)
      #expect(Set(ids).count == ids.count)
      let listed = try await daemon.client.jobs(limit: 1_000).items
      #expect(Set(listed.map(\.name)).count == 20 * perClient)
      #expect(listed.count == 20 * perClient)
    }
  }
}

/// SplitMix64, so that a failing round can be played again from its printed seed.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
