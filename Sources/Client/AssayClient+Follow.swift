// Live views. A stream that breaks off (the daemon restarts) is taken up again after the last event
// that arrived, so that nothing is lost or doubled.

import AsyncHTTPClient
package import Experiments
import Foundation
import NIOCore
import NIOHTTP1
package import Wire

/// What happens while a job is followed.
package enum FollowEvent: Sendable {
  /// An epoch is done; each comes exactly once.
  case epoch(EpochEvent)
  /// The newest state, at most ten times a second.
  case progress(ProgressEvent)
  /// The job is in a final state; nothing follows.
  case end(EndEvent)
}

extension AssayClient {
  /// Follows a job to its end. While the daemon is away it tries again for `patience`; if the first
  /// connection fails it throws at once.
  package func followJob(
    _ id: Int64, patience: Duration = .seconds(60)
  ) -> AsyncThrowingStream<FollowEvent, any Error> {
    follow(APIPath("jobs", String(id), "follow"), after: nil, patience: patience) { event in
      switch event.name {
      case "epoch": (.epoch(try Self.value(event)), false)
      case "progress": (.progress(try Self.value(event)), false)
      case "end": (.end(try Self.value(event)), true)
      default: (nil, false)
      }
    }
  }

  /// Follows a run's log from a byte offset until the run is final and all has been sent.
  package func followLog(
    _ name: String, offset: Int64 = 0, patience: Duration = .seconds(60)
  ) -> AsyncThrowingStream<LogEvent, any Error> {
    let path = APIPath("runs", name, "log", "follow")
    return follow(path, after: String(offset), patience: patience) { event in
      switch event.name {
      case "log": (try Self.value(event), false)
      case "end": (nil, true)
      default: (nil, false)
      }
    }
  }

  /// Follows what happens, beginning after an event's id; it has no end.
  package func followEvents(
    after: Int64 = 0, patience: Duration = .seconds(60)
  ) -> AsyncThrowingStream<Event, any Error> {
    follow(APIPath("events", "follow"), after: String(after), patience: patience) { event in
      (event.name == "event" ? try Self.value(event) : nil, false)
    }
  }

  static func value<Value: Decodable>(_ event: ServerSentEvent) throws -> Value {
    do {
      return try WireCoding.decoder().decode(Value.self, from: Data(event.data.utf8))
    } catch {
      throw ClientError.badAnswer("event \(event.name): \(error)")
    }
  }

  /// `convert` makes of an event what the follower gets, and says whether it was the last.
  func follow<Value: Sendable>(
    _ path: APIPath, after first: String?, patience: Duration,
    convert: @escaping @Sendable (ServerSentEvent) throws -> (Value?, last: Bool)
  ) -> AsyncThrowingStream<Value, any Error> {
    AsyncThrowingStream { continuation in
      let task = Task {
        var lastId = first
        var hasConnected = false
        var silentSince = ContinuousClock.now
        while !Task.isCancelled {
          do {
            let response = try await self.open(path, after: lastId)
            hasConnected = true
            var reader = ServerSentEventReader()
            for try await piece in response.body {
              silentSince = .now
              for event in reader.read(piece.readableBytesView) {
                if event.name == "error" {
                  throw ClientError.api(try Self.value(event), status: 500)
                }
                let (value, last) = try convert(event)
                if let value { continuation.yield(value) }
                if let id = event.id { lastId = id }
                if last { return continuation.finish() }
              }
            }
          } catch {
            let error = self.clientError(error, path)
            let isAway =
              switch error {
              case ClientError.daemonUnreachable, ClientError.connectionLost,
                ClientError.timedOut:
                true
              case ClientError.api(_, let status): status == 503
              default: false
              }
            guard isAway, hasConnected, ContinuousClock.now - silentSince < patience else {
              return continuation.finish(throwing: error)
            }
          }
          do {
            try await Task.sleep(for: .milliseconds(200))
          } catch {
            break
          }
        }
        continuation.finish(throwing: CancellationError())
      }
      continuation.onTermination = { _ in task.cancel() }
    }
  }

  private func open(_ path: APIPath, after id: String?) async throws -> HTTPClientResponse {
    try checkNames(of: path)
    var request = self.request(.GET, path)
    request.headers.add(name: "Accept", value: "text/event-stream")
    if let id { request.headers.add(name: "Last-Event-ID", value: id) }
    // The deadline is for the whole stream, which may last for days.
    let response = try await http.execute(request, deadline: .now() + .hours(24 * 365))
    guard response.status == .ok else {
      let body = try await response.body.collect(upTo: 1 << 20)
      throw Self.error(body, status: Int(response.status.code), path)
    }
    return response
  }
}
