// `assayd backup`: a copy of the whole database in one file, by the daemon that serves it, or by
// this program if there is none.

import ArgumentParser
import Experiments
import Foundation
import Server
import Store
import Wire

struct BackupVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Copies all that is recorded into one file, also while jobs run.",
    discussion: """
      The file holds everything that was acknowledged before the backup began, and is there whole \
      or not at all. Bring it back with: assayd restore FILE

      Example:
        assayd backup --to /backups/assay-$(date +%F).db
      """)

  @OptionGroup var place: Place

  @Option(name: .customLong("to"), help: "The file to write; there must be none of that name.")
  var target: String

  @Flag(help: "Take the place of a file of that name.")
  var force = false

  @Flag(help: "Print the result as JSON.")
  var json = false

  func run() async throws {
    await Care.ending(json: json) {
      let path = Places.absolute(target)
      let folder = try place.dataFolder
      try Care.requireData(folder)
      let meter = ProgressMeter("backup")
      let report: BackupReport
      if let lock = try OfflineLock.acquire(dataFolder: folder, verb: "backup") {
        report = try withExtendedLifetime(lock) {
          try Backup.make(
            of: Care.databasePath(folder), to: path, replacing: force, progress: meter.show)
        }
      } else {
        let order = BackupRequest(path: path, replace: force)
        report = try Care.daemon(folder).post(
          "/backup", body: WireCoding.encoder().encode(order), progress: meter.show)
      }
      meter.clear()
      if json { return try Care.print(json: report) }
      print("\(report.path): \(Care.size(report.bytes)) in \(Care.seconds(report.seconds))")
    }
  }
}
