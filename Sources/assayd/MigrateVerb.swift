// `assayd migrate`: brings the database to this version's schema, as the daemon's start does.

import ArgumentParser
import Experiments
import Glibc
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

  // For tools/robustness/migrations, which looks at each step by itself.
  @Option(help: ArgumentHelp("The step to end with.", visibility: .hidden))
  var to: String?

  func run() async throws {
    await Care.ending {
      let folder = try place.dataFolder
      try Care.requireData(folder)
      let migrator = try chosenSteps()
      let lock = try OfflineLock.require(dataFolder: folder, verb: "migrate")
      let names = try withExtendedLifetime(lock) {
        try StoreFile.migrate(folder: folder, migrator: migrator, now: WallClock.system.now()) {
          // At once, also into a file: a step may take a while.
          print($0)
          fflush(nil)
        }
      }
      if let to { return print("the schema ends with \(to)") }
      print(names.isEmpty ? "the schema is the newest already" : "the schema is the newest now")
    }
  }

  private func chosenSteps() throws -> Migrator {
    guard let to else { return .embedded }
    let all = Migrator.embedded.migrations
    guard let last = all.firstIndex(where: { $0.name == to }) else {
      throw Problem(
        code: "migration_not_found", message: "there is no migration \"\(to)\"",
        hint: "there are: \(all.map(\.name).joined(separator: ", "))")
    }
    return Migrator(Array(all[...last]))
  }
}
