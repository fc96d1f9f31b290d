// Jobs that run a program: its true end, its output, its files, and that nothing of it stays.
import Client
import Experiments
import Foundation
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(3)))
struct CommandJobTests {
  static func spec(_ line: String, _ changes: [String: JSONValue] = [:]) -> JSONValue {
    .object(["kind": .string("command"), "command": .string(line)].merging(changes) { $1 })
  }

  static func log(_ daemon: TestDaemon, _ job: Job) async throws -> String {
    let name = String(try #require(job.runId))
    var text = ""
    var offset: Int64 = 0
    while true {
      let page = try await daemon.client.log(name, offset: offset, limit: 1 << 20)
      text += page.text
      if page.next == offset { return text }
      offset = page.next
    }
  }

  @Test func theTrueEndIsKnown() async throws {
    try await TestDaemon.with { daemon in
      let specs = [
        Self.spec("echo out; echo err >&2"), Self.spec("exit 3"), Self.spec("kill -SEGV $$"),
        .object(["kind": .string("command"), "command": .array([.string("no-such-program")])]),
        .object(["kind": .string("command"), "command": .array([.string("/etc/passwd")])]),
        Self.spec("true", ["directory": .string("/nowhere/at-all")]),
        Self.spec(
          "sleep 30 & sleep 30", ["limits": .object(["memory": .int(1_000)])]),
        Self.spec("while :; do :; done", ["limits": .object(["cpu_time": .int(1)])]),
      ]
      var jobs: [Job] = []
      for job in try await daemon.submit(specs) { jobs.append(try await daemon.end(of: job)) }
      #expect(jobs[0].state == .finished)
      #expect(try await Self.log(daemon, jobs[0]) == "out\nerr\n")
      let codes = [
        "exit_code", "killed_by_signal", "program_not_found", "program_not_executable",
        "directory_missing", "memory_limit_exceeded", "cpu_time_exceeded",
      ]
      for (job, code) in zip(jobs.dropFirst(), codes) {
        #expect(job.state == .failed)
        #expect(job.failure?.code == code)
      }
      let attempts = try await daemon.client.detail(String(try #require(jobs[1].runId))).attempts
      #expect(attempts.first?.exitCode == 3)
      #expect(jobs[5].failure?.message.contains("/nowhere/at-all") == true)
    }
  }

  @Test func environmentAndFolderAreTheJobsOwn() async throws {
    try await TestDaemon.with { daemon in
      try daemon.folder.write("here", "")
      let result = try await daemon.assay(
        [
          "submit", "--follow", "--env", "OWN=a b", "--secret-env", "HIDDEN=s3cret", "--", "sh",
          "-c", "ls here; echo \"$OWN ${#HIDDEN} $ASSAY_DATA.\"; wc -c; exit 7",
        ], directory: daemon.folder.path)
      #expect(result.status == 7, "\(result.errors)")
      #expect(result.output == "here\na b 6 .\n0\nassay: the program ended with exit code 7\n")
      let secrets = daemon.data + "/secrets"
      try await eventually("the secret is gone") {
        try FileManager.default.contentsOfDirectory(atPath: secrets).isEmpty
      }
      let shown = try await daemon.assay("show", "@latest", "--json")
      #expect(shown.output.contains("HIDDEN") && !shown.output.contains("s3cret"))
    }
  }

  @Test func muchOutputIsBoundedWithItsEnd() async throws {
    try await TestDaemon.with { daemon in
      let job = try await daemon.submit(
        Self.spec("echo first; head -c 300000000 /dev/zero | tr '\\0' x; echo; echo last"))
      let ended = try await daemon.end(of: job)
      #expect(ended.state == .finished)
      let text = try await Self.log(daemon, ended)
      #expect(text.utf8.count <= Int(Limits.logBytesPerAttempt))
      #expect(text.hasPrefix("first\n"))
      #expect(text.hasSuffix("\nlast\n"))
      #expect(text.contains("bytes of the output are left out here"))
    }
  }

  @Test func aCancelledJobLeavesNobody() async throws {
    try await TestDaemon.with { daemon in
      let mark = "\(UInt64.random(in: 1_000_000_000..<9_000_000_000))"
      // Ignores TERM, leaves the session and the tree, closes its descriptors.
      let line = """
        trap '' TERM
        for i in 1 2 3 4 5; do setsid sh -c "trap '' TERM; exec >&- 2>&-; (sleep \(mark) &); \
        sleep \(mark)" & done
        echo ready
        while :; do sleep \(mark); done
        """
      let job = try await daemon.submit(Self.spec(line))
      try await eventually("it runs") { try await Self.log(daemon, job) == "ready\n" }
      try await eventually("all are there") { Self.processes(mark).count >= 10 }
      _ = try await daemon.client.cancel(job.id)
      #expect(try await daemon.end(of: job).state == .cancelled)
      #expect(Self.processes(mark).isEmpty)
    }
  }

  @Test func whatOutlivesItsProgramIsEnded() async throws {
    try await TestDaemon.with { daemon in
      let mark = "\(UInt64.random(in: 1_000_000_000..<9_000_000_000))"
      let job = try await daemon.submit(
        Self.spec("setsid sh -c \"trap '' TERM; sleep \(mark); :\" & echo done"))
      #expect(try await daemon.end(of: job).state == .finished)
      #expect(Self.processes(mark).isEmpty)
    }
  }

  static func processes(_ mark: String) -> [pid_t] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { pid_t($0) }.filter { pid in
      let data = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
      return String(decoding: data, as: UTF8.self).contains(mark) && pid != getpid()
    }
  }

  @Test func aKilledDaemonLosesNothing() async throws {
    try await TestDaemon.with { daemon in
      let line = """
        i=0; while [ $i -lt 300 ]; do echo "{\\"step\\": $i, \\"loss\\": $i.5}"; i=$((i + 1)); \
        sleep 0.01; done; exit 4
        """
      let job = try await daemon.submit(Self.spec(line, ["parse": .string("jsonl")]))
      for wait in [300, 700, 900] {
        try await Task.sleep(for: .milliseconds(wait))
        try await daemon.kill()
        try await Task.sleep(for: .milliseconds(300))
        try await daemon.start()
      }
      let ended = try await daemon.end(of: job)
      #expect(ended.failure?.code == "exit_code")
      #expect(ended.attempts == 1)
      let history = try await daemon.client.history(String(try #require(job.runId)), key: "loss")
      #expect(history.steps == (0..<300).map { Int64($0) })
      #expect(history.values == (0..<300).map { Double($0) + 0.5 })
      let lines = try await Self.log(daemon, ended).split(separator: "\n")
      #expect(lines.count == 301)
    }
  }

  @Test func anEndWhileTheDaemonIsAwayIsTakenOver() async throws {
    try await TestDaemon.with { daemon in
      let line = "echo '{\"a\": 1}'; sleep 1; echo '{\"a\": NaN}'; echo kept > file; exit 5"
      let job = try await daemon.submit(
        Self.spec(line, ["parse": .string("jsonl"), "keep": .string("file")]))
      try await eventually("it runs") { try await !Self.log(daemon, job).isEmpty }
      try await daemon.kill()
      try await eventually("the runner has ended", within: .seconds(60)) {
        daemon.workers().isEmpty
      }
      try await daemon.start()
      let ended = try await daemon.end(of: job)
      #expect(ended.failure?.message == "the program ended with exit code 5")
      let run = String(try #require(job.runId))
      let history = try await daemon.client.history(run, key: "a")
      #expect(history.steps == [0, 1])
      #expect(history.values.last?.isNaN == true)
      #expect(try await daemon.client.artifact(run, path: "file") == Array("kept\n".utf8))
    }
  }

  @Test func filesAreKeptAndPathsDoNotEscape() async throws {
    try await TestDaemon.with { daemon in
      let line = """
        mkdir -p out/deep; echo 1 > out/a.csv; echo 2 > out/deep/b; ln -s /etc/passwd out/leak; \
        ln -s . out/loop
        """
      let job = try await daemon.submit(
        Self.spec(line, ["keep": .array([.string("out"), .string("missing")])]))
      let ended = try await daemon.end(of: job)
      #expect(ended.state == .finished)
      let items = try await daemon.client.artifacts(String(try #require(job.runId))).items
      #expect(
        items.map(\.path).filter { !$0.hasPrefix("assay/") }.sorted() == [
          "out/a.csv", "out/deep/b",
        ])
      #expect(items.first { $0.path == "out/a.csv" }?.mediaType == "text/csv")
      #expect(try await Self.log(daemon, ended).contains("missing is not there"))
    }
  }

  @Test func theTreeIsMeasured() async throws {
    try await TestDaemon.with { daemon in
      let job = try await daemon.submit(
        Self.spec("(i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done) & wait; sleep 0.5"))
      _ = try await daemon.end(of: job)
      let run = try await daemon.run(of: job)
      #expect(run.metrics["system.rss"]?.max ?? 0 > 100_000)
      #expect(run.metrics["system.cpu"] != nil)
      #expect(run.cost?.cpuUserSeconds ?? 0 > 0.01)
      #expect(run.cost?.wallSeconds ?? 0 > 0.5)
    }
  }
}
