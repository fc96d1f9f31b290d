// One attempt of a delivery: what a command gets, and that nothing of it is left.

import Experiments
import Foundation
import Glibc
import Hooks
import Testing

@Suite(.serialized, .timeLimit(.minutes(5)))
struct HookCallTests {
  private static let time = Timestamp(microseconds: 1_800_000_000_000_000)

  private static let delivery = Identifier(at: time)

  private func payload(_ data: JSONValue = .object([:])) -> HookPayload {
    HookPayload(
      deliveryId: Self.delivery, hook: "mail",
      event: Event(
        id: 7, time: Self.time, kind: "run_failed", jobId: 3, runId: 4, data: data))
  }

  private func run(
    _ command: String, data: JSONValue = .object([:]), timeout: Duration = .seconds(30)
  ) async -> HookOutcome {
    await HookCommand(
      command: command, timeout: timeout, environment: ["PATH": "/usr/bin:/bin", "A": "b"],
      directory: "/tmp"
    ).run(payload(data))
  }

  @Test func aCommandGetsTheEventTwice() async throws {
    let file = FileManager.default.temporaryDirectory.path + "/hook-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: file) }
    let outcome = await run(
      """
      { cat; echo "$ASSAY_EVENT"; echo "$A $ASSAY_HOOK $ASSAY_EVENT_KIND $ASSAY_EVENT_ID" \
      "$ASSAY_EVENT_JOB $ASSAY_EVENT_RUN $ASSAY_DELIVERY_ID"; pwd; } > \(file)
      """)
    #expect(outcome == HookOutcome(answer: "exit code 0"))
    let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
    let json = String(decoding: try payload().json(), as: UTF8.self)
    #expect(lines.count == 4 && lines[0] == json && lines[1] == json)
    #expect(lines[2].hasPrefix("b mail run_failed 7 3 4 "))
    #expect(lines[3] == "/tmp")
    #expect(json.contains(#""kind":"run_failed""#) && json.contains(#""delivery_id""#))
  }

  @Test func aFailureSaysWhatTheCommandSaid() async {
    let outcome = await run("echo no such door >&2; exit 3")
    #expect(outcome == HookOutcome(answer: "exit code 3", error: "no such door"))
    #expect(await run("kill -9 $$").answer == "signal 9")
    #expect(await run("exit 1").error == "the command failed")
    let long = await run("yes no | head -c 100000; exit 1")
    #expect((1...2_000).contains(long.error?.utf8.count ?? 0))
  }

  @Test func aCommandThatReadsNothingIsNoneTheWorse() async {
    let long = JSONValue.object(["message": .string(String(repeating: "x", count: 300_000))])
    #expect(await run("true", data: long) == HookOutcome(answer: "exit code 0"))
    #expect(
      await run("test $(wc -c) -gt 300000", data: long) == HookOutcome(answer: "exit code 0"))
  }

  @Test func afterItsTimeNothingOfItIsLeft() async throws {
    let mark = "ASSAY_TEST_\(UUID().uuidString.prefix(8))"
    let outcome = await run("\(mark)=1 sleep 1000 & sleep 1000", timeout: .seconds(1))
    #expect(outcome.answer == nil && outcome.error?.contains("killed after 1 second") == true)
    try await Self.nothingIsLeft(of: mark)
  }

  @Test func whatACommandLeavesBehindIsKilled() async throws {
    let mark = "ASSAY_TEST_\(UUID().uuidString.prefix(8))"
    let outcome = await run("\(mark)=1 sleep 1000 > /dev/null & true")
    #expect(outcome.error == nil)
    try await Self.nothingIsLeft(of: mark)
  }

  /// Returns once that is so: a process that was killed needs a moment to go.
  private static func nothingIsLeft(of mark: String) async throws {
    while try !processes(with: mark).isEmpty { try await Task.sleep(for: .milliseconds(5)) }
  }

  /// Whose arguments or environment have the text.
  private static func processes(with text: String) throws -> [Int32] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }.filter {
      pid in
      ["cmdline", "environ"].contains { name in
        guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/\(name)") else {
          return false
        }
        return String(decoding: data, as: UTF8.self).contains(text)
      } && kill(pid, 0) == 0
    }
  }

  /// RFC 4231, test case 2, with the message cut in two.
  @Test func theSignatureIsTheStandards() {
    let signature = HookSignature.text(
      secret: Array("Jefe".utf8), timestamp: "what do ya want",
      body: Array(" for nothing?".utf8))
    #expect(
      signature == "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
  }

  @Test func aSecretMustBeClosedToOthers() throws {
    let file = FileManager.default.temporaryDirectory.path + "/key-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: file) }
    try Data("key\n".utf8).write(to: URL(fileURLWithPath: file))
    chmod(file, 0o644)
    #expect(throws: SecretFileError.self) { try SecretFile.read(file) }
    chmod(file, 0o600)
    #expect(try SecretFile.read(file) == Array("key".utf8))
    #expect(throws: SecretFileError.self) { try SecretFile.read(file + "x") }
  }
}
