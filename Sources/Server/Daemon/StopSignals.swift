// Ends the daemon gracefully: when a signal arrives, when it is told to, or when one of its services
// has failed.

import Dispatch
import Glibc
import Logging
import ServiceLifecycle
import Synchronization

final class StopSignals: Service {
  private let stops: AsyncStream<String>
  private let stopOnce: AsyncStream<String>.Continuation
  private let firstFailure = Mutex<(any Error)?>(nil)
  private let socket: SocketFile
  private let logger: Logger
  private let onStopping: @Sendable () -> Void

  init(socket: SocketFile, logger: Logger, onStopping: @escaping @Sendable () -> Void) {
    self.onStopping = onStopping
    self.socket = socket
    self.logger = logger
    (stops, stopOnce) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1))
  }

  /// What a service failed with, if that is why the daemon stops.
  var failure: (any Error)? { firstFailure.withLock { $0 } }

  func fail(_ error: any Error) {
    firstFailure.withLock { $0 = $0 ?? error }
    stop("\(error)")
  }

  func stop(_ reason: String) { stopOnce.yield(reason) }

  /// From its return on the signals stop the daemon and do nothing else.
  func listen(to signals: [Int32]) async -> [any DispatchSourceSignal] {
    var sources: [any DispatchSourceSignal] = []
    for number in signals {
      // Else its default would end the process before anybody is told.
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { [weak self] in self?.stop("signal \(number)") }
      // Another thread begins to watch for it, and until then it is lost: a daemon that was told to
      // stop as soon as it was ready would stay.
      await withCheckedContinuation { continuation in
        source.setRegistrationHandler { continuation.resume() }
        source.resume()
      }
      sources.append(source)
    }
    return sources
  }

  /// Returns when the daemon is to stop, which the service group takes as that wish.
  func run() async throws {
    for await reason in stops.cancelOnGracefulShutdown() {
      onStopping()
      logger.info("stopping", metadata: ["reason": "\(reason)"])
      // The server library must not be stopped while it is taking a connection: it would drop it
      // unfinished, which is a fatal error there. So first nobody can find the socket any more, and
      // those that just have are taken.
      socket.remove()
      try? await Task.sleep(for: .milliseconds(50))  // cut short by an impatient end, which is fine
      return
    }
  }
}

/// A service whose failure stops the whole daemon in order.
struct Guarded: Service {
  let service: any Service
  let stopSignals: StopSignals

  func run() async throws {
    do {
      try await service.run()
    } catch {
      stopSignals.fail(error)
    }
  }
}
