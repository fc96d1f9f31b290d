// `assayd stop`: ends the daemon of a data folder. Its workers go on.

import ArgumentParser
import Foundation
import Glibc
import Jobs
import Server

struct Stop: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ends the daemon of a data folder; running jobs go on.",
    discussion: """
      Example:
        assayd stop
      """)

  @OptionGroup var place: Place

  private static let patience: Duration = .seconds(60)

  func run() async throws {
    do {
      let folder = try place.dataFolder
      guard let holder = try DaemonLock.holder(dataFolder: folder) else {
        return print("no daemon runs on \(folder)")
      }
      if let verb = holder.offlineVerb {
        throw ServerError.dataFolderBusy(pid: String(holder.process.pid), verb: verb)
      }
      try holder.process.send(SIGTERM)
      let end = ContinuousClock.now + Self.patience
      while holder.process.isAlive {
        guard ContinuousClock.now < end else {
          throw Problem(
            code: "daemon_stays",
            message: "process \(holder.process.pid) is still there after a minute",
            hint: "its log is \(folder)/assayd.log")
        }
        try await Task.sleep(for: .milliseconds(20))
      }
      print("assayd has stopped (process \(holder.process.pid))")
    } catch {
      Problem(error).print()
      throw ExitCode.failure
    }
  }
}
