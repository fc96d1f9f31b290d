import Foundation
import Testing

/// The help of every command, word by word: `ASSAY_UPDATE_GOLDEN=1` rewrites the files.
@Suite struct CLIHelpTests {
  static let commands = [
    "", "submit", "jobs", "cancel", "logs", "hold", "release", "retry", "edit", "queue",
    "queue list", "queue set", "queue pause", "queue resume", "queue rm", "runs", "show", "metrics",
    "compare", "evaluate",
    "checkpoint", "checkpoint list", "checkpoint export", "checkpoint import",
    "checkpoint diff", "checkpoint verify", "artifact",
    "artifact list", "artifact get", "artifact put", "tag", "note", "rename", "rm",
    "import mlflow", "import tensorboard", "import csv", "import jsonl", "baseline",
    "baseline set",
    "baseline list", "baseline rm", "check", "checks", "schedule", "schedule add", "schedule list",
    "schedule pause", "schedule resume", "schedule rm", "schedule run", "status", "events",
    "export", "import", "import archive", "du", "gc", "version",
  ]

  @Test(arguments: commands) func helpIsAsWritten(_ command: String) async throws {
    let words = command.split(separator: " ").map(String.init)
    let result = try await Self.assay(words + ["--help"])
    #expect(result.status == 0)
    let name = (["assay"] + words).joined(separator: "-")
    #expect(try result.output == Golden.expected("help/\(name)", result.output))
  }

  @Test(arguments: commands) func helpHasAnExample(_ command: String) async throws {
    let words = command.split(separator: " ").map(String.init)
    let result = try await Self.assay(words + ["--help"])
    let call = (["assay"] + words).joined(separator: " ")
    let examples = result.output.components(separatedBy: "USAGE:")[0]
    #expect(examples.contains("  " + call))
  }

  @Test(arguments: ["bash", "zsh", "fish"]) func shellsAreCompleted(_ shell: String) async throws {
    let result = try await Self.assay(["--generate-completion-script", shell])
    #expect(result.status == 0)
    #expect(result.output.contains("checkpoint"))
  }

  static func assay(_ arguments: [String]) async throws -> Programs.Result {
    try await Programs.run(
      Programs.path("assay"), arguments, environment: ["COLUMNS": "80", "TZ": "UTC"])
  }
}
