// Runs that live by a lease: what keeps them, what loses them, what brings them back.

import Client
import Experiments
import Foundation
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(5)))
struct LeaseTests {
  @Test func aSilentRunIsLostWithItsLastWriteAsItsEnd() async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      let run = try await client.openRun(OpenRun(name: "notebook", leaseSeconds: 60))
      let other = try await client.openRun(OpenRun(name: "imported"))
      daemon.clock.advance(seconds: 50)
      try await client.point(run.id, 1)
      let lastWrite = daemon.clock.now
      // Without the write it would have been too long.
      daemon.clock.advance(seconds: 50)
      try await client.awake(for: .seconds(2))
      #expect(try await client.run("\(run.id)").status == .running)
      daemon.clock.advance(seconds: 11)
      try await eventually { try await client.run("\(run.id)").status == .lost }
      let lost = try await client.run("\(run.id)")
      #expect(lost.endedAt == lastWrite && lost.failure?.code == "lease_lapsed")
      #expect(try await client.run("\(other.id)").status == .running, "it has no lease")
      #expect(try await client.detail("\(run.id)").lease?.expiresAt == nil)
      #expect(try await client.kinds(of: run.id) == ["run_opened", "run_lost"])
    }
  }

  @Test(arguments: ["point", "param", "tag", "renew", "open"])
  func aLateWriteBringsItBack(_ way: String) async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      let uid = Specs.uid()
      let opening = OpenRun(uid: uid, leaseSeconds: 30)
      let run = try await client.openRun(opening).id
      daemon.clock.advance(seconds: 31)
      try await eventually { try await client.run("\(run)").status == .lost }
      daemon.clock.advance(seconds: 1_000)
      switch way {
      case "point": try await client.point(run, 1)
      case "param": try await client.addParams(run: "\(run)", ["a": .int(1)])
      case "tag": _ = try await client.changeRun("\(run)", RunChange(tags: ["a": "b"]))
      case "renew": try await client.renewRun("\(run)")
      default: _ = try await client.openRun(opening)
      }
      let back = try await client.run("\(run)")
      #expect(back.status == .running && back.endedAt == nil && back.failure == nil)
      #expect(try await client.kinds(of: run).contains("run_revived"))
      let lease = try #require(try await client.detail("\(run)").lease)
      #expect(lease.lastWriteAt == daemon.clock.now)
      #expect(lease.expiresAt == daemon.clock.now.adding(seconds: 30))
      // It lapses once more.
      daemon.clock.advance(seconds: 31)
      try await eventually { try await client.run("\(run)").status == .lost }
    }
  }

  @Test func aLateEndIsTaken() async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      let run = "\(try await client.openRun(OpenRun(leaseSeconds: 5)).id)"
      daemon.clock.advance(seconds: 6)
      try await eventually { try await client.run(run).status == .lost }
      let ended = try await client.endRun(run, EndRun(status: .finished))
      #expect(ended.status == .finished && ended.endedAt == daemon.clock.now)
      #expect(ended.failure == nil)
      #expect(try await client.detail(run).lease == nil)
      await client.expectFailure("conflict") { try await $0.renewRun(run) }
      // What is over stays over, whatever is written then.
      try await client.addParams(run: run, ["late": .int(1)])
      #expect(try await client.run(run).status == .finished)
    }
  }

  @Test func timeInWhichNobodyCouldHearItDoesNotCount() async throws {
    try await TestDaemon.withFolder { folder in
      let clock = TestClock()
      var run: Int64 = 0
      try await TestDaemon.with(folder: folder, clock: clock) { daemon in
        run = try await daemon.client.openRun(OpenRun(leaseSeconds: 60)).id
      }
      clock.advance(seconds: 10_000)
      try await TestDaemon.with(folder: folder, clock: clock) { daemon in
        let client = daemon.client
        clock.advance(seconds: 59)
        try await client.awake(for: .seconds(2))
        #expect(try await client.run("\(run)").status == .running)
        clock.advance(seconds: 2)
        try await eventually { try await client.run("\(run)").status == .lost }
      }
    }
  }

  @Test func leasesHaveLimits() async throws {
    try await TestDaemon.with { daemon in
      for seconds in [4, 0, -1, 604_801] {
        await daemon.client.expectFailure("invalid_value") {
          _ = try await $0.openRun(OpenRun(leaseSeconds: seconds))
        }
      }
      let run = "\(try await daemon.client.openRun(OpenRun()).id)"
      await daemon.client.expectFailure("conflict") { try await $0.renewRun(run) }
      await daemon.client.expectFailure("run_not_found") { try await $0.renewRun("99") }
    }
  }
}

extension AssayClient {
  fileprivate func point(_ run: Int64, _ step: Int64) async throws {
    try await appendMetrics(
      run: "\(run)",
      PointsBody([PointSeries(key: "loss", steps: [step], times: [step], values: [1])]))
  }

  fileprivate func kinds(of run: Int64) async throws -> [String] {
    try await events().items.filter { $0.runId == run }.map(\.kind)
  }

  /// Gives the daemon time to do what it must not do.
  fileprivate func awake(for time: Duration) async throws { try await Task.sleep(for: time) }
}
