// `assayd reload`: has the running daemon read its configuration file anew, and says what came of it.
// A SIGHUP does the same, and the log says what came of it.

import ArgumentParser
import Foundation
import Server
import Wire

struct Reload: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reload",
    abstract: "Has the daemon read its configuration file anew.",
    discussion: """
      Slots, max-size, undo-days, log-level and log-format change at once; flags that the daemon \
      was started with still go before the file. For the other keys it is said that they need a \
      restart.

      Example:
        assayd reload
      """)

  @OptionGroup var place: Place

  @Flag(help: "Print the result as JSON.")
  var json = false

  func run() async throws {
    await Care.ending(json: json) {
      let folder = try place.dataFolder
      guard try DaemonLock.holder(dataFolder: folder) != nil else {
        throw Problem(
          code: "daemon_unreachable", message: "no daemon runs on \(folder)",
          hint: "start it with: assayd --background")
      }
      let report: ReloadReport = try Care.daemon(folder).post("/reload") { _ in }
      if json { return try Care.print(json: report) }
      for line in report.lines { print(line) }
    }
  }
}
