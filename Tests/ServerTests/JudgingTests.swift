// Baselines, comparisons and checks over the wire.

import Client
import Experiments
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(5)))
struct JudgingTests {
  @Test func runsAreComparedByTheirNames() async throws {
    try await withRuns([0.95, 0.951, 0.7]) { client in
      let comparison = try await client.compare(
        CompareRequest(reference: ["1-2"], candidate: ["3"]))
      #expect(comparison.referenceRunIds == [1, 2])
      #expect(comparison.candidateRunIds == [3])
      #expect(comparison.verdict == .worse)
      #expect(comparison.metrics.map(\.metric).contains("test_accuracy"))
      let chosen = try await client.compare(
        CompareRequest(reference: ["1"], candidate: ["2"], metrics: ["test_accuracy"]))
      #expect(chosen.metrics.map(\.metric) == ["test_accuracy"])
      #expect(
        await client.failure {
          _ = try await $0.compare(CompareRequest(reference: [], candidate: ["1"]))
        }?.field == "reference")
    }
  }

  @Test func aBaselineIsSetChangedAndDeleted() async throws {
    try await withRuns([0.9, 0.9]) { client in
      let made = try await client.setBaseline("nightly", BaselineRequest(runs: ["1-2"]))
      #expect(made.runIds == [1, 2])
      #expect(try await client.resolve(["@nightly"]) == [1, 2])
      let changed = try await client.setBaseline("nightly", BaselineRequest(runs: ["2"]))
      #expect(changed.id == made.id)
      #expect(try await client.baselines().items.map(\.runIds) == [[2]])
      #expect(try await client.run("@nightly").id == 2)
      for name in ["latest", "a b", "a,b"] {
        await client.expectFailure("invalid_value") {
          _ = try await $0.setBaseline(name, BaselineRequest(runs: ["1"]))
        }
      }
      _ = try await client.deleteBaseline("nightly")
      await client.expectFailure("baseline_not_found") { _ = try await $0.baseline("nightly") }
    }
  }

  @Test func oneRunIsNeededWhereOneIsShown() async throws {
    try await withRuns([0.9, 0.9]) { client in
      let error = await client.failure { _ = try await $0.run("1-2") }
      #expect(error?.code == "one_run_needed")
      #expect(error?.message == "\"1-2\" means 2 runs; one is needed")
    }
  }

  @Test func aCheckWithoutRunsTakesTheNewestOne() async throws {
    try await withRuns([0.9, 0.9, 0.5]) { client in
      _ = try await client.setBaseline("all", BaselineRequest(runs: ["1-3"]))
      await client.expectFailure("nothing_to_check") {
        _ = try await $0.check(CheckRequest(baseline: "all", runs: []))
      }
      _ = try await client.setBaseline("good", BaselineRequest(runs: ["1-2"]))
      let check = try await client.check(CheckRequest(baseline: "good", runs: []))
      #expect(check.comparison.candidateRunIds == [3])
      #expect(check.comparison.verdict == .worse)
      let same = try await client.check(CheckRequest(baseline: "good", runs: ["1"]))
      #expect(same.comparison.verdict == .equivalent)
      let page = try await client.checks(limit: 1)
      #expect(page.items.map(\.id) == [same.id])
      #expect(try await client.checks(cursor: page.next).items.map(\.id) == [check.id])
    }
  }

  @Test func aCheckWithoutRunsStaysInTheSeries() async throws {
    try await TestDaemon.with(slots: 1) { daemon in
      let client = daemon.client
      try await finish(daemon, 1, 0.9, dataset: "a")
      _ = try await client.setBaseline("good", BaselineRequest(runs: ["1"]))
      try await finish(daemon, 2, 0.5, dataset: "b")
      try await finish(daemon, 3, 0.5, name: "other", dataset: "a")
      let error = await client.failure {
        _ = try await $0.check(CheckRequest(baseline: "good", runs: []))
      }
      #expect(error?.code == "nothing_to_check")
      #expect(
        error?.message
          == "there is no finished run of job \"net\" of experiment \"tests\" on dataset \"a\" "
          + "beside those of baseline \"good\"")
      try await finish(daemon, 4, 0.9, dataset: "a")
      try await finish(daemon, 5, 0.5, dataset: "b")
      let check = try await client.check(CheckRequest(baseline: "good", runs: []))
      #expect(check.comparison.candidateRunIds == [4])
      _ = try await client.changeRun("4", RunChange(deleted: true))
      await client.expectFailure("nothing_to_check") {
        _ = try await $0.check(CheckRequest(baseline: "good", runs: []))
      }
    }
  }

  @Test func deletedRunsAreNotComparedOrMadeAReference() async throws {
    try await withRuns([0.9, 0.9, 0.9]) { client in
      _ = try await client.setBaseline("good", BaselineRequest(runs: ["1-2"]))
      _ = try await client.changeRun("2", RunChange(deleted: true))
      let error = await client.failure {
        _ = try await $0.compare(CompareRequest(reference: ["1"], candidate: ["2"]))
      }
      #expect(error?.code == "run_deleted")
      #expect(error?.hint == "bring it back with `assay rm --undo 2`")
      await client.expectFailure("run_deleted") {
        _ = try await $0.check(CheckRequest(baseline: "good", runs: ["2"]))
      }
      await client.expectFailure("run_deleted") {
        _ = try await $0.setBaseline("new", BaselineRequest(runs: ["1", "2"]))
      }
      let check = try await client.check(CheckRequest(baseline: "good", runs: ["3"]))
      #expect(check.comparison.referenceRunIds == [1])
      let comparison = try await client.compare(
        CompareRequest(reference: ["@good"], candidate: ["3"]))
      #expect(comparison.referenceRunIds == [1])
      _ = try await client.changeRun("1", RunChange(deleted: true))
      for runs in [[], ["3"]] {
        await client.expectFailure("baseline_runs_deleted") {
          _ = try await $0.check(CheckRequest(baseline: "good", runs: runs))
        }
      }
      await client.expectFailure("baseline_runs_deleted") {
        _ = try await $0.compare(CompareRequest(reference: ["@good"], candidate: ["3"]))
      }
      let alive = try await client.run("3")
      #expect(try await client.changeRun("3", RunChange(deleted: false)) == alive)
    }
  }

  @Test func aRunIsRenamedTaggedDeletedAndBroughtBack() async throws {
    try await withRuns([0.9]) { client in
      let named = try await client.changeRun(
        "1", RunChange(name: "best", note: "a note", tags: ["team": "x", "old": "y"]))
      #expect(named.name == "best")
      #expect(named.tags == ["team": "x", "old": "y"])
      let untagged = try await client.changeRun("1", RunChange(tags: ["old": nil]))
      #expect(untagged.tags == ["team": "x"])
      #expect(untagged.note == "a note")
      #expect(try await client.changeRun("1", RunChange(deleted: true)).deletedAt != nil)
      #expect(try await client.runs().items.isEmpty)
      #expect(try await client.runs(RunListQuery(deleted: true)).items.map(\.id) == [1])
      _ = try await client.changeRun("1", RunChange(deleted: false))
      let found = try await client.runs(
        RunListQuery(
          statuses: [.finished], whereText: "metrics.test_accuracy > 0.8 and tags.team = 'x'",
          orderBy: ["-metrics.test_accuracy"]))
      #expect(found.items.map(\.id) == [1])
    }
  }

  /// A daemon with finished runs of these accuracies.
  private func withRuns(
    _ accuracies: [Double], _ body: (AssayClient) async throws -> Void
  ) async throws {
    try await TestDaemon.with(slots: 1) { daemon in
      for (index, accuracy) in accuracies.enumerated() {
        try await finish(daemon, index + 1, accuracy)
      }
      try await body(daemon.client)
    }
  }

  /// Submits job `number` and plays it to its end.
  private func finish(
    _ daemon: TestDaemon, _ number: Int, _ accuracy: Double, name: String = "net",
    dataset: String? = nil
  ) async throws {
    _ = try await daemon.client.submit(Specs.train(name, seed: Int64(number)))
    try await PlayedWorker.with(daemon, number) { worker in
      try await worker.start()
      if let dataset {
        try await worker.client.sendDataset(
          worker.attempt,
          DatasetInfo(
            name: dataset, type: "synthetic", path: nil, sha256: String(repeating: "a", count: 64),
            rows: 100, features: 20, classes: ["0", "1"], trainRows: 80, validationRows: 10,
            testRows: 10))
      }
      try await worker.metric("test_accuracy", accuracy)
      try await worker.finish()
      daemon.workers.exit(worker.attempt)
    }
  }
}
