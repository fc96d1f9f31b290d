// What a job's program records by `assay log` and by HTTP, and how far its token reaches.
import Client
import Experiments
import Foundation
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct LogCommandTests {
  @Test func aShellRecordsIntoItsRun() async throws {
    try await TestDaemon.with { daemon in
      let other = try await daemon.client.openRun(OpenRun(name: "other"))
      try daemon.folder.write(
        "metrics.jsonl", "{\"step\": 1, \"acc\": 0.5}\nnoise\n{\"step\": 2, \"acc\": 0.75}\n")
      let line = """
        set -e
        export PATH=\(Programs.folder):$PATH
        assay log metric loss 0.5 --step 10 --epoch 1
        assay log metric loss 0.25
        assay log param lr 0.1
        assay log tag stage warm
        assay log file metrics.jsonl
        assay log artifact metrics.jsonl --path kept/m.jsonl
        curl -fsS --unix-socket "$ASSAY_SOCKET" -H "Authorization: Bearer $ASSAY_TOKEN" \
          -d '{"points": [{"key": "curl", "step": 1, "value": 2}]}' \
          "http://assay/api/v1/runs/$ASSAY_RUN_ID/metrics"
        for path in "/runs/\(other.id)/metrics" /jobs; do
          curl -sS --unix-socket "$ASSAY_SOCKET" -H "Authorization: Bearer $ASSAY_TOKEN" \
            -d '{"points": [{"key": "x", "step": 1, "value": 2}]}' "http://assay/api/v1$path"
          echo
        done
        curl -sS --unix-socket "$ASSAY_SOCKET" -H "Authorization: Bearer $ASSAY_TOKEN" \
          -d '{"name": "below"}' http://assay/api/v1/runs
        """
      let job = try await daemon.end(
        of: try await daemon.submit(CommandJobTests.spec(line)))
      let log = try await CommandJobTests.log(daemon, job)
      #expect(job.state == .finished, "\(log)")
      let run = try await daemon.run(of: job)
      #expect(run.metrics["loss"]?.last == 0.25)
      #expect(run.metrics["loss"]?.lastStep == 11)
      #expect(run.metrics["acc"]?.count == 2)
      #expect(run.metrics["curl"]?.last == 2)
      #expect(run.params["lr"] == "0.1")
      #expect(run.tags["stage"] == "warm")
      let artifacts = try await daemon.client.artifacts(String(run.id)).items
      #expect(artifacts.map(\.path) == ["kept/m.jsonl"])
      #expect(log.split(separator: "\n").count { $0.contains("token_restricted") } == 2, "\(log)")
      #expect(try await daemon.client.run(String(other.id)).metrics.isEmpty)
      let detail = try await daemon.client.detail(String(run.id))
      #expect(detail.children.count == 1)
    }
  }

  @Test func aTokenIsGoodWhileItsAttemptRuns() async throws {
    try await TestDaemon.with { daemon in
      let job = try await daemon.submit(CommandJobTests.spec("echo \"$ASSAY_TOKEN\""))
      let ended = try await daemon.end(of: job)
      let token = try await CommandJobTests.log(daemon, ended)
        .trimmingCharacters(in: .whitespacesAndNewlines)
      let client = AssayClient(socketPath: daemon.socket, token: token)
      await #expect(throws: ClientError.self) {
        try await client.addParams(run: String(try #require(job.runId)), ["a": .int(1)])
      }
      await client.shutdown()
    }
  }
}
