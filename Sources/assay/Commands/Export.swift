// `assay export`: runs as one file that another Assay imports.

import Archives
import ArgumentParser
import Client
import Experiments
import Wire

struct ExportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write experiments or runs into a portable archive.",
    usage: "assay export [EXPERIMENT|RUN …] [--where EXPRESSION] --to FILE [options]",
    discussion: """
      The archive is a tar file of JSON lines, safetensors files and artifacts with the checksums \
      of all of them; any tool can read it. The file appears whole or not at all. Runs that are not \
      over are left out, and counted.

      Examples:
        assay export quickstart --to quickstart.tar
        assay export 12 14-17 @nightly --to some.tar --without checkpoints
        assay export --where "tags.paper = 'yes'" --to paper.tar
      """)

  @Argument(
    help: ArgumentHelp("Experiments by name, runs as everywhere.", valueName: "experiment-or-run"))
  var names: [String] = []

  @Option(
    help: ArgumentHelp("An experiment, whatever its name; may be repeated.", valueName: "name"))
  var experiment: [String] = []

  @Option(
    name: .customLong("where"), parsing: .unconditional,
    help: ArgumentHelp("Of these only runs for which this holds.", valueName: "expression"))
  var condition: String?

  @Option(
    name: .long, help: ArgumentHelp("The file to write.", valueName: "file"), completion: .file())
  var to: String

  @Option(
    help: ArgumentHelp(
      "Leave out checkpoints, artifacts, logs (comma-separated).", valueName: "parts"))
  var without: PartList?

  @Flag(help: "Replace an existing file.")
  var force = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard !names.isEmpty || !experiment.isEmpty || condition != nil else {
      throw ValidationError("name an experiment or runs, or say --where")
    }
  }

  func run() async throws {
    try LocalFile.checkThatAbsent(to, unless: force, option: "--to")
    try await common.withClient(timeout: .seconds(600)) { client in
      let choice = try await RunChoice(client: client, condition: condition)
        .runs(names, experiments: experiment)
      guard !choice.runs.isEmpty else {
        throw CommandError.badArgument(
          choice.unfinished.isEmpty
            ? "there is no such run" : "none of the runs is over", hint: "`assay runs` lists them")
      }
      let line = TransferLine("exporting", isShown: !common.json)
      defer { line.end() }
      let about = try await ArchiveExport(
        client: client, runs: choice.runs, without: without?.parts ?? [], path: to,
        isReplacing: force, line: line
      ).run()
      line.end()
      let report = ExportReport(
        file: to, runs: about.runs, unfinished: choice.unfinished.count, points: about.points,
        checkpoints: about.checkpoints, artifacts: about.artifacts,
        bytes: try LocalFile.size(to))
      try common.print(report) { Terminal.print(report.lines) }
    }
  }
}

/// What `assay export --json` prints.
struct ExportReport: Codable, Sendable {
  var file: String
  var runs: Int
  /// Runs that are not over and were left out.
  var unfinished: Int
  var points: Int64
  var checkpoints: Int
  var artifacts: Int
  var bytes: Int64

  var lines: [String] {
    var lines = [
      "\(ShownText.line(file)), \(Quantities.bytes(bytes)): "
        + [
          Counted.text(runs, "run"), Counted.text(Int(points), "point"),
          Counted.text(checkpoints, "checkpoint"), Counted.text(artifacts, "artifact"),
        ].joined(separator: ", ")
    ]
    if unfinished > 0 {
      lines.append("left out: \(Counted.text(unfinished, "run")) not over yet")
    }
    return lines
  }
}

/// `1 run`, `2 runs`.
enum Counted {
  static func text(_ count: Int, _ word: String) -> String {
    "\(count) \(word)\(count == 1 ? "" : "s")"
  }
}

/// `--without checkpoints,artifacts`.
struct PartList: ExpressibleByArgument {
  var parts: Set<ArchivePart> = []

  init?(argument: String) {
    for word in argument.split(separator: ",") {
      guard let part = ArchivePart(rawValue: String(word)) else { return nil }
      parts.insert(part)
    }
  }

  static var allValueStrings: [String] { ArchivePart.allCases.map(\.rawValue) }
}
