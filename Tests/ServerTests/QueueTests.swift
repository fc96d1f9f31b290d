// Queues and policies over the wire: what starts, what waits and why, and what ends too late.

import Client
import Experiments
import Foundation
import Jobs
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(5)))
struct QueueTests {
  private static func spec(_ name: String, _ extra: [String: JSONValue]) -> JSONValue {
    Specs.train(name, extra: extra)
  }

  private func names(_ daemon: TestDaemon) -> [String?] {
    daemon.workers.state.value.orders.map { $0.spec["name"]?.stringValue }
  }

  @Test func aQueueHasSlotsOfItsOwnAndCanBePaused() async throws {
    try await TestDaemon.with(slots: 3) { daemon in
      let client = daemon.client
      _ = try await client.setQueue("night", slots: 1)
      let night: [String: JSONValue] = ["queue": .string("night")]
      _ = try await client.submit(
        Self.spec("a", night), Self.spec("b", night), Specs.train("c"))
      _ = try await daemon.workers.order(2)
      #expect(names(daemon) == ["a", "c"])
      #expect(
        try await client.job(2).waits?.message
          == "waits for a slot of queue night: 1 of 1 in use")
      _ = try await client.setPaused(queue: "night", true)
      #expect(try await client.job(2).waits?.message == "queue night is paused")
      let first = try await daemon.workers.order(1)
      try daemon.workers.exit(first.attemptId, leaving: SupervisorTests.record(.finished))
      try await eventually { try await client.job(1).state == .finished }
      #expect(try await client.job(2).state == .queued)
      _ = try await client.setPaused(queue: "night", false)
      #expect(try await daemon.workers.order(3).spec["name"] == .string("b"))
      let queues = try await client.queues().items
      #expect(queues.map(\.name) == ["default", "night"])
      #expect(queues[1].running == 1)
    }
  }

  @Test func anExclusiveJobRunsAloneAndIsNotStarved() async throws {
    try await TestDaemon.with(slots: 2) { daemon in
      let client = daemon.client
      _ = try await client.submit(Specs.train("first"))
      let first = try await daemon.workers.order(1)
      _ = try await client.submit(
        Self.spec("alone", ["exclusive": .bool(true)]), Specs.train("behind"))
      #expect(
        try await client.job(2).waits?.message == "waits until nothing else runs (exclusive)")
      #expect(try await client.job(3).waits?.code == "behind_exclusive")
      try daemon.workers.exit(first.attemptId, leaving: SupervisorTests.record(.finished))
      let alone = try await daemon.workers.order(2)
      #expect(alone.spec["name"] == .string("alone"))
      #expect(
        try await client.job(3).waits?.message == "waits for job 2, which runs alone")
      try daemon.workers.exit(alone.attemptId, leaving: SupervisorTests.record(.finished))
      #expect(try await daemon.workers.order(3).spec["name"] == .string("behind"))
      #expect(try await client.run("2").beside == false)
    }
  }

  @Test func resourcesAreHandedOutByNumber() async throws {
    try await TestDaemon.with(slots: 4, resources: ["gpu": 2]) { daemon in
      let client = daemon.client
      let one: [String: JSONValue] = ["resources": .object(["gpu": .int(1)])]
      _ = try await client.submit(Self.spec("a", one), Self.spec("b", one), Self.spec("c", one))
      _ = try await client.submit(Specs.train("none"))
      _ = try await daemon.workers.order(3)
      let orders = daemon.workers.state.value.orders
      #expect(orders.map { $0.environment?["ASSAY_RESOURCE_GPU"] } == ["0", "1", nil])
      #expect(orders.map { $0.environment?["CUDA_VISIBLE_DEVICES"] } == ["0", "1", ""])
      #expect(try await client.job(3).waits?.message == "waits for gpu: 2 of 2 in use")
      try daemon.workers.exit(
        orders[0].attemptId, leaving: SupervisorTests.record(.finished))
      #expect(try await daemon.workers.order(4).environment?["ASSAY_RESOURCE_GPU"] == "0")
      #expect(try await client.detail("3").attempts.first?.resources == ["gpu": [0]])
      await client.expectFailure("resource_unavailable") {
        _ = try await $0.submit(
          Self.spec("d", ["resources": .object(["gpu": .int(3)])]))
      }
    }
  }

  @Test func aTimeoutEndsTheAttemptAndSaysSo() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Self.spec("a", ["timeout": .string("50ms")]))
      try await eventually { try await daemon.client.job(1).state.isFinal }
      let job = try await daemon.client.job(1)
      #expect(job.state == .timedOut)
      #expect(job.failure?.code == "timeout")
      #expect(job.failure?.message == "it ran for longer than its timeout of 50ms")
      #expect(try await daemon.client.run("1").status == .timedOut)
    }
  }

  @Test func aSilentAttemptIsEndedOneThatSpeaksIsNot() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Self.spec("a", ["idle_timeout": .string("5s")]))
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        // Longer than it may be silent, with pauses that are far shorter, however slow the machine is.
        for epoch in 1...7 as ClosedRange<Int64> {
          try await worker.epoch(epoch)
          try await Task.sleep(for: .seconds(1))
        }
        #expect(try await daemon.client.job(1).state == .running)
      }
      try await eventually { try await daemon.client.job(1).state.isFinal }
      #expect(try await daemon.client.job(1).failure?.code == "idle_timeout")
    }
  }

  @Test func aTimeoutGoesOnWhileTheDaemonIsAway() async throws {
    try await TestDaemon.withFolder { folder in
      let workers = PlayedWorkers()
      let clock = TestClock()
      try await TestDaemon.with(folder: folder, workers: workers, clock: clock) { daemon in
        _ = try await daemon.client.submit(Self.spec("a", ["timeout": .string("1h")]))
        try await PlayedWorker.with(daemon) { try await $0.start() }
      }
      clock.advance(seconds: 3_601)
      try await TestDaemon.with(folder: folder, workers: workers, clock: clock) { daemon in
        try await eventually { try await daemon.client.job(1).state.isFinal }
        #expect(try await daemon.client.job(1).state == .timedOut)
      }
    }
  }

  @Test func aFailedJobIsRetriedByItselfAndByHand() async throws {
    try await TestDaemon.with { daemon in
      let retries: JSONValue = .object(["max": .int(1), "delay": .string("1h")])
      _ = try await daemon.client.submit(Self.spec("a", ["retries": retries]))
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        try await worker.finish(.failed, failure: Failure(code: "nan_loss", message: "NaN"))
        daemon.workers.exit(worker.attempt)
      }
      let waiting = try await daemon.client.job(1)
      #expect(waiting.state == .queued)
      #expect(waiting.waits?.message.hasSuffix("(retry 1 of 1)") == true)
      _ = try await daemon.client.retry(1, uid: Specs.uid())
      let second = try await daemon.workers.order(2)
      #expect(second.runId == 2)
      try daemon.workers.exit(second.attemptId, leaving: SupervisorTests.record(.failed))
      try await eventually { try await daemon.client.job(1).state == .failed }
      // Sent twice, and still one new job.
      let uid = Specs.uid()
      let again = try await daemon.client.retry(1, uid: uid)
      #expect(again.id == 2)
      #expect(again.retryOf == 1)
      #expect(try await daemon.client.retry(1, uid: uid).id == 2)
    }
  }

  @Test func aWaitingJobIsEditedHeldAndReleased() async throws {
    try await TestDaemon.with(slots: 1) { daemon in
      let client = daemon.client
      _ = try await client.submit(Specs.train("first"), Specs.train("second"))
      _ = try await daemon.workers.order(1)
      let edited = try await client.edit(
        2, JobChange(set: ["epochs": .int(42), "timeout": .string("2h"), "priority": .int(3)]))
      #expect(edited.priority == 3)
      #expect(try await client.run("2").params["epochs"] == "42")
      let without = try await client.edit(2, JobChange(set: ["timeout": .null]))
      #expect(without.spec["timeout"] == nil)
      await client.expectFailure("spec_invalid") {
        _ = try await $0.edit(2, JobChange(set: ["epochs": .string("many")]))
      }
      await client.expectFailure("conflict") {
        _ = try await $0.edit(1, JobChange(set: ["epochs": .int(5)]))
      }
      #expect(try await client.setHeld(2, true, by: "ada").waits?.message == "held by ada")
      #expect(try await client.setHeld(2, false).waits?.message == "waits for a slot")
    }
  }

  @Test func aJobStartsAfterAnother() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Specs.train("first"))
      _ = try await daemon.client.submit(Self.spec("second", ["after": .array([.int(1)])]))
      let first = try await daemon.workers.order(1)
      #expect(try await daemon.client.job(2).waits?.message == "waits for job 1")
      try daemon.workers.exit(first.attemptId, leaving: SupervisorTests.record(.finished))
      #expect(try await daemon.workers.order(2).spec["name"] == .string("second"))
    }
  }
}
