// `assayd` without a verb: runs the daemon in the foreground, or starts one in the background.

import ArgumentParser
import CLinux
import Experiments
import Foundation
import Glibc
import Jobs
import Logging
import Server
import Synchronization
import Wire

struct Run: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs the daemon (what assayd does by itself).",
    discussion: """
      Example:
        assayd --background --data /srv/assay --slots 4
      """)

  @OptionGroup var place: Place

  @OptionGroup var flags: SettingFlags

  @Flag(help: "Start it detached and return once it is ready; its log is DATA/assayd.log.")
  var background = false

  @Option(help: .hidden)
  var readyDescriptor: Int32?

  func run() async throws {
    let announcement = Announcement(descriptor: readyDescriptor)
    do {
      let settings = try Settings(place, flags)
      if background {
        try BackgroundStart(
          dataFolder: settings.dataFolder, socketPath: settings.socketPath,
          config: place.config.map { Places.absolute($0) }, flags: flags
        ).run()
      } else {
        try await serve(settings, announcement)
      }
    } catch {
      let problem = Problem(error)
      announcement.failed(problem.text)
      problem.print()
      throw ExitCode.failure
    }
  }

  private func serve(_ settings: Settings, _ announcement: Announcement) async throws {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    let logs = LogSettings(level: settings.logLevel, format: settings.logFormat)
    LoggingSystem.bootstrap { _ in PlainLog(logs) }
    let notifier = ServiceNotifier()
    var configuration = DaemonConfiguration(
      dataFolder: settings.dataFolder, socketPath: settings.socketPath, slots: settings.slots,
      clock: .system, logger: Logger(label: "assayd"))
    configuration.undoSeconds = settings.live.undoSeconds
    configuration.resources = settings.resources
    configuration.maxBytes = settings.live.maxBytes
    configuration.listen = settings.listen
    configuration.onStoreFailure = StoreFailureEnd.end
    configuration.onStopping = { notifier.stopping() }
    configuration.reload = reloading(from: settings, logs, notifier)
    let daemon = try Daemon(
      configuration,
      executor: try LocalExecutor(program: WorkerProgram(path: try workerPath(settings))))
    let beats = Task { await Self.beat(notifier, daemon) }
    defer { beats.cancel() }
    try await daemon.run(stopOn: [SIGTERM, SIGINT], reloadOn: [SIGHUP]) {
      announcement.ready(socketPath: settings.socketPath, dataFolder: settings.dataFolder)
      notifier.ready("listens at \(settings.socketPath)")
    }
  }

  /// Reads the configuration anew, and tells what is different.
  private func reloading(
    from first: Settings, _ logs: LogSettings, _ notifier: ServiceNotifier
  ) -> @Sendable () throws -> (LiveSettings, ReloadReport) {
    let present = Mutex(first)
    let place = place
    let flags = flags
    return {
      notifier.reloading()
      defer { notifier.reloaded() }
      let new: Settings
      do {
        new = try Settings(place, flags)
      } catch {
        let problem = Problem(error)
        throw ServerError.settings(
          code: problem.code, message: problem.message, hint: problem.hint)
      }
      logs.set(level: new.logLevel, format: new.logFormat)
      return present.withLock { present in
        let report = present.changes(to: new)
        // What needs a restart is told again each time.
        (present.slots, present.undoDays, present.maxSize) = (new.slots, new.undoDays, new.maxSize)
        (present.logLevel, present.logFormat) = (new.logLevel, new.logFormat)
        return (new.live, report)
      }
    }
  }

  /// As long as the daemon does what it is there for, and no longer.
  private static func beat(_ notifier: ServiceNotifier, _ daemon: Daemon) async {
    guard let pause = notifier.beat else { return }
    while !Task.isCancelled {
      await daemon.answers()
      notifier.isAlive()
      try? await Task.sleep(for: pause)  // cut short by the end of the daemon
    }
  }

  private func workerPath(_ settings: Settings) throws -> String {
    let path =
      try settings.worker
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
