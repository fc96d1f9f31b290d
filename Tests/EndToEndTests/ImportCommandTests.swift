// Imports through the front door: what the daemon has afterwards, and that repeating one changes
// nothing.
import Client
import Experiments
import Foundation
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(5)))
struct ImportCommandTests {
  private struct Report: Decodable {
    var imported: Int
    var updated: Int
    var unchanged: Int
    var points: Int
    var artifacts: Int
    var runs: [Int64]
    var skipped: [Skipped]

    struct Skipped: Decodable {
      var what: String
      var why: String
    }
  }

  private static func fixture(_ name: String, file: String = #filePath) -> String {
    URL(fileURLWithPath: file).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("ImportsTests/Fixtures/\(name)").path
  }

  private static func report(
    _ daemon: TestDaemon, _ arguments: String...
  ) async throws -> Report {
    let result = try await daemon.assay(["import"] + arguments + ["--json"])
    #expect(result.status == 0, "\(result.errors)")
    return try WireCoding.decoder().decode(Report.self, from: Data(result.output.utf8))
  }

  @Test func bringsInAStoreOfMLflowOnce() async throws {
    try await TestDaemon.with { daemon in
      let store = Self.fixture("mlflow.db")
      let dry = try await Self.report(daemon, "mlflow", store, "--dry-run")
      #expect(dry.imported == 6 && dry.runs.isEmpty)
      #expect(try await daemon.client.runs().items.isEmpty)

      let report = try await Self.report(daemon, "mlflow", store)
      #expect(report.imported == 6 && report.points == dry.points && report.artifacts == 2)
      #expect(report.skipped.filter { $0.why.contains("deleted in MLflow") }.count == 2)
      let runs = try await daemon.client.runs().items
      let parent = try #require(runs.first { $0.name == "parent" })
      #expect(parent.status == .finished && parent.experiment == "vision/größe")
      #expect(parent.params["lines"] == "a\nb" && parent.params["empty"] == "")
      #expect(parent.note == "Zwei Zeilen:\nüber alles.")
      #expect(parent.metrics["nan_last"]?.last.isNaN == true)
      #expect(parent.metrics["same_step"]?.last == 1)
      #expect(parent.metrics["loss"]?.count == 200)
      #expect(runs.filter { $0.parentId == parent.id }.count == 3)
      #expect(runs.first { $0.name == "still running" }?.status == .running)
      let file = try await daemon.client.artifact(String(parent.id), path: "notes/hello.txt")
      #expect(String(decoding: file, as: UTF8.self) == "hello artifact\n")

      let again = try await Self.report(daemon, "mlflow", store)
      #expect(again.imported == 0 && again.updated == 0 && again.points == 0)
      #expect(again.unchanged == 6)

      _ = try await daemon.client.changeRun(String(parent.id), RunChange(deleted: true))
      let after = try await Self.report(daemon, "mlflow", store)
      #expect(after.skipped.contains { $0.why.contains("assay rm --undo \(parent.id)") })
    }
  }

  @Test func catchesUpWithATableThatGrows() async throws {
    try await TestDaemon.with { daemon in
      let folder = try TemporaryFolder()
      defer { folder.remove() }
      let file = folder.file("training.csv")
      try Data("step,loss\n1,0.5\n2,nan\n".utf8).write(to: URL(fileURLWithPath: file))
      let first = try await Self.report(daemon, "csv", file, "--experiment", "tables")
      #expect(first.imported == 1 && first.points == 2)
      try Data("step,loss\n1,0.5\n2,nan\n3,0.25\n".utf8).write(to: URL(fileURLWithPath: file))
      let second = try await Self.report(daemon, "csv", file)
      #expect(second.updated == 1 && second.runs == first.runs)
      let run = try await daemon.client.run(String(try #require(first.runs.first)))
      #expect(run.name == "training" && run.experiment == "tables" && run.status == .finished)
      #expect(run.metrics["loss"]?.count == 3 && run.metrics["loss"]?.last == 0.25)

      try Data("step,loss\n1,oops\n".utf8).write(to: URL(fileURLWithPath: file))
      let bad = try await daemon.assay("import", "csv", file, "--json")
      #expect(bad.status == 2 && bad.errors.contains("source_value_invalid"))
    }
  }

  @Test func tellsWhatItDid() async throws {
    try await TestDaemon.with { daemon in
      let result = try await daemon.assay(
        "import", "tensorboard", Self.fixture("tensorboard"), "--experiment", "logs")
      #expect(result.status == 0)
      #expect(
        result.output == """
          imported 2 runs, 220 points: runs 1 to 2
          skipped 2 things:
            histogram weights of run train: it is no scalar (once)
            text remark/text_summary of run train: it is no scalar (once)

          """)
    }
  }
}
