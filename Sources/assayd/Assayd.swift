// `assayd`: the daemon's program. It puts the parts together and knows nothing else.

import ArgumentParser
import Foundation
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
        assayd reload            has it read its configuration file anew
        assayd backup --to FILE  copies all it keeps into one file, also while it works

      Its flags (assayd run --help) may also stand in ~/.config/assay/assayd.conf or \
      /etc/assay/assayd.conf, one `key = value` a line.
      """,
    version: AssayVersion.text,
    subcommands: [
      Run.self, Stop.self, Reload.self, BackupVerb.self, RestoreVerb.self, DoctorVerb.self,
      MigrateVerb.self,
    ], defaultSubcommand: Run.self)
}

/// Where the daemon's socket and data are.
struct Place: ParsableArguments {
  @Option(help: "The data folder (ASSAY_DATA; default ~/.local/share/assay).")
  var data: String?

  @Option(help: "The Unix socket (ASSAY_SOCKET; default in XDG_RUNTIME_DIR).")
  var socket: String?

  @Option(
    help: ArgumentHelp(
      "Read this configuration file instead of ~/.config/assay/assayd.conf and "
        + "/etc/assay/assayd.conf.", valueName: "file"))
  var config: String?

  /// - Throws: `Problem`.
  func configFile() throws -> ConfigFile {
    try ConfigFile.read(explicit: config.map { Places.absolute($0) })
  }

  /// - Throws: `Problem`, if the configuration file cannot be understood.
  var dataFolder: String { get throws { try dataFolder(configFile()) } }

  func dataFolder(_ config: ConfigFile) throws -> String {
    if let data { return Places.absolute(data) }
    guard Self.isEmpty("ASSAY_DATA"), let entry = config["data"] else {
      return Places.dataFolder()
    }
    return Settings.path(entry)
  }

  func socketPath(_ config: ConfigFile) throws -> String {
    if let socket { return try Places.checkedSocket(socket) }
    guard Self.isEmpty("ASSAY_SOCKET"), let entry = config["socket"] else {
      return try Places.socket()
    }
    return try Places.checkedSocket(Settings.path(entry))
  }

  private static func isEmpty(_ variable: String) -> Bool {
    (ProcessInfo.processInfo.environment[variable] ?? "").isEmpty
  }
}
