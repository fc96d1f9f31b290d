// Schedules on the command line, and one that this version cannot understand.
import Client
import Experiments
import Foundation
import GRDB
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ScheduleCommandTests {
  @Test func aScheduleIsAddedShownFiredAndRemoved() async throws {
    try await TestDaemon.with { daemon in
      let spec = try daemon.folder.write("s.json", Specs.synthetic(epochs: 1).canonicalText)
      let added = try await daemon.assay(
        "schedule", "add", "30 2 * * *", spec, "--name", "night", "--time-zone", "Europe/Berlin",
        "--jitter", "10m", "--catch-up", "none", "--overlap", "allow")
      #expect(added.status == 0, "\(added.errors)")
      let lines = added.output.split(separator: "\n")
      #expect(lines.count == 7 && lines[1] == "fires next at", "\(added.output)")
      let shown = try await daemon.assay("schedule", "show", "night").output
      for part in ["30 2 * * * (Europe/Berlin)", "none", "allow", "10 min", "fires next at"] {
        #expect(shown.contains(part), "\(shown)")
      }
      let ran = try await daemon.assay("schedule", "run", "night", "--wait")
      #expect(ran.status == 0, "\(ran.errors)\(ran.output)")
      let history = try await daemon.assay("schedule", "history", "night").output
      #expect(history.contains("fired by hand") && history.contains("finished"), "\(history)")
      #expect(try await daemon.assay("schedule", "rm", "night").status == 0)
    }
  }

  @Test func oneThatCannotBeUnderstoodSaysSoAndDisturbsNoOther() async throws {
    try await TestDaemon.with { daemon in
      let spec = try daemon.folder.write("s.json", Specs.synthetic(epochs: 1).canonicalText)
      for name in ["broken", "sound"] {
        let added = try await daemon.assay("schedule", "add", "30 2 * * *", spec, "--name", name)
        #expect(added.status == 0, "\(added.errors)")
      }
      _ = try await daemon.assayd("stop")
      var waiting = Configuration()
      waiting.busyMode = .timeout(30)  // the daemon writes, too
      let queue = try DatabaseQueue(path: daemon.data + "/assay.db", configuration: waiting)
      try await queue.write { db in
        try db.execute(
          sql:
            "UPDATE schedules SET time_zone = 'Europe/Atlantis', next_at = 1 WHERE name = 'broken'")
      }
      try queue.close()
      try await daemon.start()
      try await eventually("it is told") { try await daemon.client.schedule(1).problem != nil }
      let schedules = try await daemon.client.schedules().items
      #expect(schedules[0].problem?.contains("Europe/Atlantis") == true)
      #expect(schedules[1].problem == nil)
      #expect(try await daemon.assay("schedule", "list").output.contains("Europe/Atlantis"))
      let events = try await daemon.client.events(limit: 1000).items
      #expect(events.count { $0.kind == "schedule_broken" } == 1)
      #expect(try await daemon.assay("schedule", "pause", "broken").status == 0)
      #expect(try await daemon.assay("schedule", "rm", "broken").status == 0)
    }
  }
}
