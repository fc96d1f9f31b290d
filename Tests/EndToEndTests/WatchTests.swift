// Watching over a daemon that is killed and started again: nothing is missed and nothing comes twice.
import Client
import Experiments
import Foundation
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct WatchTests {
  @Test func nothingIsMissedWhenTheDaemonIsKilled() async throws {
    try await TestDaemon.with { daemon in
      let run = try await daemon.client.openRun(OpenRun(name: "watched")).id
      async let watched = daemon.assay("watch", "\(run)", "--json")
      async let told = daemon.assay("watch", "\(run)")
      var next: Int64 = 0
      func write(_ count: Int64) async throws {
        let steps = Array(next..<(next + count))
        next += count
        try await daemon.client.appendMetrics(
          run: "\(run)",
          PointsBody([
            PointSeries(
              key: "loss", steps: steps, times: steps.map { 1_800_000_000_000_000 + $0 },
              values: steps.map { Double($0) })
          ]))
      }
      for _ in 0..<3 {
        for _ in 0..<5 {
          try await write(100)
          try await Task.sleep(for: .milliseconds(60))
        }
        try await daemon.kill()
        try await daemon.start()
      }
      try await write(7)
      try await daemon.client.endRun("\(run)", EndRun(status: .finished))

      let result = try await watched
      #expect(result.status == 0, "\(result.errors)")
      var steps: [Int64] = []
      var ends = 0
      for line in result.output.split(separator: "\n") {
        let value = try JSONDecoder().decode(JSONValue.self, from: Data(line.utf8))
        for series in value["points"]?["series"]?.arrayValue ?? [] {
          if series["restarts"]?.boolValue == true { steps = [] }
          steps += (series["steps"]?.arrayValue ?? []).compactMap { $0.intValue.map { Int64($0) } }
        }
        if value["end"]?["status"]?.stringValue == "finished" { ends += 1 }
      }
      #expect(steps == Array(0..<next))
      #expect(ends == 1)

      let text = try await told
      #expect(text.status == 0)
      let lines = text.output.split(separator: "\n")
      #expect(
        lines.contains { $0 == "step \(next - 1)  loss \(next - 1).0" || $0.hasPrefix("step") })
      #expect(lines.last?.hasPrefix("run \(run)  watched  finished") == true)
    }
  }

  @Test func aHookRunsAndTopAndAlertsAreShown() async throws {
    try await TestDaemon.with { daemon in
      let file = daemon.folder.file("told")
      let added = try await daemon.assay(
        "hook", "add", "note", "--on", "alert_raised,run_cancelled", "--run",
        "echo $ASSAY_EVENT_KIND >> \(file)")
      #expect(added.status == 0, "\(added.errors)")
      let tested = try await daemon.assay("hook", "test", "note")
      #expect(tested.status == 0 && tested.output == "delivered (exit code 0)\n")
      let wrong = try await daemon.assay("hook", "add", "x", "--on", "run_faild", "--run", "true")
      #expect(wrong.status == 2 && wrong.errors.contains("did you mean run_failed?"))

      let alert: JSONValue = .object([
        "metric": .string("loss"), "above": .int(-1), "action": .string("stop"),
      ])
      let spec = Specs.synthetic(
        rows: 50_000, epochs: 100_000, changes: ["alerts": .array([alert])])
      let job = try await daemon.submit(spec)
      try await eventually("the job runs") {
        try await daemon.client.job(job.id).state != .queued
      }
      let top = try await daemon.assay("top", "--once")
      #expect(top.status == 0 && top.output.hasPrefix("slots "))
      let ended = try await daemon.end(of: job)
      #expect(ended.state == .cancelled && ended.failure?.code == "stopped_by_alert")
      try await eventually("the hook has run") {
        (try? daemon.folder.read("told")).map { $0.contains("run_cancelled") } ?? false
      }
      #expect(try daemon.folder.read("told") == "hook_test\nalert_raised\nrun_cancelled\n")
      let history = try await daemon.assay("hook", "history", "note")
      #expect(history.output.contains("alert_raised") && history.output.contains("delivered"))
      let list = try await daemon.assay("hook", "list")
      #expect(list.output.contains("note") && list.status == 0)
    }
  }
}
