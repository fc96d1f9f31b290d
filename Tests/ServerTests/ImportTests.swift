// Runs that come from another store: as they were there, once, and like native ones afterwards.

import Client
import Experiments
import Foundation
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(5)))
struct ImportTests {
  @Test func aRunComesInAsItWas() async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      let run = Self.run()
      let made = try await client.importRun(run)
      #expect(made.outcome == .created)
      #expect(made.run.jobId == nil)
      #expect(made.run.params == run.params)
      var back = try await client.archiveRun(run.uid.text)
      #expect(back.metrics.isEmpty)
      back.metrics = run.metrics
      #expect(back == run)
      let detail = try await client.detail("1")
      #expect(detail.spec == run.spec)
      #expect(detail.context == run.context)
      #expect(detail.graph?.features == 20)

      var changed = run
      changed.note = "changed"
      let again = try await client.importRun(changed)
      #expect(again.outcome == .known)
      #expect(again.run == made.run)

      let found = try await client.runs(
        RunListQuery(whereText: "params.optimizer.learning_rate < 0.01 and tags.team = 'a'"))
      #expect(found.items.map(\.id) == [1])
    }
  }

  /// An archive of an earlier Assay has no hashes of epochs; a later one of the same run adds them.
  @Test func hashesOfEpochsMayComeLater() async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      let whole = Self.run()
      var old = whole
      (old.epochHashes, old.wholeEvery) = (nil, nil)
      let made = try await client.importRun(old)
      #expect(made.outcome == .created)
      #expect(try await client.epochHashes("1").items.isEmpty)
      #expect(try await client.importRun(whole).outcome == .known)
      #expect(try await client.epochHashes("1").items == whole.epochHashes)
      var other = whole
      other.epochHashes?[0].sha256 = String(repeating: "0", count: 64)
      #expect(try await client.importRun(other).outcome == .known)
      #expect(try await client.epochHashes("1").items == whole.epochHashes)
    }
  }

  @Test func nativeAndDeletedRunsAreLeftAlone() async throws {
    try await ContentTests.withFinishedRun { daemon in
      let client = daemon.client
      var run = try await client.archiveRun("1")
      #expect(run.status == .finished)
      #expect(run.metrics["loss"]?.count == 1)
      #expect(run.spec?["name"] == .string("net"))
      run.name = "other"
      #expect(try await client.importRun(run).outcome == .native)
      #expect(try await client.run("1").name == "net")
      _ = try await client.changeRun("1", RunChange(deleted: true))
      #expect(try await client.importRun(run).outcome == .deleted)
      #expect(try await client.run("1").deletedAt != nil)
    }
  }

  @Test func parentsAreFoundWhicheverComesFirst() async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      let parent = Self.run()
      var first = Self.run()
      first.parentUid = parent.uid
      var last = first
      last.uid = Specs.uid()
      #expect(try await client.importRun(first).run.parentId == nil)
      #expect(try await client.archiveRun("1").parentUid == parent.uid)
      _ = try await client.importRun(parent)
      _ = try await client.importRun(last)
      #expect(try await client.run("1").parentId == 2)
      #expect(try await client.run("3").parentId == 2)
      #expect(try await client.detail("2").children == [1, 3])
    }
  }

  @Test func runsThatBelongToEachOtherMakeNoCircle() async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      var (first, second) = (Self.run(), Self.run())
      first.parentUid = second.uid
      second.parentUid = first.uid
      _ = try await client.importRun(first)
      _ = try await client.importRun(second)
      #expect(try await client.run("1").parentId == nil)
      #expect(try await client.run("2").parentId == 1)
    }
  }

  @Test func whatNoRunCanBeIsRefused() async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      func refused(_ change: (inout ArchiveRun) -> Void) async {
        var run = Self.run()
        change(&run)
        await ContentTests.expect("invalid_value") { try await client.importRun(run) }
      }
      await refused { $0.status = .running }
      await refused { $0.name = "" }
      await refused { $0.parentUid = $0.uid }
      await refused { $0.params[""] = "x" }
      await refused { $0.keepLast = 0 }
      await refused { $0.wholeEvery = 0 }
      await refused { $0.epochHashes?[1].sha256 = "x" }
      await refused { $0.epochHashes?[1].step = -1 }
      await refused { $0.comparabilityKey = "x" }
      await refused { $0.endedAt = Timestamp(microseconds: .max) }
      let runs = try await client.runs().items
      #expect(runs.isEmpty)
    }
  }

  static func run() -> ArchiveRun {
    let at = Timestamp(microseconds: 1_700_000_000_000_000)
    return ArchiveRun(
      uid: Specs.uid(), name: "net", experiment: "elsewhere", status: .failed, seed: 7,
      note: "a note", createdAt: at, startedAt: at.adding(seconds: 1),
      endedAt: at.adding(seconds: 2.5), params: ["optimizer.learning_rate": "0.001", "x": "ä\n"],
      tags: ["team": "a"],
      metrics: [
        "loss": MetricSummary(
          last: .nan, lastStep: 3, lastEpoch: nil, min: -.infinity, max: 0.1, mean: .nan, count: 3)
      ],
      progress: Progress(epoch: 1, epochs: 2, step: 3, steps: 4, samplesPerSecond: 5.5),
      failure: Failure(code: "exit_code", message: "it ended with 3"),
      cost: Cost(wallSeconds: 1.25, peakRssBytes: 1 << 40), dataset: AttemptTests.dataset,
      environment: Environment(
        host: "there", os: "Linux", cpu: "CPU", cores: 4, memoryBytes: 1 << 33,
        versions: ["openblas": "0.3.21"]),
      comparabilityKey: String(repeating: "ab", count: 32), bestMetric: "val_loss", keepLast: 2,
      wholeEvery: 5,
      epochHashes: (1...3).map {
        EpochHash(epoch: $0, step: Int64($0) * 10, sha256: String(repeating: "a\($0)", count: 32))
      },
      spec: Specs.train(), context: Specs.context)
  }
}
