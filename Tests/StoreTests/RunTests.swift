import Experiments
import Foundation
import GRDB
import Store
import Testing

@Suite struct RunTests {
  @Test func peoplesNamesForRuns() async throws {
    try await TestStore.with { test in
      for index in 0..<6 {
        try await test.run(.test(name: "r\(index)", experiment: index < 4 ? "a" : "b"))
      }
      _ = try await test.store.setBaseline(name: "nightly", runs: [5, 2, 3])
      _ = try await test.store.changeRun(3, deleted: true)
      let uid = try await test.store.run(4).uid.text
      func resolve(_ names: String..., experiment: String? = nil) async throws -> [Int64] {
        try await test.store.resolveRuns(names, experiment: experiment)
      }
      #expect(try await resolve("2") == [2])
      #expect(try await resolve("2-5") == [2, 4, 5])
      #expect(try await resolve("5,2", "2", "4-4") == [5, 2, 4])
      #expect(try await resolve("@latest") == [6])
      #expect(try await resolve("@latest", experiment: "a") == [4])
      #expect(try await resolve("@nightly", "1") == [2, 3, 5, 1])
      #expect(try await resolve(uid) == [4])
      #expect(try await resolve(uid.uppercased()) == [4])
      #expect(try await resolve(String(uid.prefix(31))) == [4])
      #expect(try await resolve("3") == [3])
      await expect("ambiguous_id") { try await resolve(String(uid.prefix(6))) }
      for (name, code) in [
        ("99", "run_not_found"), ("70-80", "run_not_found"), ("@nothing", "baseline_not_found"),
        ("ffffffffff", "run_not_found"), ("abc", "invalid_run_name"), ("", "invalid_run_name"),
        ("2,", "invalid_run_name"), ("@", "invalid_run_name"), ("5-2", "invalid_run_name"),
        ("run seven", "invalid_run_name"), ("-3", "invalid_run_name"),
        ("99999999999999999999999999", "run_not_found"),
        ("99999999999999999999999999999999999999999", "invalid_run_name"),
      ] {
        await expect(code) { try await resolve(name) }
      }
      await expect("experiment_not_found") { try await resolve("@latest", experiment: "c") }
      await expect("limit_exceeded") {
        try await test.store.resolveRuns(Array(repeating: "1", count: 2000))
      }
    }
  }

  @Test func aLargeRangeIsRefusedNotCut() async throws {
    try await TestStore.with { test in
      _ = try await test.submit((0..<1000).map { .test(seed: $0) })
      _ = try await test.submit()
      await expect("limit_exceeded") { try await test.store.resolveRuns(["1-1001"]) }
      #expect(try await test.store.resolveRuns(["1-1000"]).count == 1000)
    }
  }

  @Test func aRunsNameNoteAndTagsMayChange() async throws {
    try await TestStore.with { test in
      let id = try await test.run(.test(tags: ["a": "1", "b": "2"]))
      let run = try await test.store.changeRun(
        id, name: "better", note: "why?", tags: ["b": nil, "c": "3", "a": "one"])
      #expect(run.name == "better" && run.note == "why?" && run.tags == ["a": "one", "c": "3"])
      #expect(try await test.store.changeRun(id) == run)
      await expect("invalid_value") { try await test.store.changeRun(id, name: "") }
      await expect("invalid_value") { try await test.store.changeRun(id, tags: ["": "x"]) }
      let long = String(repeating: "x", count: 9000)
      await expect("limit_exceeded") { try await test.store.changeRun(id, name: long) }
      await expect("limit_exceeded") { try await test.store.changeRun(id, note: long) }
      await expect("limit_exceeded") { try await test.store.changeRun(id, tags: ["k": long]) }
      await expect("limit_exceeded") {
        let tags = (0...Limits.tagsPerRun).map { ("t\($0)", "x" as String?) }
        return try await test.store.changeRun(id, tags: Dictionary(uniqueKeysWithValues: tags))
      }
      #expect(try await test.store.run(id) == run)
      await expect("run_not_found") { try await test.store.changeRun(99, name: "x") }
    }
  }

