// Alerts of a job's spec: raised once, from points alone, and able to stop the job.

import Client
import Experiments
import Foundation
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(5)))
struct AlertTests {
  private static func spec(_ alerts: [String: JSONValue]...) -> JSONValue {
    Specs.train(extra: ["alerts": .array(alerts.map { .object($0) })])
  }

  @Test func aBoundIsJudgedByPointsInARow() async throws {
    try await TestDaemon.with { daemon in
      let spec = Self.spec(["metric": .string("gauge"), "above": .int(5), "for": .int(3)])
      _ = try await daemon.client.submit(spec)
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        let values: [Double] = [9, 9, 1, 9, 9, .nan, 9, 9, 9, 9, 9, 9]
        for (step, value) in values.enumerated() {
          try await worker.metric("gauge", value, step: Int64(step))
          if step == 7 {
            try await Task.sleep(for: .milliseconds(400))
            #expect(try await daemon.client.raised().isEmpty, "never three in a row so far")
          }
        }
        try await eventually { try await !daemon.client.raised().isEmpty }
        try await worker.finish()
      }
      let event = try #require(try await daemon.client.raised().first)
      #expect(event.jobId == 1 && event.runId == 1)
      #expect(event.data["rule"]?.stringValue == "gauge above 5 for 3 points")
      #expect(event.data["step"]?.intValue == 8 && event.data["metric"]?.stringValue == "gauge")
      #expect(try await daemon.client.raised().count == 1, "once per run")
      #expect(try await daemon.client.job(1).state == .finished, "it only tells")
    }
  }

  @Test func anAlertStopsItsJobAndSaysWhy() async throws {
    try await TestDaemon.with { daemon in
      let spec = Self.spec(
        ["metric": .string("loss"), "below": .number(-1)],
        ["diverged": .bool(true), "action": .string("stop")])
      _ = try await daemon.client.submit(spec)
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        try await worker.epoch(1)
        try await worker.epoch(2, loss: .infinity)
      }
      try await eventually { try await daemon.client.job(1).state.isFinal }
      let job = try await daemon.client.job(1)
      #expect(job.state == .cancelled && job.failure?.code == "stopped_by_alert")
      #expect(job.failure?.message.contains("diverged") == true)
      #expect(try await daemon.client.run("1").failure?.code == "stopped_by_alert")
      let raised = try await daemon.client.raised()
      #expect(raised.count == 1 && raised[0].data["value"]?.stringValue == "Infinity")
    }
  }

  @Test func aJobThatDoesNotGetOnRaisesItsAlert() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Self.spec(["no_progress": .string("10m")]))
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        try await worker.epoch(1)
        try await Task.sleep(for: .milliseconds(900))
        daemon.clock.advance(seconds: 400)
        try await worker.epoch(2)
        try await Task.sleep(for: .milliseconds(900))
        daemon.clock.advance(seconds: 400)
        try await Task.sleep(for: .milliseconds(900))
        #expect(try await daemon.client.raised().isEmpty, "it got on in between")
        try await eventually {
          daemon.clock.advance(seconds: 60)
          return try await daemon.client.raised().count == 1
        }
        try await worker.finish()
      }
    }
  }

  @Test func aRestartForgetsNoAlertAndRaisesNoneTwice() async throws {
    try await TestDaemon.withFolder { folder in
      let workers = PlayedWorkers()
      let clock = TestClock()
      let spec = Self.spec(
        ["metric": .string("gauge"), "above": .int(5)],
        ["metric": .string("gauge"), "above": .int(50), "for": .int(2)])
      try await TestDaemon.with(folder: folder, workers: workers, clock: clock) { daemon in
        _ = try await daemon.client.submit(spec)
        try await PlayedWorker.with(daemon) { worker in
          try await worker.start()
          try await worker.metric("gauge", 60, step: 1)
          try await eventually { try await daemon.client.raised().count == 1 }
        }
      }
      try await TestDaemon.with(folder: folder, workers: workers, clock: clock) { daemon in
        try await PlayedWorker.with(daemon) { worker in
          try await worker.metric("gauge", 60, step: 2)
          try await eventually { try await daemon.client.raised().count == 2 }
          try await worker.finish()
        }
        #expect(
          try await daemon.client.raised().map { $0.data["alert"]?.intValue } == [0, 1])
      }
    }
  }
}

extension AssayClient {
  fileprivate func raised() async throws -> [Event] {
    try await events().items.filter { $0.kind == "alert_raised" }
  }
}
