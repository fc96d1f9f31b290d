// Hooks: what they are for, what they get, and that nothing is forgotten or shown.

import Client
import Experiments
import Foundation
import Hooks
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(5)))
struct HookTests {
  @Test func aCommandRunsForTheEventsItIsFor() async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      let file = daemon.folder + "/told"
      _ = try await client.openRun(OpenRun())
      try await client.endRun("1", EndRun(status: .failed))
      let hook = try await client.addHook(
        HookRequest(
          name: "note", events: ["run_f*", "check_failed"],
          command: #"echo "$ASSAY_EVENT_KIND $ASSAY_EVENT_RUN" >> "# + file))
      #expect(hook.timeoutSeconds == 60 && !hook.isSigned && hook.url == nil)
      _ = try await client.openRun(OpenRun())
      try await client.endRun("2", EndRun(status: .failed))
      _ = try await client.openRun(OpenRun())
      try await client.endRun("3", EndRun(status: .finished))
      try await eventually { try await client.delivered("note") == 2 }
      #expect(
        try String(contentsOfFile: file, encoding: .utf8) == "run_failed 2\nrun_finished 3\n",
        "the first run ended before the hook was there")
      let test = try await client.testHook("note")
      try await eventually { try await client.delivered("note") == 3 }
      let newest = try #require(try await client.deliveries(hook: "note").items.first)
      #expect(newest.id == test.id && newest.eventKind == "hook_test")
      #expect(newest.answer == "exit code 0" && newest.attempts == 1 && newest.endedAt != nil)
      _ = try await client.deleteHook("note")
      #expect(try await client.hooks().items.isEmpty)
      await client.expectFailure("hook_not_found") { _ = try await $0.deliveries(hook: "note") }
    }
  }

  @Test func aCallIsSignedAndTriedAgain() async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      let receiver = try Receiver()
      defer { receiver.close() }
      receiver.answer(500)
      let secret = daemon.folder + "/key"
      try Data("open sesame\n".utf8).write(to: URL(fileURLWithPath: secret))
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: secret)
      let hook = try await client.addHook(
        HookRequest(
          name: "chat", events: ["run_opened"],
          url: "http://me:pass@127.0.0.1:\(receiver.port)/in/token?key=1", secretFile: secret))
      #expect(hook.isSigned && hook.url == "http://127.0.0.1:\(receiver.port)/…")
      _ = try await client.openRun(OpenRun())
      try await eventually { receiver.received.count == 1 }
      try await eventually {
        try await client.deliveries(hook: "chat").items.first?.lastError != nil
      }
      let failed = try #require(try await client.deliveries(hook: "chat").items.first)
      #expect(failed.state == .waiting && failed.answer == "status 500" && failed.attempts == 1)
      #expect(failed.nextAt == daemon.clock.now.adding(seconds: 1))
      receiver.answer(200)
      daemon.clock.advance(seconds: 1)
      try await eventually { try await client.delivered("chat") == 1 }
      let calls = receiver.received
      #expect(calls.count == 2 && calls[0].body == calls[1].body)
      for call in calls {
        let timestamp = try #require(call.headers["x-assay-timestamp"])
        #expect(
          call.headers["x-assay-signature"]
            == HookSignature.text(
              secret: Array("open sesame".utf8), timestamp: timestamp,
              body: Array(call.body.utf8)))
        #expect(call.headers["x-assay-delivery"] == failed.uid.text)
        #expect(call.headers["x-assay-event"] == "run_opened")
        #expect(call.body.contains(#""run_id":1"#))
      }
      #expect(calls[0].headers["x-assay-timestamp"] != calls[1].headers["x-assay-timestamp"])
    }
  }

  @Test func itIsGivenUpInTheEnd() async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      _ = try await client.addHook(
        HookRequest(name: "never", events: ["run_opened"], command: "exit 7"))
      _ = try await client.openRun(OpenRun())
      for attempt in 1...12 {
        try await eventually {
          let delivery = try await client.deliveries(hook: "never").items.first
          return delivery?.attempts == attempt && delivery?.answer != nil
        }
        daemon.clock.advance(seconds: 601)
      }
      try await eventually {
        try await client.deliveries(hook: "never").items.first?.state == .failed
      }
      let given = try #require(try await client.deliveries(hook: "never").items.first)
      #expect(given.attempts == 12 && given.answer == "exit code 7" && given.nextAt == nil)
      #expect(try await client.hooks().items.first?.failed == 1)
    }
  }

  @Test func aRestartForgetsNoEventAndNoDelivery() async throws {
    try await TestDaemon.withFolder { folder in
      let clock = TestClock()
      let file = folder + "/told"
      let gate = folder + "/gate"
      try await TestDaemon.with(folder: folder, clock: clock) { daemon in
        _ = try await daemon.client.addHook(
          HookRequest(
            name: "slow", events: ["run_opened"],
            command: "test -e \(gate) || sleep 1000; echo $ASSAY_EVENT_RUN >> \(file)"))
        for _ in 0..<3 { _ = try await daemon.client.openRun(OpenRun()) }
        try await eventually {
          try await daemon.client.deliveries(hook: "slow").items.contains { $0.attempts == 1 }
        }
      }
      // It was killed with its daemon, in the middle of the first delivery.
      #expect(!FileManager.default.fileExists(atPath: file))
      try Data().write(to: URL(fileURLWithPath: gate))
      clock.advance(seconds: 60)
      try await TestDaemon.with(folder: folder, clock: clock) { daemon in
        try await eventually { try await daemon.client.delivered("slow") == 3 }
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        #expect(lines.sorted() == ["1", "2", "3"])
      }
    }
  }

  @Test func aSlowHookHoldsUpNoOther() async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      _ = try await client.addHook(
        HookRequest(name: "slow", events: ["*"], command: "sleep 1000"))
      _ = try await client.addHook(HookRequest(name: "quick", events: ["run_*"], command: "true"))
      for _ in 0..<5 { _ = try await client.openRun(OpenRun()) }
      try await eventually { try await client.delivered("quick") == 5 }
      #expect(try await client.delivered("slow") == 0)
      // What is removed is dropped.
      _ = try await client.deleteHook("slow")
    }
  }

  @Test(arguments: [
    (HookRequest(name: "a b", events: ["run_failed"], command: "true"), "name"),
    (HookRequest(name: "a", events: ["run_faild"], command: "true"), "events"),
    (HookRequest(name: "a", events: ["walk_*"], command: "true"), "events"),
    (HookRequest(name: "a", events: [], command: "true"), "events"),
    (HookRequest(name: "a", events: ["*"]), "command"),
    (HookRequest(name: "a", events: ["*"], command: "true", url: "http://a"), "command"),
    (HookRequest(name: "a", events: ["*"], command: ""), "command"),
    (HookRequest(name: "a", events: ["*"], url: "ftp://a"), "url"),
    (HookRequest(name: "a", events: ["*"], url: "nothing"), "url"),
    (HookRequest(name: "a", events: ["*"], url: "http://a", secretFile: "key"), "secret_file"),
    (HookRequest(name: "a", events: ["*"], url: "http://a", secretFile: "/no"), "secret_file"),
    (HookRequest(name: "a", events: ["*"], command: "true", timeoutSeconds: 0), "timeout_seconds"),
  ])
  func whatIsWrongIsNamed(_ hook: HookRequest, _ field: String) async throws {
    try await TestDaemon.with { daemon in
      let error = await daemon.client.failure { _ = try await $0.addHook(hook) }
      #expect(error?.code == "invalid_value" && error?.field == field, "\(error as Any)")
    }
  }
}

extension AssayClient {
  fileprivate func delivered(_ hook: String) async throws -> Int {
    try await deliveries(hook: hook).items.count { $0.state == .delivered }
  }
}
