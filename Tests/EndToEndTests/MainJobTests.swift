// The main job through the front door: what is submitted is trained, recorded, shown, judged.
import Client
import Experiments
import Foundation
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(5)))
struct MainJobTests {
  @Test func aTrainingIsRecordedWhole() async throws {
    try await TestDaemon.with { daemon in
      let job = try await daemon.end(of: daemon.submit(Specs.synthetic(epochs: 4)))
      #expect(job.state == .finished, "\(String(describing: job.failure))")
      let detail = try await daemon.client.detail(String(try #require(job.runId)))
      let run = detail.run
      #expect(run.status == .finished)
      #expect(run.params["optimizer.type"] == "adam")
      #expect(run.params["optimizer.epsilon"] != nil, "defaults are params too")
      #expect(run.params["model.0.units"] == "16")
      #expect(run.seed == 1)
      for key in ["loss", "accuracy", "precision", "recall", "f1", "roc_auc"] {
        #expect(run.metrics[key]?.count == 4, "\(key)")
        #expect(run.metrics["val_" + key]?.count == 4, "val_\(key)")
        #expect(run.metrics["test_" + key]?.count == 1, "test_\(key)")
      }
      #expect(detail.checkpoints.map(\.epoch).sorted() == [1, 2, 3, 4])
      #expect(detail.checkpoints.filter(\.isLatest).map(\.epoch) == [4])
      #expect(detail.checkpoints.filter(\.isBest).count == 1)
      #expect(Set(detail.artifacts.map(\.path)) == ["model.json", "predictions.csv"])
      #expect(detail.graph?.parameters == 20 * 16 + 16 + 16 + 1)
      #expect(run.dataset?.rows == 2_000)
      #expect(run.dataset?.trainRows == 1_600)
      #expect(run.comparabilityKey?.count == 64)
      let cost = try #require(run.cost)
      #expect(cost.wallSeconds > 0 && cost.peakRssBytes > 1 << 20)
      #expect((cost.stepsPerSecond ?? 0) > 0 && (cost.flopsPerStep ?? 0) > 0)
      let environment = try #require(detail.attempts.first?.environment)
      #expect(environment.cores > 0 && environment.versions["openblas"] != nil)

      let predictions = String(
        decoding: try await daemon.client.artifact(String(run.id), path: "predictions.csv"),
        as: UTF8.self)
      #expect(predictions.hasPrefix("row,true,predicted,score\n"))
      #expect(predictions.split(separator: "\n").count == 201)

      let log = try await daemon.assay("logs", String(run.id))
      #expect(log.output.contains("epoch 4/4"))
      #expect(try await daemon.client.verifyCheckpoints(String(run.id)).items.allSatisfy(\.intact))
    }
  }

  @Test func theBestEpochIsKeptWhereverItLies() async throws {
    try await TestDaemon.with { daemon in
      // It overfits soon, so that the best epoch is none of every ten.
      let spec = Specs.synthetic(
        rows: 300, units: 64, epochs: 35,
        changes: [
          "checkpoints": .object(["every": .int(10), "best": .string("val_loss")]),
          "optimizer": .object(["type": .string("adam"), "learning_rate": .number(0.01)]),
        ])
      let job = try await daemon.end(of: daemon.submit(spec))
      #expect(job.progress?.epoch == 35)
      let name = String(try #require(job.runId))
      let losses = try await daemon.client.history(name, key: "val_loss").values
      let least = try #require(losses.indices.min { losses[$0] < losses[$1] }) + 1
      let checkpoints = try await daemon.client.checkpoints(name).items
      #expect(checkpoints.filter(\.isBest).map(\.epoch) == [least])
      #expect(Set(checkpoints.map(\.epoch)).isSuperset(of: [10, 20, 30, 35]))
      #expect(checkpoints.count <= 8)
    }
  }

  @Test func theSameSeedGivesTheSameCheckpointAndAnotherSeedAnother() async throws {
    try await TestDaemon.with { daemon in
      let jobs = try await daemon.submit([
        Specs.synthetic(seed: 5), Specs.synthetic(seed: 5), Specs.synthetic(seed: 6),
      ])
      var hashes: [String] = []
      for job in jobs {
        let ended = try await daemon.end(of: job)
        let detail = try await daemon.client.detail(String(try #require(ended.runId)))
        hashes.append(try #require(detail.checkpoints.first { $0.isLatest }?.sha256))
      }
      #expect(hashes[0] == hashes[1])
      #expect(hashes[0] != hashes[2])
    }
  }

  @Test(arguments: ["breast-cancer", "digits"])
  func theExamplesLearn(_ example: String) async throws {
    try await TestDaemon.with { daemon in
      let result = try await daemon.assay(
        "submit", Programs.source("tools/examples/\(example).yaml"), "--set", "seed=1", "--seeds",
        "5", "--wait")
      try #require(result.status == 0, "\(result.errors)")
      let runs = try await daemon.client.runs(RunListQuery(limit: 10)).items
      #expect(Set(runs.compactMap(\.seed)) == [1, 2, 3, 4, 5])
      let accuracies = runs.compactMap { $0.metrics["test_accuracy"]?.last }
      print("\(example): test accuracies \(accuracies)")
      try #require(accuracies.count == 5)
      #expect(accuracies.reduce(0, +) / 5 >= 0.95)
      #expect(accuracies.allSatisfy { $0 >= 0.92 })
    }
  }

  @Test func theReferenceJobsValidationLossFalls() async throws {
    try await TestDaemon.with { daemon in
      let result = try await daemon.assay(
        "submit", Programs.source("tools/examples/reference.yaml"), "--wait")
      try #require(result.status == 0, "\(result.errors)")
      let history = try await daemon.client.history("@latest", key: "val_loss")
      #expect(history.values.count == 10)
      #expect(history.epochs == (1...10).map { Int64($0) })
      for epoch in 1..<5 { #expect(history.values[epoch] < history.values[epoch - 1]) }
    }
  }

  @Test func aFollowedJobShowsEachEpochOnceAndEndsWithItsResult() async throws {
    try await TestDaemon.with { daemon in
      let path = try daemon.folder.write(
        "job.json", Specs.synthetic(epochs: 6).canonicalText)
      let result = try await daemon.assay("submit", path, "--follow")
      #expect(result.status == 0, "\(result.errors)")
      for epoch in 1...6 {
        let lines = result.output.split(separator: "\n").filter { $0.contains("epoch \(epoch)/6") }
        #expect(lines.count == 1, "epoch \(epoch): \(result.output)")
      }
      #expect(result.output.contains("finished in"))
      #expect(result.output.contains("6 checkpoints"))
    }
  }

  @Test func aFinishedModelScoresNewDataAsAChildRun() async throws {
    try await TestDaemon.with { daemon in
      let submitted = try await daemon.assay(
        "submit", Programs.source("tools/examples/breast-cancer.yaml"), "--wait")
      try #require(submitted.status == 0, "\(submitted.errors)")
      let parent = try await daemon.client.run("@latest")
      let evaluated = try await daemon.assay(
        "evaluate", String(parent.id), "--data",
        Programs.source("tools/examples/data/breast_cancer.csv"))
      #expect(evaluated.status == 0, "\(evaluated.errors)")
      let detail = try await daemon.client.detail(String(parent.id))
      let child = try await daemon.client.run(String(try #require(detail.children.first)))
      #expect(child.parentId == parent.id)
      #expect(child.experiment == parent.experiment)
      #expect((child.metrics["test_accuracy"]?.last ?? 0) > 0.95)
      #expect(child.dataset?.rows == 569)
    }
  }

  @Test func aCancelledJobStopsAndSaysSo() async throws {
    try await TestDaemon.with(slots: 1) { daemon in
      let jobs = try await daemon.submit([
        Specs.synthetic(rows: 20_000, epochs: 100_000), Specs.synthetic(name: "waits"),
      ])
      try await eventually("an epoch is recorded") {
        try await daemon.run(of: jobs[0]).metrics["loss"] != nil
      }
      #expect(try await daemon.assay("cancel", String(jobs[0].id)).status == 0)
      let ended = try await daemon.end(of: jobs[0])
      #expect(ended.state == .cancelled)
      let run = try await daemon.run(of: ended)
      #expect(run.status == .cancelled)
      #expect(run.metrics["loss"] != nil, "what it recorded is kept")
      #expect(try await daemon.end(of: jobs[1]).state == .finished)
      #expect(daemon.workers().isEmpty)
    }
  }

  @Test func aCheckJudgesAgainstABaseline() async throws {
    try await TestDaemon.with { daemon in
      let example = Programs.source("tools/examples/breast-cancer.yaml")
      #expect(try await daemon.assay("submit", example, "--seeds", "3", "--wait").status == 0)
      #expect(try await daemon.assay("baseline", "set", "good", "1-3").status == 0)
      let worse = try await daemon.assay(
        "submit", example, "--set", "optimizer.learning_rate=0.000001", "--wait")
      #expect(worse.status == 0, "\(worse.errors)")
      let checked = try await daemon.assay("check", "@good", "@latest")
      #expect(checked.status == 1, "\(checked.output)\(checked.errors)")
      #expect(checked.output.contains("WORSE"))
      #expect(try await daemon.assay("check", "@good", "2").status == 0)
      #expect(try await daemon.assay("check", "@nosuch", "2").status == 2)
      let unjudged = try await daemon.submit(
        Specs.synthetic(changes: ["split": .object(["validation": .number(0.1), "test": .int(0)])]))
      _ = try await daemon.end(of: unjudged)
      let undecided = try await daemon.assay("check", "@good", "@latest")
      #expect(undecided.status == 3, "\(undecided.output)\(undecided.errors)")

      let compared = try await daemon.assay("compare", "@good", "4")
      #expect(compared.output.contains("optimizer.learning_rate"))
      #expect(try await daemon.client.checks().items.count == 3)
    }
  }

  @Test func aScheduleFiresWithItsOwnSeedAndIsJudged() async throws {
    try await TestDaemon.with { daemon in
      let example = Programs.source("tools/examples/breast-cancer.yaml")
      #expect(try await daemon.assay("submit", example, "--seeds", "2", "--wait").status == 0)
      #expect(try await daemon.assay("baseline", "set", "nightly", "1-2").status == 0)
      let added = try await daemon.assay(
        "schedule", "add", "0 2 * * *", example, "--name", "night", "--check", "@nightly")
      #expect(added.status == 0, "\(added.errors)")
      let schedule = try #require(try await daemon.client.schedules().items.first)
      #expect(schedule.nextAt != nil)
      let fired = try await daemon.client.runSchedule(schedule.id)
      let job = try await daemon.end(of: try #require(fired.job))
      #expect(job.state == .finished)
      #expect(job.scheduleId == schedule.id)
      let run = try await daemon.run(of: job)
      #expect(run.seed != nil && run.params["seed"] == run.seed.map(String.init))
      try await eventually("the verdict is there") {
        try await daemon.client.checks().items.contains { $0.jobId == job.id }
      }
      let listed = try await daemon.assay("checks")
      #expect(listed.output.contains("nightly"))
    }
  }
}
