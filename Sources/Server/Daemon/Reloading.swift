// What of the daemon's settings can change while it runs, and how it does: at a signal, or at a
// request.

import Dispatch
import Glibc
import Logging
import Store
import Wire

package struct LiveSettings: Sendable, Equatable {
  package var slots: Int
  package var undoSeconds: Double
  package var maxBytes: Int64?

  package init(slots: Int, undoSeconds: Double, maxBytes: Int64?) {
    self.slots = slots
    self.undoSeconds = undoSeconds
    self.maxBytes = maxBytes
  }
}

actor Reloading {
  private let supervisor: Supervisor
  private let housekeeper: Housekeeper
  private let store: Store
  private let read: (@Sendable () throws -> (LiveSettings, ReloadReport))?
  private let logger: Logger

  init(
    supervisor: Supervisor, housekeeper: Housekeeper, store: Store,
    read: (@Sendable () throws -> (LiveSettings, ReloadReport))?, logger: Logger
  ) {
    self.supervisor = supervisor
    self.housekeeper = housekeeper
    self.store = store
    self.read = read
    self.logger = logger
  }

  /// Reads the settings anew and takes over what can be. If they cannot be understood, all stays as
  /// it is.
  /// - Throws: what reading them throws.
  func reload() async throws -> ReloadReport {
    guard let read else { return ReloadReport(files: []) }
    let (settings, report) = try read()
    await supervisor.setSlots(settings.slots)
    await housekeeper.setUndoSeconds(settings.undoSeconds)
    store.maxBytes = settings.maxBytes
    logger.info(
      "settings read anew", metadata: ["result": "\(report.lines.joined(separator: "; "))"])
    return report
  }

  /// From its return on the signals reload and do nothing else.
  nonisolated func listen(to signals: [Int32]) async -> [any DispatchSourceSignal] {
    var sources: [any DispatchSourceSignal] = []
    for number in signals {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { [self] in Task { await reloadAtSignal() } }
      await withCheckedContinuation { continuation in
        source.setRegistrationHandler { continuation.resume() }
        source.resume()
      }
      sources.append(source)
    }
    return sources
  }

  private func reloadAtSignal() async {
    do {
      _ = try await reload()
    } catch {
      logger.error("the settings stay as they are: \(error)")
    }
  }
}
