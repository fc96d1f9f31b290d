// Policies of jobs through the front door: the command line, the daemon and real workers.
import Client
import Experiments
import Foundation
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(3)))
struct JobPolicyTests {
  /// A training that goes on until somebody ends it.
  private static func endless(_ changes: [String: JSONValue]) -> JSONValue {
    var changes = changes
    changes["checkpoints"] = .object(["every": .int(100_000)])
    return Specs.synthetic(rows: 200, epochs: 1_000_000, changes: changes)
  }

  @Test func aTimeoutHoldsOverACrashOfTheDaemonAndLeavesNoProcess() async throws {
    try await TestDaemon.with { daemon in
      let job = try await daemon.submit(Self.endless(["timeout": .string("3s")]))
      try await eventually("it runs") { try await daemon.client.job(job.id).state == .running }
      try await daemon.kill()
      try await daemon.start()
      let ended = try await daemon.end(of: job)
      #expect(ended.state == .timedOut)
      #expect(ended.failure?.code == "timeout")
      try await eventually("no worker is left") { daemon.workers().isEmpty }
      // What it had recorded is there.
      #expect(try await daemon.run(of: job).status == .timedOut)
    }
  }

  @Test func aRetryIsARunOfItsOwn() async throws {
    try await TestDaemon.with { daemon in
      let job = try await daemon.submit(
        Self.endless([
          "timeout": .string("1s"),
          "retries": .object(["max": .int(1), "delay": .string("100ms")]),
        ]))
      let ended = try await daemon.end(of: job)
      #expect(ended.state == .timedOut)
      #expect(ended.retries == 1)
      #expect(ended.attempts == 2)
      #expect(ended.runId != job.runId)
    }
  }

  @Test func jobsAreHeldMovedChangedAndTriedAgain() async throws {
    try await TestDaemon.with { daemon in
      let folder = try TemporaryFolder()
      defer { folder.remove() }
      let path = folder.file("spec.json")
      try JSONEncoder().encode(Specs.synthetic(rows: 200, epochs: 1))
        .write(to: URL(filePath: path))
      func assay(_ arguments: String...) async throws -> String {
        let result = try await daemon.assay(arguments)
        #expect(result.status == 0, "\(result.errors)")
        return result.output
      }
      let refused = try await daemon.assay("submit", path, "--queue", "night")
      #expect(refused.status == 2)
      #expect(refused.errors.contains("assay queue set night"))
      #expect(try await assay("queue", "set", "night", "--slots", "1").contains("has 1 slot"))
      _ = try await assay("queue", "pause", "night")
      _ = try await assay(
        "submit", path, "--hold", "--queue", "night", "--timeout", "1h", "--retries", "2")
      #expect(try await assay("jobs").contains("held by "))
      _ = try await assay("edit", "1", "--set", "epochs=2", "--priority", "4")
      _ = try await assay("release", "1")
      #expect(try await assay("jobs").contains("queue night is paused"))
      _ = try await assay("submit", path, "--after", "1")
      #expect(try await assay("jobs").contains("waits for job 1"))
      _ = try await assay("queue", "resume", "night")
      let first = try await daemon.end(of: daemon.client.job(1))
      #expect(first.state == .finished)
      #expect(first.priority == 4)
      #expect(try await daemon.client.run("1").metrics["loss"]?.count == 2)
      #expect(try await daemon.end(of: daemon.client.job(2)).state == .finished)
      #expect(try await assay("retry", "1").contains("again job 1"))
      #expect(try await daemon.end(of: daemon.client.job(3)).state == .finished)
      #expect(try await assay("queue", "list", "--json").contains("\"night\""))
    }
  }
}
