import Experiments
import Foundation
import Testing
import Wire

/// What the commands print of known answers, for people and as JSON, and their exit codes.
@Suite struct CLIOutputTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var arguments: [String]
    var status: Int32 = 0
    var changes: [String: String] = [:]

    var testDescription: String { name }
  }

  static let cases: [Case] = [
    Case(name: "submit", arguments: ["submit", "spec.yaml"]),
    Case(name: "submit-follow", arguments: ["submit", "spec.yaml", "--follow"]),
    Case(name: "submit-wait", arguments: ["submit", "spec.yaml", "--wait"]),
    Case(
      name: "submit-follow-failing", arguments: ["submit", "spec.yaml", "--follow"], status: 1,
      changes: ["POST /jobs": "submitted-failing.json"]),
    Case(
      name: "submit-wait-failing", arguments: ["submit", "spec.yaml", "--wait"], status: 1,
      changes: ["POST /jobs": "submitted-failing.json"]),
    Case(name: "jobs", arguments: ["jobs"]),
    Case(name: "cancel", arguments: ["cancel", "9"]),
    Case(name: "logs", arguments: ["logs", "1"]),
    Case(name: "runs", arguments: ["runs", "--limit", "3"]),
    Case(
      name: "runs-query",
      arguments: [
        "runs", "--limit", "3", "--where", "params.optimizer.type = 'metrics.x'", "--order-by",
        "-metrics.val_f1",
      ]),
    Case(name: "show", arguments: ["show", "1"]),
    Case(name: "metrics", arguments: ["metrics", "1"]),
    Case(name: "metrics-key", arguments: ["metrics", "1", "val_loss"]),
    Case(name: "compare-runs", arguments: ["compare", "1", "7"]),
    Case(
      name: "compare-runs-metrics",
      arguments: ["compare", "1", "7", "--metrics", "val_loss,test_f1"]),
    Case(name: "compare-sides", arguments: ["compare", "@nightly", "7"]),
    Case(name: "check-worse", arguments: ["check", "@nightly"], status: 1),
    Case(
      name: "check-fine", arguments: ["check", "nightly", "8-10"],
      changes: ["POST /checks": "check-fine.json"]),
    Case(
      name: "check-scarce", arguments: ["check", "@nightly", "7"], status: 3,
      changes: ["POST /checks": "check-scarce.json"]),
    Case(name: "checks", arguments: ["checks"]),
    Case(name: "check-worse", arguments: ["checks", "3"]),
    Case(name: "baseline-set", arguments: ["baseline", "set", "nightly", "2-6"]),
    Case(name: "baseline-list", arguments: ["baseline", "list"]),
    Case(name: "baseline-rm", arguments: ["baseline", "rm", "@nightly"]),
    Case(name: "checkpoint-list", arguments: ["checkpoint", "list", "1"]),
    Case(name: "checkpoint-verify", arguments: ["checkpoint", "verify", "1"], status: 1),
    Case(name: "artifact-list", arguments: ["artifact", "list", "1"]),
    Case(name: "tag", arguments: ["tag", "1", "purpose=demo"]),
    Case(name: "rename", arguments: ["rename", "1", "reference"]),
    Case(name: "rm", arguments: ["rm", "1", "7"]),
    Case(
      name: "rm-undo", arguments: ["rm", "--undo", "1"],
      changes: ["GET /runs/1": "run-1-deleted.json"]),
    Case(
      name: "rm-undo", arguments: ["rm", "--undo", "1-9"],
      changes: ["GET /runs/1": "run-1-deleted.json"]),
    Case(name: "schedule-add", arguments: ["schedule", "add", "0 2 * * *", "spec.yaml"]),
    Case(name: "schedule-list", arguments: ["schedule", "list"]),
    Case(name: "schedule-show", arguments: ["schedule", "show", "1"]),
    Case(name: "schedule-history", arguments: ["schedule", "history", "1"]),
    Case(name: "schedule-run", arguments: ["schedule", "run", "1"]),
    Case(name: "status", arguments: ["status"]),
    Case(name: "version", arguments: ["version"]),
    Case(name: "events", arguments: ["events"]),
  ]

  @Test(arguments: cases) func textIsAsWritten(_ test: Case) async throws {
    let result = try await Self.run(test.arguments, changes: test.changes)
    #expect(result.status == test.status, "\(result.errors)")
    #expect(result.errors.isEmpty)
    #expect(!result.output.contains("\u{1B}"), "no colour and no cursor in a pipe")
    let text = result.output.replacing(/\d+ days ago/, with: "N days ago")
    #expect(try text == Golden.expected("output/\(test.name)", text))
  }

  @Test(arguments: [
    (["runs", "--limit", "3"], "runs"), (["show", "1"], "detail-1"),
    (["metrics", "1", "val_loss"], "history-val_loss"), (["status"], "status"),
    (["compare", "@nightly", "7"], "comparison"), (["check", "@nightly"], "check"),
    (["checks"], "checks"), (["checks", "3"], "check"), (["baseline", "list"], "baselines"),
    (["schedule", "list"], "schedules"), (["checkpoint", "list", "1"], "checkpoints-1"),
    (["artifact", "list", "1"], "artifacts-1"), (["events"], "events"),
    (["submit", "spec.yaml"], "submitted"), (["rename", "1", "x"], "run-1"),
  ])
  func jsonIsTheAnswerItself(_ arguments: [String], _ answer: String) async throws {
    let result = try await Self.run(arguments + ["--json"])
    #expect(result.errors.isEmpty)
    #expect(result.output.split(separator: "\n").count == 1)
    let file = Programs.source("Tests/EndToEndTests/Fixtures/answers/\(answer).json")
    let expected = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: file)))
    let printed = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
    #expect((printed as? NSDictionary) == (expected as? NSDictionary))
  }

  @Test func errorsAreToldOnStandardErrorWithTheirHint() async throws {
    let result = try await Self.run(["show", "99"])
    #expect(result.status == 2)
    #expect(result.output.isEmpty)
    #expect(
      result.errors == "assay: There is no run \"99\".\nlist the runs with: assay runs\n")
  }

  @Test func withJSONErrorsAreTheEnvelope() async throws {
    let result = try await Self.run(["show", "99", "--json"])
    #expect(result.status == 2)
    #expect(result.output.isEmpty)
    let envelope = try WireCoding.decoder().decode(
      ErrorEnvelope.self, from: Data(result.errors.utf8))
    #expect(envelope.error.code == "run_not_found")
  }

  @Test func aMistakeInAnExpressionKeepsItsCaret() async throws {
    let result = try await Self.run(
      ["runs", "--where", "metrics.val_f1 >"], changes: ["GET /runs": "400:invalid-query.json"])
    #expect(result.status == 2)
    #expect(result.errors.contains("\n  metrics.val_f1 >\n                  ^\n"))
  }

  @Test func whereNoDaemonAnswersTheWayToStartOneIsGiven() async throws {
    let result = try await Programs.run(
      Programs.path("assay"), ["runs", "--socket", "/tmp/assay-nobody.sock"])
    #expect(result.status == 2)
    #expect(
      result.errors == """
        assay: no daemon answers at /tmp/assay-nobody.sock
        start one with: assayd --background --socket /tmp/assay-nobody.sock

        """)
  }

  @Test(arguments: [
    (["show", ""], "a name is empty"), (["logs", ""], "a name is empty"),
    (["logs", "", "-f"], "a name is empty"), (["show", ".."], ".. is no name"),
    (["baseline", "set", "", "8"], "a name is empty"), (["metrics", "1", ""], "a name is empty"),
    (["rm", "--undo", "1"], "run 1 was not deleted"),
    (["rm", "--undo", "2-9"], "no run of 2-9 was deleted"),
    (["rm", "--undo", "@latest"], "@latest names no deleted run: they are named by their number"),
  ])
  func namesThatCannotBeMeantAreRefused(_ arguments: [String], _ message: String) async throws {
    let result = try await Self.run(arguments)
    #expect(result.status == 2)
    #expect(result.output.isEmpty)
    #expect(result.errors.hasPrefix("assay: " + message + "\n"), "\(result.errors)")
  }

  @Test func oneJobThatIsOverKeepsNoOtherFromBeingCancelled() async throws {
    let result = try await Self.run(["cancel", "8", "9"])
    #expect(result.status == 2)
    #expect(
      result.output == "job 9 is being cancelled\n" || result.output == "job 9 is cancelled\n")
    #expect(result.errors.hasPrefix("assay: "))
  }

  @Test func anExportGoesToStandardOutputOrSaysItsFile() async throws {
    let file = Programs.source("Tests/EndToEndTests/Fixtures/answers/status.json")
    let piped = try await Self.run(["checkpoint", "export", "1", "--output", "-"])
    #expect(piped.status == 0, "\(piped.errors)")
    #expect(try piped.output == String(contentsOf: URL(filePath: file), encoding: .utf8))
    let named = try await Self.run(["checkpoint", "export", "1", "-o", "m.safetensors", "--json"])
    #expect(named.status == 0, "\(named.errors)")
    let value = try WireCoding.decoder().decode(JSONValue.self, from: Data(named.output.utf8))
    #expect(value["file"] == .string("m.safetensors"))
    #expect(value["epoch"] != nil)
  }

  @Test func aDeletedRunIsShownAsOne() async throws {
    let result = try await Self.run(
      ["show", "1"], changes: ["GET /runs/1/detail": "detail-1-deleted.json"])
    let first = result.output.split(separator: "\n").first
    #expect(first?.hasSuffix("  deleted") == true, "\(result.output)")
  }

  @Test func controlCharactersOfOthersDoNotReachTheTerminal() async throws {
    let result = try await Self.run(["runs", "--limit", "3"])
    #expect(result.output.contains("tab and·[31mcolour"))
  }

  static func run(
    _ arguments: [String], changes: [String: String] = [:]
  ) async throws -> Programs.Result {
    let daemon = try CannedDaemon(changes: changes)
    defer { daemon.close() }
    try daemon.folder.write("spec.yaml", CLISpecs.good)
    return try await Programs.run(
      Programs.path("assay"), arguments,
      environment: ["ASSAY_SOCKET": daemon.socketPath, "TZ": "UTC", "NO_COLOR": "1"],
      directory: daemon.folder.path)
  }
}

enum CLISpecs {
  static let good = """
    name: reference
    experiment: quickstart
    seed: 7
    dataset: {type: synthetic, rows: 60000, features: 100}
    model:
      - {type: dense, units: 64, activation: relu}
      - {type: dense, units: 1, activation: sigmoid}
    loss: binary_crossentropy
    optimizer: {type: adam, learning_rate: 0.001}
    metrics: [accuracy, precision, recall, f1]
    epochs: 10

    """
}
