// `assayd`: the daemon's program. It puts the parts together and knows nothing else.

import ArgumentParser
import Wire

@main
struct Assayd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "assayd",
    abstract: "Runs jobs, records their runs, and answers `assay`.",
    discussion: """
      Owns one data folder and listens on a Unix socket. Jobs run in processes of their own and go \
      on when the daemon stops; the next one takes them over.

        assayd --background      starts it and returns when it is ready
        assayd stop              ends it; running jobs go on
        assayd backup --to FILE  copies all it keeps into one file, also while it works

      It takes --data, --socket, --slots, --worker, --undo-days and --max-size; see assayd run \
      --help.
      """,
    version: AssayVersion.text,
    subcommands: [
      Run.self, Stop.self, BackupVerb.self, RestoreVerb.self, DoctorVerb.self, MigrateVerb.self,
    ], defaultSubcommand: Run.self)
}

/// Where the daemon's socket and data are.
struct Place: ParsableArguments {
  @Option(help: "The data folder (ASSAY_DATA; default ~/.local/share/assay).")
  var data: String?

  @Option(help: "The Unix socket (ASSAY_SOCKET; default in XDG_RUNTIME_DIR).")
  var socket: String?

  var dataFolder: String { data.map { Places.absolute($0) } ?? Places.dataFolder() }

  func socketPath() throws -> String {
    try socket.map { try Places.checkedSocket($0) } ?? Places.socket()
  }
}
