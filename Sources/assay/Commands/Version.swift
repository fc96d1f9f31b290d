// `assay version`: of this program, and of the daemon if one answers.

import ArgumentParser
import Client
import Wire

struct VersionCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version",
    abstract: "Print the versions of assay and of the daemon.",
    discussion: """
      Works without a daemon too.

      Example:
        assay version
      """)

  @OptionGroup var common: CommonOptions

  /// What `--json` prints.
  struct Versions: Codable {
    var assay: String
    /// Nil if no daemon answers.
    var assayd: String?
  }

  func run() async throws {
    var versions = Versions(assay: AssayVersion.text, assayd: nil)
    do {
      versions.assayd = try await common.withClient { try await $0.health().version }
    } catch ClientError.daemonUnreachable {
      // that is an answer as well
    }
    try common.print(versions) {
      Terminal.print("assay  \(versions.assay)")
      Terminal.print("assayd \(versions.assayd ?? "does not answer")")
    }
  }
}