  @Test func deletingIsHidingAndCanBeUndone() async throws {
    try await TestStore.with { test in
      let ids = [try await test.run(), try await test.run()]
      _ = try await test.store.setBaseline(name: "base", runs: [ids[1]])
      let deleted = try await test.store.changeRun(ids[1], deleted: true)
      #expect(deleted.deletedAt != nil)
      #expect(try await test.store.changeRun(ids[1], deleted: true) == deleted)
      func listed(_ deleted: Bool) async throws -> [Int64] {
        try await test.store.runs(Store.RunQuery(deleted: deleted)).items.map(\.id)
      }
      #expect(try await listed(false) == [ids[0]])
      #expect(try await listed(true) == [ids[1]])
      #expect(try await test.store.run(ids[1]) == deleted)
      #expect(try await test.store.resolveRuns(["@base"]) == [ids[1]])
      #expect(try await test.store.resolveRuns(["@latest"]) == [ids[0]])
      // Its number is not given to another.
      let next = try await test.run()
      #expect(next == 3)
      _ = try await test.store.changeRun(ids[1], deleted: false)
      #expect(try await listed(false) == [3, 2, 1])
      let kinds = try await test.store.events(limit: 100).map(\.kind)
      #expect(kinds.filter { $0 == "run_deleted" || $0 == "run_restored" }.count == 2)
    }
  }

  @Test func aRunOfAJobUnderWayIsNotDeleted() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      await expect("conflict") {
        try await test.store.changeRun(attempt.runId, note: "x", deleted: true)
      }
      #expect(try await test.store.run(attempt.runId).note == "")
      let alive = try await test.store.run(attempt.runId)
      #expect(try await test.store.changeRun(attempt.runId, deleted: false) == alive)
      try await test.finish(attempt)
      #expect(try await test.store.changeRun(attempt.runId, deleted: true).deletedAt != nil)
      await expect("run_deleted") {
        try await test.store.setBaseline(name: "x", runs: [attempt.runId])
      }
    }
  }

  @Test func experimentsAndStatusCount() async throws {
    try await TestStore.with { test in
      try await test.run(.test(experiment: "a"))
      let id = try await test.run(.test(experiment: "a"))
      _ = try await test.start(.test(experiment: "b"))
      _ = try await test.store.changeRun(id, deleted: true)
      let experiments = try await test.store.experiments()
      #expect(experiments.map(\.name) == ["a", "b", "default"])
      #expect(experiments.map(\.runs) == [1, 1, 0] && experiments.map(\.running) == [0, 1, 0])
      #expect(experiments[2].id == 0 && experiments[2].lastRunAt == nil)
      let status = try await test.store.status()
      #expect(status.jobsByState == [.finished: 2, .running: 1] && status.runs == 2)
      #expect(status.databaseBytes > 4096)
    }
  }

  @Test func changesTellWhatACommitTouched() async throws {
    try await TestStore.with { test in
      let changes = test.store.changes()
      let job = try await test.submit()
      var iterator = changes.makeAsyncIterator()
      let submitted = try #require(await iterator.next())
      #expect(submitted.concerns(job: job.id) && submitted.kinds.contains(.jobs))
      let attempt = try await test.start(job)
      _ = await iterator.next()
      try await test.store.appendMetrics(attempt: attempt.id, [test.point("x", 1, 1)])
      var seen: Set<StoreChange.Kind> = []
      while !seen.contains(.metrics), let change = await iterator.next() {
        seen.formUnion(change.kinds)
        #expect(change.concerns(run: attempt.runId))
      }
      await test.store.close()
      #expect(await iterator.next() == nil)
    }
  }

  @Test func aListCarriesOnlyWhatIsSelected() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      let now = test.now
      try await test.store.appendMetrics(
        attempt: attempt.id,
        ["loss", "val_loss"].map {
          MetricPoint(key: $0, step: 1, epoch: 1, time: now, value: 0.5)
        })
      let whole = try #require(try await test.store.runs(.init()).items.first)
      #expect(whole.metrics.count == 2 && whole.params.count > 10)
      let select = try RunSelection(["metrics.val_loss", "params.optimizer.type", "tags.nosuch"])
      let some = try #require(try await test.store.runs(.init(select: select)).items.first)
      #expect(some.metrics == ["val_loss": try #require(whole.metrics["val_loss"])])
      #expect(some.params == ["optimizer.type": try #require(whole.params["optimizer.type"])])
      #expect(some.tags.isEmpty)
      #expect(throws: StoreError.self) { try RunSelection(["val_loss"]) }
      #expect(throws: StoreError.self) { try RunSelection(["metrics."]) }
    }
  }
}
