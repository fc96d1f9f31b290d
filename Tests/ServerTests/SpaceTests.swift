// Getting space back over the wire.

import Client
import Experiments
import Foundation
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(5)))
struct SpaceTests {
  /// A finished run with a checkpoint.
  private func run(_ daemon: TestDaemon, _ count: Int) async throws {
    _ = try await daemon.client.submit(Specs.train())
    try await PlayedWorker.with(daemon, count) { worker in
      try await worker.start()
      try await worker.epoch(1)
      try await worker.checkpoint(1)
      try await worker.finish()
      daemon.workers.exit(worker.attempt)
    }
  }

  @Test func deletedRunsGoWhenAsked() async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      for count in 1...3 { try await run(daemon, count) }
      let usage = try await client.usage()
      #expect(usage.experiments.map(\.runs) == [3] && usage.fileBytes > 0)
      #expect(usage.reserveBytes > 0 && usage.maxBytes == nil)
      _ = try await client.changeRun("1", RunChange(deleted: true))
      #expect(try await client.collectGarbage().runs == 0)
      let planned = try await client.collectGarbage(now: true, dryRun: true)
      #expect(planned.runs == 1 && planned.checkpoints == 1)
      #expect(try await client.run("1").deletedAt != nil)
      let report = try await client.collectGarbage(now: true)
      #expect(report.runs == 1 && report.done && report.points == 2)
      await #expect(throws: ClientError.self) { try await client.run("1") }
      try await client.purgeRun("2")
      #expect(try await client.collectGarbage().runs == 1)
      #expect(try await client.runs().items.map(\.id) == [3])
      let experiment = try await client.run("3").experiment
      let gone = try await client.changeExperiment(experiment, ExperimentChange(deleted: true))
      #expect(gone.runIds == [3])
      #expect(try await client.runs().items.isEmpty)
      let back = try await client.changeExperiment(experiment, ExperimentChange(deleted: false))
      #expect(back.runIds == [3])
    }
  }

  @Test func aRefusedCheckpointMarksItsRun() async throws {
    try await TestDaemon.with(maxBytes: 1) { daemon in
      _ = try await daemon.client.submit(Specs.train())
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        do {
          try await worker.checkpoint(1)
          Issue.record("taken")
        } catch ClientError.api(let body, let status) {
          #expect(body.code == "quota_exceeded" && status == 403 && body.hint != nil)
        }
        // All else is taken.
        try await worker.epoch(1)
        #expect(try await worker.finish().state == .finished)
        daemon.workers.exit(worker.attempt)
      }
      #expect(try await daemon.client.run("1").tags["assay.quota_exceeded"] != nil)
      let kinds = try await daemon.client.events(after: 0, limit: 100).items.map(\.kind)
      #expect(kinds.count { $0 == "quota_exceeded" } == 1)
    }
  }
}
