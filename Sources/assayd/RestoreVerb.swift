// `assayd restore`: makes a backup the database of a data folder.

import ArgumentParser
import Experiments
import Foundation
import Jobs
import Server
import Store
import Wire

struct RestoreVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Makes a backup the database of a data folder.",
    discussion: """
      The backup is copied, brought to this version's schema and examined before anything changes; \
      then it takes its place in one step. Jobs that ran when the backup was made are lost, and go \
      on as their on_lost says when the daemon starts.

      Example:
        assayd restore /backups/assay-2027-01-15.db --data ~/restored
      """)

  @OptionGroup var place: Place

  @Argument(help: "The backup.")
  var file: String

  @Flag(help: "Use the folder although it is not empty; what it has is kept beside.")
  var force = false

  @Flag(help: "Leave out the examination.")
  var skipCheck = false

  func run() async throws {
    await Care.ending {
      let folder = try place.dataFolder
      let lock = try OfflineLock.require(dataFolder: folder, verb: "restore")
      try withExtendedLifetime(lock) {
        try refuseLivingWorkers(folder)
        let meter = ProgressMeter("restore")
        var options = Restore.Options()
        options.force = force
        options.skipsCheck = skipCheck
        let outcome = try Restore.run(
          Places.absolute(file), into: folder, options: options, clock: .system,
          progress: meter.show)
        meter.clear()
        report(outcome)
      }
    }
  }

  /// They would go on for jobs that the restored database does not know, or knows otherwise.
  private func refuseLivingWorkers(_ folder: String) throws {
    let attempts = folder + "/attempts"
    guard FileManager.default.fileExists(atPath: attempts) else { return }
    let living = try FileManager.default.contentsOfDirectory(atPath: attempts).filter {
      try FileLock.isHeld("\(attempts)/\($0)/lock")
    }
    guard living.isEmpty else {
      throw Problem(
        code: "jobs_running",
        message: "workers of this data folder are running (attempts "
          + "\(living.sorted().joined(separator: ", ")))",
        hint: "start assayd and cancel their jobs, or wait for their end; then stop it again")
    }
  }

  private func report(_ outcome: Restore.Outcome) {
    print("\(outcome.databasePath): restored, \(Care.size(outcome.bytes))")
    if let report = outcome.report { print(DoctorText.summary(report)) }
    if !outcome.migrated.isEmpty {
      print("brought up to date: \(outcome.migrated.joined(separator: ", "))")
    }
    if let kept = outcome.kept { print("the database before is kept: \(kept)") }
  }
}
