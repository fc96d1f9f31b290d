// `assayd migrate`: brings the database to this version's schema, as the daemon's start does.

import ArgumentParser
import Experiments
import Server
import Store

struct MigrateVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "migrate",
    abstract: "Brings the database to this version's schema (what a start does by itself).",
    discussion: """
      Each step is done whole or not at all, whatever happens. An older Assay cannot use the \
      database afterwards: make a backup first if you may want to go back.

      Example:
        assayd backup --to before.db && assayd migrate
      """)

  @OptionGroup var place: Place

  func run() async throws {
    await Care.ending {
      let folder = place.dataFolder
      try Care.requireData(folder)
      let lock = try OfflineLock.require(dataFolder: folder, verb: "migrate")
      let names = try withExtendedLifetime(lock) {
        try StoreFile.migrate(folder: folder, migrator: .embedded, now: WallClock.system.now())
      }
      for name in names { print("applied \(name)") }
      print(names.isEmpty ? "the schema is the newest already" : "the schema is the newest now")
    }
  }
}
