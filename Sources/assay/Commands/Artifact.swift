// `assay artifact`: the files kept with a run.

import ArgumentParser
import Client
import Experiments
import Wire

struct ArtifactCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "artifact",
    abstract: "List, fetch and add the files kept with a run.",
    discussion: """
      Examples:
        assay artifact list 12
        assay artifact get 12 predictions.csv
        assay artifact put 12 report.pdf
      """,
    subcommands: [ArtifactList.self, ArtifactGet.self, ArtifactPut.self])
}

struct ArtifactList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the files kept with a run.",
    discussion: """
      Example:
        assay artifact list 12
      """)

  @Argument(help: ArgumentHelp("The run.", valueName: "run"))
  var name: String

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      let page = try await client.artifacts(name)
      try common.print(page) {
        guard !page.items.isEmpty else { return Terminal.print("no artifacts") }
        var table = TextTable([
          .left("path"), .right("size"), .left("type"), .left("made"), .left("sha256"),
        ])
        for artifact in page.items {
          table.add([
            .init(artifact.path), .init(Quantities.bytes(artifact.bytes)),
            .init(artifact.mediaType), .init(Moments.local(artifact.createdAt)),
            .init(String(artifact.sha256.prefix(16))),
          ])
        }
        Terminal.print(table)
      }
    }
  }
}

struct ArtifactGet: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Fetch a file kept with a run.",
    discussion: """
      The file appears whole or not at all. --output - writes it to standard output.

      Examples:
        assay artifact get 12 predictions.csv
        assay artifact get 12 predictions.csv --output - | head
      """)

  @Argument(help: ArgumentHelp("The run.", valueName: "run"))
  var name: String

  @Argument(help: "Path of the artifact.")
  var path: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Where to; by default its own name here.", valueName: "file"),
    completion: .file())
  var output: String?

  @Flag(help: "Replace an existing file.")
  var force = false

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      if output == "-" {
        return Terminal.write(try await client.artifact(name, path: path))
      }
      let artifacts = try await client.artifacts(name).items
      guard let artifact = artifacts.first(where: { $0.path == path }) else {
        let meant = NearestName.question(for: path, among: artifacts.map(\.path))
        throw CommandError.badArgument(
          "run \(name) has no artifact \(path)\(meant)",
          hint: "list them with: assay artifact list \(name)")
      }
      let file = output ?? LocalFile.name(of: path)
      try LocalFile.checkThatAbsent(file, unless: force)
      let size = try await client.artifactFile(String(artifact.runId), path: path, to: file)
      try common.print(artifact) { Terminal.print("\(file), \(Quantities.bytes(size))") }
    }
  }
}
