// Submitting: all or none, once however often it is sent, and only what can be run.

import Client
import Experiments
import Foundation
import Jobs
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(5)))
struct JobsTests {
  @Test func aSubmissionThatIsSentAgainIsTheSame() async throws {
    try await TestDaemon.with(slots: 1) { daemon in
      let request = Specs.request([Specs.train(seed: 1), Specs.train(seed: 2)])
      let first = try await daemon.client.submit(request).jobs
      let second = try await daemon.client.submit(request).jobs
      #expect(first.map(\.id) == [1, 2])
      #expect(second.map(\.id) == [1, 2])
      #expect(first.map(\.runId) == [1, 2])
      #expect(try await daemon.client.jobs().items.map(\.id) == [2, 1])
    }
  }

  @Test func aUidIsNotTakenForAnotherSpec() async throws {
    try await TestDaemon.with { daemon in
      let uid = Specs.uid()
      _ = try await daemon.client.submit(Specs.request([Specs.train(seed: 1)], uids: [uid]))
      let error = await daemon.client.failure {
        _ = try await $0.submit(Specs.request([Specs.train(seed: 2)], uids: [uid]))
      }
      #expect(error?.code == "conflict")
    }
  }

  @Test func twentyClientsAtOnceLoseNothingAndKeepTheirOrder() async throws {
    try await TestDaemon.with(slots: 1) { daemon in
      let ids = try await withThrowingTaskGroup(of: [Int64].self) { group in
        for number in 0..<20 {
          group.addTask {
            try await AssayClient.with(socketPath: daemon.socketPath) { client in
              var ids: [Int64] = []
              for seed in 0..<5 {
                let spec = Specs.train("client-\(number)", seed: Int64(seed))
                ids += try await client.submit(spec).map(\.id)
              }
              return ids
            }
          }
        }
        var all: [[Int64]] = []
        for try await ids in group { all.append(ids) }
        return all
      }
      for own in ids { #expect(own == own.sorted()) }
      #expect(ids.flatMap { $0 }.sorted() == Array(1...100))
      #expect(try await daemon.client.jobs(limit: 1000).items.count == 100)
    }
  }

  @Test func listsHaveCursors() async throws {
    try await TestDaemon.with(slots: 1) { daemon in
      _ = try await daemon.client.submit(Specs.request((0..<5).map { Specs.train(seed: $0) }))
      var seen: [Int64] = []
      var cursor: String?
      repeat {
        let page = try await daemon.client.jobs(limit: 2, cursor: cursor)
        seen += page.items.map(\.id)
        cursor = page.next
      } while cursor != nil
      #expect(seen == [5, 4, 3, 2, 1])
      let queued = try await daemon.client.jobs(states: [.queued])
      #expect(queued.items.allSatisfy { $0.state == .queued })
      let runs = try await daemon.client.runs(RunListQuery(experiment: "tests", limit: 3))
      #expect(runs.items.count == 3)
      #expect(runs.next != nil)
      #expect(try await daemon.client.experiments().items.contains { $0.name == "tests" })
    }
  }

  @Test func aQueuedJobCanBeHeldReleasedAndCancelled() async throws {
    try await TestDaemon.with(slots: 1) { daemon in
      let client = daemon.client
      _ = try await client.submit(Specs.train(), Specs.train())
      _ = try await daemon.workers.order(1)
      #expect(try await client.setHeld(2, true).state == .held)
      #expect(try await client.setHeld(2, false).state == .queued)
      #expect(try await client.cancel(2).state == .cancelled)
      #expect(try await client.run("2").status == .cancelled)
      // Again is no mistake; to release it is.
      #expect(try await client.cancel(2).state == .cancelled)
      await client.expectFailure("job_final") { _ = try await $0.setHeld(2, false) }
    }
  }

  struct Table: Sendable {
    var content: String?
    var target = "y"
    var mistake: String?
  }

  @Test(arguments: [
    Table(content: "a,b,y\n1,2,0\n"),
    Table(content: "a,b,y\n1,2,0\n", target: "z", mistake: "dataset.target"),
    Table(content: "", mistake: "dataset.path"), Table(mistake: "dataset.path"),
  ])
  func aDatasetMustBeThereAndHaveItsColumns(table: Table) async throws {
    try await TestDaemon.with { daemon in
      let path = daemon.folder + "/data.csv"
      if let content = table.content {
        try content.write(toFile: path, atomically: true, encoding: .utf8)
      }
      let error = await daemon.client.failure {
        _ = try await $0.submit(Self.csv(path, target: table.target))
      }
      #expect(error?.mistakes?.map(\.path) == table.mistake.map { [$0] })
    }
  }

  @Test func aRelativePathIsRefused() async throws {
    try await TestDaemon.with { daemon in
      let error = await daemon.client.failure {
        _ = try await $0.submit(Self.csv("data.csv", target: "y"))
      }
      #expect(error?.mistakes?.first?.message == "\"data.csv\" is not absolute")
    }
  }

  @Test func theTextNaNInASpecStaysText() async throws {
    try await TestDaemon.with { daemon in
      let path = daemon.folder + "/data.csv"
      try "a,y\nNaN,0\n".write(toFile: path, atomically: true, encoding: .utf8)
      let values = JSONValue.array([.string(""), .string("NaN"), .string("-")])
      let spec = Self.csv(
        path, target: "y", extra: ["missing": .string("mean"), "missing_values": values])
      _ = try await daemon.client.submit(spec)
      let order = try await daemon.workers.order(1)
      #expect(order.spec["dataset"]?["missing_values"] == values)
    }
  }

  @Test func anEvaluationNeedsARunWithACheckpoint() async throws {
    try await TestDaemon.with { daemon in
      let path = daemon.folder + "/new.csv"
      try "a,y\n1,0\n".write(toFile: path, atomically: true, encoding: .utf8)
      func spec(_ run: Int64, _ checkpoint: String = "best") -> JSONValue {
        .object([
          "kind": .string("evaluate"), "run": .int(run), "checkpoint": .string(checkpoint),
          "dataset": .object(["type": .string("csv"), "path": .string(path)]),
        ])
      }
      let client = daemon.client
      await client.expectFailure("run_not_found") { _ = try await $0.submit(spec(1)) }
      _ = try await client.submit(Specs.train())
      await client.expectFailure("checkpoint_not_found") { _ = try await $0.submit(spec(1)) }
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        try await worker.checkpoint(1)
      }
      let jobs = try await client.submit(spec(1))
      #expect(jobs.first?.kind == .evaluate)
      #expect(try await client.run("2").parentId == 1)
      await client.expectFailure("checkpoint_not_found") { _ = try await $0.submit(spec(1, "7")) }
    }
  }

  private static func csv(
    _ path: String, target: String, extra: [String: JSONValue] = [:]
  ) -> JSONValue {
    let dataset: [String: JSONValue] = [
      "type": .string("csv"), "path": .string(path), "target": .string(target),
    ]
    return Specs.train(extra: ["dataset": .object(dataset.merging(extra) { _, new in new })])
  }
}
