// What is written into an attempt's folder is read back the same, and one side gets the claim.

import Experiments
import Foundation
import Glibc
import Jobs
import Testing

@Suite struct AttemptFolderTests {
  static func order(spec: JSONValue = .object([:])) -> AttemptOrder {
    AttemptOrder(
      socketPath: "/run/assay.sock", token: "secret", attemptId: 3, jobId: 2, runId: 1, number: 1,
      spec: spec)
  }

  @Test func `an order comes back as it was, with every key of its spec`() throws {
    try TemporaryFolder.with { parent in
      let folder = AttemptFolder(path: parent + "/3")
      try folder.create()
      let spec: JSONValue = .object([
        "batch_size": .int(32), "learningRate": .number(0.1), "big": .int(.max),
        "dataset": .object(["missing_values": .array([.string("NaN"), .string("Infinity")])]),
      ])
      let order = Self.order(spec: spec)
      try folder.write(order)
      #expect(try folder.readOrder() == order)
      let text = try String(contentsOfFile: folder.orderPath, encoding: .utf8)
      #expect(text.contains("\"protocol_version\":1"))
      #expect(text.contains("\"batch_size\":32"))
      var info = stat()
      #expect(stat(folder.path, &info) == 0 && info.st_mode & 0o777 == 0o700)
      #expect(stat(folder.orderPath, &info) == 0 && info.st_mode & 0o777 == 0o600)
    }
  }

  @Test func `a result comes back as it was, NaN and infinities too`() throws {
    try TemporaryFolder.with { parent in
      let folder = AttemptFolder(path: parent + "/3")
      try folder.create()
      #expect(try folder.readExit() == nil)
      let record = ExitRecord(
        state: .timedOut, exitCode: 3, signal: 9,
        failure: Failure(code: "loss_not_finite", message: "the loss is NaN at step 7"),
        cost: Cost(wallSeconds: .infinity, cpuUserSeconds: .nan, peakRssBytes: 1 << 40),
        endedAt: Timestamp(microseconds: 1_700_000_000_000_001), unsent: true)
      try folder.write(record)
      let found = try #require(try folder.readExit())
      #expect(found.cost.cpuUserSeconds.isNaN)
      #expect(found.cost.wallSeconds == .infinity)
      #expect(found.state == .timedOut && found.exitCode == 3 && found.signal == 9)
      #expect(found.failure == record.failure && found.endedAt == record.endedAt && found.unsent)
      let text = try String(contentsOfFile: folder.exitPath, encoding: .utf8)
      #expect(text.contains("\"state\":\"timed_out\""))
      #expect(text.contains("\"cpu_user_seconds\":\"NaN\""))
      #expect(text.contains("\"peak_rss_bytes\":1099511627776"))
    }
  }

  @Test func `a folder is made once`() throws {
    try TemporaryFolder.with { parent in
      let folder = AttemptFolder(path: parent + "/3")
      try folder.create()
      #expect(throws: JobsError.attemptFolderExists(path: folder.path)) { try folder.create() }
      #expect(throws: JobsError.self) { try AttemptFolder(path: parent + "/a/b").create() }
    }
  }

  @Test func `the claim is the worker's or the daemon's, for good`() throws {
    try TemporaryFolder.with { parent in
      let begun = AttemptFolder(path: parent + "/1")
      try begun.create()
      #expect(try begun.readClaim() == nil)
      #expect(try begun.claim())
      #expect(try !begun.claim())
      #expect(try !begun.revoke())
      #expect(try begun.readClaim() == .claimed)

      let fenced = AttemptFolder(path: parent + "/2")
      try fenced.create()
      #expect(try fenced.revoke())
      #expect(try fenced.revoke())
      #expect(try !fenced.claim())
      #expect(try fenced.readClaim() == .revoked)
    }
  }

  @Test(arguments: ["", "{", "[]", "{\"state\":\"finished\"}", "{\"state\":\"happy\"}"])
  func `a damaged result is told as such`(text: String) throws {
    try TemporaryFolder.with { parent in
      let folder = AttemptFolder(path: parent + "/3")
      try folder.create()
      try DurableFile().replace(folder.exitPath, with: text.utf8)
      let error = #expect(throws: JobsError.self) { try folder.readExit() }
      #expect(error?.code == "file_damaged")
      #expect(error?.message.contains(folder.exitPath) == true)
    }
  }
}
