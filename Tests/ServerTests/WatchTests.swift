// A watched run: every point once, whatever happens to the connection, and the state to its end.

import Client
import Experiments
import Foundation
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(5)))
struct WatchTests {
  /// What a client that keeps all it gets would know of the run.
  final class Seen: Sendable {
    struct Known {
      var series: [String: [Int64: Double]] = [:]
      /// Points that came twice without their series beginning anew.
      var doubled = 0
      var end: RunState?
    }

    let known = Locked(Known())

    func watch(_ client: AssayClient, _ run: Int64, metrics: [String] = [], points: Int? = nil)
      async throws
    {
      for try await event in client.watchRun("\(run)", metrics: metrics, points: points) {
        known.change { known in
          switch event {
          case .points(let event):
            for series in event.series {
              if series.restarts { known.series[series.key] = [:] }
              for (step, value) in zip(series.steps, series.values) {
                if known.series[series.key]?.updateValue(value, forKey: step) != nil {
                  known.doubled += 1
                }
              }
            }
          case .state: break
          case .end(let state): known.end = state
          }
        }
      }
    }

    func steps(_ key: String) -> [Int64] { known.value.series[key]?.keys.sorted() ?? [] }
  }

  @Test func everyPointComesOnceAlsoAcrossARestart() async throws {
    try await TestDaemon.withFolder { folder in
      let clock = TestClock()
      let client = AssayClient(socketPath: folder + "/s/assay.sock")
      let seen = Seen()
      var run: Int64 = 0
      var watching: Task<Void, any Error>?
      try await TestDaemon.with(folder: folder, clock: clock) { daemon in
        run = try await daemon.client.openRun(OpenRun()).id
        try await daemon.client.write(run, ["loss": 0..<100, "acc": 0..<10])
        watching = Task { [run] in try await seen.watch(client, run) }
        try await eventually { seen.steps("loss").count == 100 }
        try await daemon.client.write(run, ["loss": 100..<8_000])
        try await eventually { seen.steps("loss").count == 8_000 }
      }
      try await TestDaemon.with(folder: folder, clock: clock) { daemon in
        try await daemon.client.write(run, ["loss": 8_000..<8_010, "acc": 10..<20, "new": 0..<3])
        try await eventually { seen.steps("acc").count == 20 }
        try await daemon.client.endRun("\(run)", EndRun(status: .finished))
        try await watching?.value
      }
      #expect(seen.steps("loss") == Array(0..<8_010))
      #expect(seen.steps("acc") == Array(0..<20) && seen.steps("new") == [0, 1, 2])
      #expect(seen.known.value.doubled == 0)
      #expect(seen.known.value.end?.status == .finished)
      await client.shutdown()
    }
  }

  @Test func pointsThatComeLateAreNotMissed() async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      let run = try await client.openRun(OpenRun()).id
      let seen = Seen()
      let watching = Task { try await seen.watch(client, run) }
      try await client.write(run, ["loss": 100..<200])
      try await eventually { seen.steps("loss").count == 100 }
      try await client.write(run, ["loss": 0..<50])
      try await eventually { seen.steps("loss").count == 150 }
      try await client.endRun("\(run)", EndRun(status: .failed))
      try await watching.value
      #expect(seen.known.value.end?.status == .failed)
    }
  }

  @Test func aLongPastIsThinnedOutAndTheRestIsNot() async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      let run = try await client.openRun(OpenRun()).id
      try await client.write(run, ["loss": 0..<5_000, "acc": 0..<5_000])
      let seen = Seen()
      let watching = Task {
        try await seen.watch(client, run, metrics: ["loss"], points: 100)
      }
      try await eventually { !seen.steps("loss").isEmpty }
      #expect(seen.steps("loss").count <= 100)
      #expect(seen.steps("loss").last == 4_999)
      try await client.write(run, ["loss": 5_000..<5_500])
      try await eventually { seen.steps("loss").filter { $0 >= 5_000 }.count == 500 }
      try await client.endRun("\(run)", EndRun(status: .finished))
      try await watching.value
      #expect(seen.steps("acc").isEmpty, "it was not asked for")
    }
  }

  @Test func aWrongPlaceIsRefused() async throws {
    try await TestDaemon.with { daemon in
      await daemon.client.expectFailure("run_not_found") { for try await _ in $0.watchRun("9") {} }
    }
  }

  @Test func topSaysWhatRunsAndWhatWaits() async throws {
    try await TestDaemon.with(slots: 1) { daemon in
      _ = try await daemon.client.submit(Specs.train("a"), Specs.train("b"), Specs.train("c"))
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        let top = try await daemon.client.top()
        #expect(top.slots == 1 && top.slotsInUse == 1 && top.host.cores > 0)
        #expect(top.running.map(\.job.name) == ["a"] && top.running[0].job.state == .running)
        #expect(top.waiting.map(\.name) == ["b", "c"])
        #expect(top.jobsByState == ["queued": 2, "running": 1])
        #expect(try await daemon.client.top(waiting: 1).waiting.map(\.name) == ["b"])
      }
    }
  }

  @Test func logsAndEventsAreFollowedAcrossARestart() async throws {
    try await TestDaemon.withFolder { folder in
      let workers = PlayedWorkers()
      let client = AssayClient(socketPath: folder + "/s/assay.sock")
      let text = Locked("")
      let ids = Locked<[Int64]>([])
      var log: Task<Void, any Error>?
      var events: Task<Void, any Error>?
      try await TestDaemon.with(folder: folder, workers: workers) { daemon in
        _ = try await daemon.client.submit(Specs.train())
        log = Task {
          for try await event in client.followLog("1") { text.change { $0 += event.text } }
        }
        events = Task {
          for try await event in client.followEvents() {
            ids.change { $0.append(event.id) }
            if event.kind == "run_finished" { return }
          }
        }
        try await PlayedWorker.with(daemon) { worker in
          try await worker.start()
          _ = try await worker.client.sendLog(worker.attempt, offset: 0, Array("one\n".utf8))
        }
        try await eventually { text.value == "one\n" && !ids.value.isEmpty }
      }
      try await TestDaemon.with(folder: folder, workers: workers) { daemon in
        try await PlayedWorker.with(daemon) { worker in
          _ = try await worker.client.sendLog(worker.attempt, offset: 4, Array("two\n".utf8))
          try await worker.finish()
        }
        try await log?.value
        try await events?.value
        #expect(text.value == "one\ntwo\n")
        let all = try await daemon.client.events().items.map(\.id)
        #expect(ids.value == Array(all.prefix(ids.value.count)))
      }
      await client.shutdown()
    }
  }

  @Test func eventsComeAsAStreamWhereOneIsAskedFor() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.openRun(OpenRun())
      let connection = try RawConnection(daemon.socketPath)
      let head = "GET /api/v1/events HTTP/1.1\r\nHost: assay\r\nAccept: text/event-stream\r\n\r\n"
      let text = try await connection.exchange(Array(head.utf8)) { $0.contains("run_opened") }
      #expect(text.contains("text/event-stream") && text.contains("id: 1\n"))
    }
  }
}

extension AssayClient {
  func write(_ run: Int64, _ steps: [String: Range<Int64>]) async throws {
    try await appendMetrics(
      run: "\(run)",
      PointsBody(
        steps.sorted { $0.key < $1.key }.map { key, range in
          PointSeries(
            key: key, steps: Array(range), times: range.map { 1_800_000_000_000_000 + $0 },
            values: range.map { Double($0) / 2 })
        }))
  }
}
