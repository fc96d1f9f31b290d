// `assay import archive`: the runs of an archive that another Assay has exported.

import ArgumentParser
import Client
import Wire

struct ImportArchive: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "archive",
    abstract: "Bring in the runs of an archive made by assay export.",
    discussion: """
      All checksums are compared before anything is written. Runs keep their id, times and status \
      and get new numbers. A run that was made here or is deleted here is left alone; one that came \
      by an import gets what it lacks.

      Examples:
        assay import archive quickstart.tar
        assay import archive quickstart.tar --experiment from-the-cluster
      """)

  @Argument(help: ArgumentHelp("The archive.", valueName: "file"), completion: .file())
  var file: String

  @Option(
    help: ArgumentHelp(
      "Put all new runs into this experiment instead of their own.", valueName: "name"))
  var experiment: String?

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient(timeout: .seconds(600)) { client in
      let line = TransferLine("importing", isShown: !common.json)
      defer { line.end() }
      let report = try await ArchiveImport(
        client: client, path: file, experiment: experiment, line: line
      ).run()
      line.end()
      try common.print(report) { Terminal.print(report.lines) }
    }
  }
}

/// What `assay import archive --json` prints.
struct ArchiveImportReport: Codable, Sendable {
  struct Item: Codable, Sendable {
    var uid: String
    /// Its number here.
    var runId: Int64
    /// `created`, `completed` (it lacked something), `unchanged`, `native` or `deleted`.
    var outcome: String
  }
  var items: [Item] = []
  /// What was added.
  var points: Int64 = 0
  var checkpoints = 0
  var artifacts = 0

  func count(_ outcome: String) -> Int { items.count { $0.outcome == outcome } }

  var lines: [String] {
    var lines: [String] = []
    let created = count("created")
    let completed = count("completed")
    let added = [
      Counted.text(Int(points), "point"), Counted.text(checkpoints, "checkpoint"),
      Counted.text(artifacts, "artifact"),
    ].joined(separator: ", ")
    if created > 0 { lines.append("imported \(Counted.text(created, "run")): \(added)") }
    if completed > 0 {
      let what = created > 0 ? "" : ": \(added)"
      lines.append("completed \(Counted.text(completed, "run")) of an earlier import\(what)")
    }
    let here = count("unchanged") + count("native")
    if created + completed == 0 {
      lines.append("nothing is new: \(Counted.text(here, "run")) here already")
    } else if here > 0 {
      lines.append("\(Counted.text(here, "run")) here already")
    }
    let deleted = items.filter { $0.outcome == "deleted" }
    if let first = deleted.first {
      lines.append(
        "\(Counted.text(deleted.count, "run")) left alone, deleted here; bring back with: "
          + "assay rm --undo \(first.runId)\(deleted.count > 1 ? " …" : "")")
    }
    return lines
  }
}
