// `assay artifact put`: keeps files with a run, whatever made it and whether or not it is over.

import ArgumentParser
import Checkpoints
import Client
import Experiments
import Wire

struct ArtifactPut: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "put",
    abstract: "Keep files with a run.",
    discussion: """
      A file takes the place of one that is kept under the same path. The run may be over.

      Examples:
        assay artifact put 12 report.pdf plots/roc.png
        assay artifact put @latest roc.png --path plots/roc.png
        tar c notes | assay artifact put 12 - --path notes.tar
      """)

  @Argument(help: ArgumentHelp("The run.", valueName: "run"))
  var name: String

  @Argument(
    help: ArgumentHelp("Files; - is standard input.", valueName: "file"), completion: .file())
  var files: [String]

  @Option(help: "Path of the artifact; by default the file's own name. For one file only.")
  var path: String?

  @Option(
    help: ArgumentHelp(
      "Media type, such as text/csv; by default told from the name.", valueName: "type"))
  var type: String?

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard path == nil || files.count == 1 else {
      throw ValidationError("--path names one artifact; there are \(files.count) files")
    }
    guard path != nil || !files.contains("-") else {
      throw ValidationError("what comes from standard input needs a --path")
    }
  }

  func run() async throws {
    try await common.withClient { client in
      let run = String(try await client.run(name).id)
      var kept: [Artifact] = []
      for file in files {
        let path = path ?? LocalFile.name(of: file)
        let reader = try PieceReader(file)
        let artifact = try await client.putArtifact(
          run: run, path: path, mediaType: type ?? MediaType.of(path), read: reader.next)
        kept.append(artifact)
        if !common.json {
          Terminal.print("\(ShownText.line(path)), \(Quantities.bytes(artifact.bytes))")
        }
      }
      try common.print(Page(items: kept)) {}
    }
  }
}
