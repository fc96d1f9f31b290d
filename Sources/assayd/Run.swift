// `assayd` without a verb: runs the daemon in the foreground, or starts one in the background.

import ArgumentParser
import CLinux
import Experiments
import Foundation
import Glibc
import Jobs
import Logging
import Server
import Wire

struct Run: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs the daemon (what assayd does by itself).",
    discussion: """
      Example:
        assayd --background --data /srv/assay --slots 4
      """)

  @OptionGroup var place: Place

  @Option(help: "Jobs that run at once (default: the number of cores).")
  var slots: Int?

  @Flag(help: "Start it detached and return once it is ready; its log is DATA/assayd.log.")
  var background = false

  @Option(help: "The worker's program (default: assay-worker beside assayd).")
  var worker: String?

  @OptionGroup var space: SpaceOptions

  @OptionGroup var counted: ResourceOptions

  @Option(help: .hidden)
  var readyDescriptor: Int32?

  func validate() throws {
    if let slots, !(1...1024).contains(slots) {
      throw ValidationError("--slots is \(slots); it must be from 1 to 1024.")
    }
  }

  func run() async throws {
    let announcement = Announcement(descriptor: readyDescriptor)
    do {
      let socketPath = try place.socketPath()
      if background {
        try BackgroundStart(
          place: place, slots: slots, worker: worker, space: space, counted: counted,
          socketPath: socketPath
        ).run()
      } else {
        try await serve(socketPath, announcement)
      }
    } catch {
      let problem = Problem(error)
      announcement.failed(problem.text)
      problem.print()
      throw ExitCode.failure
    }
  }

  private func serve(_ socketPath: String, _ announcement: Announcement) async throws {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    LoggingSystem.bootstrap { _ in PlainLog() }
    let logger = Logger(label: "assayd")
    let dataFolder = place.dataFolder
    var configuration = DaemonConfiguration(
      dataFolder: dataFolder, socketPath: socketPath,
      slots: slots ?? ProcessInfo.processInfo.activeProcessorCount, clock: .system, logger: logger)
    configuration.undoSeconds = space.undoDays * 86_400
    configuration.resources = counted.amounts
    configuration.maxBytes = space.maxSize?.bytes
    configuration.onStoreFailure = StoreFailureEnd.end
    let daemon = try Daemon(
      configuration,
      executor: try LocalExecutor(program: WorkerProgram(path: try workerPath())))
    try await daemon.run(stopOn: [SIGTERM, SIGINT]) {
      announcement.ready(socketPath: socketPath, dataFolder: dataFolder)
    }
  }

  private func workerPath() throws -> String {
    let path =
      try worker.map { Places.absolute($0) }
      ?? (OwnProgram.path() as NSString).deletingLastPathComponent + "/assay-worker"
    guard access(path, X_OK) == 0 else { throw ServerError.workerNotFound(path: path) }
    return path
  }
}

enum OwnProgram {
  /// Where this program lies.
  static func path() throws -> String {
    try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
  }
}
